//! The changed files of a project, for `--watch` of `replay` and `mock-box`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    exit::{Failure, Problem},
    replay::plan::absolute_name,
    terminal::Terminal,
    watch::sources::{FileChange, SourceWatch, WatchEvent, WatchMode, WatchRoot},
};

/// The most changed files that are named.
const MAX_NAMED: usize = 3;

/// Starts to watch the project, and `others`. `excluded` are files and folders that skillctl writes.
pub(super) fn watch(
    config: Option<&Path>,
    others: Vec<WatchRoot>,
    excluded: Vec<PathBuf>,
) -> Result<SourceWatch, Failure> {
    let mut roots = vec![WatchRoot {
        path: project_folder(config),
        depth: None,
        skips_ignored: true,
    }];
    roots.extend(others);
    SourceWatch::start(roots, excluded, WatchMode::Auto)
        .map_err(|error| Problem::new(format!("cannot watch files: {error}")).outside())
}

/// The folder of the config file, else the current one.
fn project_folder(config: Option<&Path>) -> PathBuf {
    let folder = config.and_then(Path::parent).unwrap_or(Path::new(""));
    absolute(&Path::new(".").join(folder))
}

/// An absolute path, without `.` and `..`.
pub(super) fn absolute(path: &Path) -> PathBuf {
    absolute_name(&path.to_string_lossy())
}

/// Waits for changed files. Prints what else the watch reports.
pub(super) async fn next(files: &mut SourceWatch, terminal: &Terminal) -> Vec<FileChange> {
    loop {
        match files.next().await {
            WatchEvent::Remark(text) => terminal.warn(&text),
            WatchEvent::Changed(changes) => return changes,
        }
    }
}

/// `a.js, b.js and 3 more changed`.
pub(super) fn describe(changes: &[FileChange]) -> String {
    let paths: BTreeSet<&PathBuf> = changes.iter().map(|it| &it.path).collect();
    let named: Vec<String> = paths.iter().take(MAX_NAMED).map(|it| shown(it)).collect();
    match paths.len().checked_sub(MAX_NAMED) {
        Some(more @ 1..) => format!("{} and {more} more changed", named.join(", ")),
        _ => format!("{} changed", named.join(", ")),
    }
}

/// A path as a person would type it.
fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(current).unwrap_or(path);
    below.display().to_string()
}

/// The warning about files that are left out.
pub(super) fn left_out(path: &Path) -> String {
    let what = if path.is_dir() { "new files in " } else { "" };
    format!(
        "{what}{} changed in three runs in a row: left out, because the skill seems to write there",
        shown(path)
    )
}
