//! What `skillctl replay --watch` watches, and what it leaves out.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    cli::{replay::ReplayArgs, report::Report},
    commands::changed_files::absolute,
    env::input::STDIN,
    exit::{Failure, Problem},
    watch::sources::WatchRoot,
};

/// A fixture that does not exist at the start is a typing error; later it may come back.
///
/// # Errors
/// Exit code 2 for standard input, and for a fixture that cannot be read.
pub(super) fn check_fixtures(paths: &[PathBuf]) -> Result<(), Failure> {
    for path in paths {
        if path == Path::new(STDIN) {
            return Err(
                Problem::new("--watch cannot read events from standard input")
                    .help("put them into a file or a folder")
                    .usage(),
            );
        }
        if let Err(error) = path.metadata()
            && !is_glob(path)
        {
            return Err(Problem::new(format!("cannot read {}: {error}", path.display())).usage());
        }
    }
    Ok(())
}

fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// The folders of the fixtures. `.gitignore` does not hold for them: the user has named them.
pub(super) fn fixture_roots(fixtures: &[PathBuf]) -> Vec<WatchRoot> {
    let root = |fixture: &PathBuf| {
        let path = absolute(fixture);
        let (path, depth) = if fixture.is_dir() {
            (path, None)
        } else {
            let is_plain = |folder: &&Path| !is_glob(folder);
            let folder = path.ancestors().skip(1).find(is_plain);
            // The files of a line of many.jsonl are in the folder many.
            let depth = (!is_glob(fixture)).then_some(2);
            (folder.unwrap_or(Path::new("/")).to_owned(), depth)
        };
        WatchRoot {
            path,
            depth,
            skips_ignored: false,
        }
    };
    fixtures.iter().map(root).collect()
}

/// The files that skillctl writes during a run.
pub(super) fn own_files(arguments: &ReplayArgs) -> Vec<PathBuf> {
    let reports = arguments.report.iter().filter_map(|report| match report {
        Report::File(file) => Some(absolute(&file.path)),
        Report::Github => None,
    });
    let log = arguments.skill_log.as_deref().map(absolute);
    reports.chain(log).collect()
}

/// The files that the skill's command names.
pub(super) fn typed_files(arguments: &ReplayArgs) -> HashSet<PathBuf> {
    let folder = arguments.command_folder.as_deref().unwrap_or(Path::new(""));
    let words = arguments.command.iter().map(|word| folder.join(word));
    words
        .filter(|path| path.is_file())
        .map(|path| absolute(&path))
        .collect()
}
