//! The targets of the fuzzing in `fuzz/`, without a fuzzer: each must hold for every file of its
//! corpus, and for random inputs of the same form.

mod properties;
mod targets;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

/// The files of a target's corpus, in the order of their names.
fn corpus_of(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let entries = fs::read_dir(folder.join(target)).expect("a corpus");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

fn replay(target: &str) {
    let files = corpus_of(target);
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    for file in files {
        let bytes = fs::read(&file).expect("it can be read");
        let run = AssertUnwindSafe(|| targets::run(target, &bytes));
        if let Err(panic) = catch_unwind(run) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            match text {
                Some(text) => panic!("{}: {text}", file.display()),
                None => resume_unwind(panic),
            }
        }
    }
}

macro_rules! corpus {
    ($($target:ident)*) => {
        mod corpus {
            $(
                #[test]
                fn $target() {
                    super::replay(stringify!($target));
                }
            )*
        }

        const REPLAYED: &[&str] = &[$(stringify!($target)),*];
    };
}

corpus! {
    capture cards config docx event fixtures har multipart patch port position services state subtitles
}

#[test]
fn every_target_has_a_corpus_a_test_and_a_harness() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(folder)).expect("a folder");
        entries
            .map(|entry| {
                let path = entry.expect("an entry").path();
                path.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    let targets: BTreeSet<String> = targets::TARGETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(names("tests/fuzz/corpus"), targets);
    assert_eq!(names("fuzz/fuzz_targets"), targets);
    assert_eq!(
        REPLAYED
            .iter()
            .map(|it| (*it).to_owned())
            .collect::<BTreeSet<_>>(),
        targets
    );
}
