//! A folder of fixtures as `replay` finds it. The input is a small archive: a line `-- NAME --`
//! begins a file; only the names in `NAMES` are used.

use std::{fs, path::Path};

use skillctl::{
    domain::shard::Shard,
    render::diagnostic::{finding, syntax_excerpt},
    replay::{
        Plan, PlanError,
        plan::{Selection, load},
    },
};

const NAMES: [&str; 8] = [
    "event.json",
    "expected.json",
    "content.txt",
    "many.jsonl",
    "many/1.expected.json",
    "many/2.expected.json",
    "one.json",
    "one.expected.json",
];

pub(crate) fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files(bytes) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("it is made");
        fs::write(path, content).expect("it is written");
    }
    check_folder(folder.path());
}

/// The files of an archive.
fn files(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut files: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let header = line
            .trim_ascii()
            .strip_prefix(b"-- ")
            .and_then(|rest| rest.strip_suffix(b" --"));
        let name = header.and_then(|name| NAMES.iter().find(|known| known.as_bytes() == name));
        match (name, files.last_mut()) {
            (Some(name), _) => files.push((name, Vec::new())),
            (None, Some((_, content))) => content.extend_from_slice(line),
            (None, None) => {}
        }
    }
    files
}

fn check_folder(folder: &Path) {
    let paths = [folder.to_owned()];
    let cases = match load(&paths) {
        Ok(cases) => cases,
        Err(error) => return check_error(error),
    };
    let plan = Plan::read(&paths, Selection::default()).expect("it was read before");
    assert_eq!(plan.count, cases.len());
    for case in &cases {
        assert!(!case.captured.event.invocation().file_id().is_empty());
    }
    let mut in_shards = Vec::new();
    for nth in ["1/2", "2/2"] {
        let shard: Shard = nth.parse().expect("a shard");
        let mut selection = Selection::default();
        selection.shard = Some(shard);
        let plan = Plan::read(&paths, selection).expect("it was read before");
        let names = plan
            .cases()
            .map(|case| case.expect("it reads").names.path.clone());
        in_shards.extend(names);
    }
    let mut names: Vec<_> = cases
        .into_iter()
        .map(|case| case.names.path.clone())
        .collect();
    names.sort();
    in_shards.sort();
    assert_eq!(names, in_shards, "each case is in one shard");
}

fn check_error(error: PlanError) {
    match error {
        PlanError::Syntax(error) => {
            let _ = syntax_excerpt(&error, 80);
        }
        PlanError::Wrong(wrong) => {
            let (document, found) = *wrong;
            let found = [found];
            let located = document.locate(&found);
            let _ = finding(&document.name, &document.text, &located[0], 80);
        }
        PlanError::Empty(_) => {}
        other => panic!("nothing else can be wrong here: {other:?}"),
    }
}
