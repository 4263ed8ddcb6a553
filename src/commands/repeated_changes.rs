//! Files that change in each run, because the skill writes them. They are left out, or each run
//! would start the next one.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use crate::{
    replay::plan::is_source_file,
    watch::sources::{ChangeKind, FileChange},
};

/// After this many runs in a row in which a file changed, it is left out: the skill writes it.
const MAX_RUNS: usize = 3;

/// The files that change while cases run, and in how many runs in a row.
#[derive(Debug, Default)]
pub(super) struct ChangedByRuns {
    runs: HashMap<PathBuf, usize>,
    /// Those of the present run, until it is counted.
    current: Option<HashSet<PathBuf>>,
    /// Files that a person edits, whatever happens.
    protected: HashSet<PathBuf>,
}

impl ChangedByRuns {
    /// `protected` files are never left out.
    pub(super) fn new(protected: HashSet<PathBuf>) -> Self {
        Self {
            protected,
            ..Self::default()
        }
    }

    /// A run starts.
    pub(super) fn start_run(&mut self) {
        self.current = Some(HashSet::new());
    }

    /// Files changed while the cases ran.
    pub(super) fn add(&mut self, changes: &[FileChange]) {
        if let Some(current) = &mut self.current {
            current.extend(changes.iter().map(|change| subject(change).to_owned()));
        }
    }

    /// Whether a change looks like one that the skill makes in each run.
    pub(super) fn is_suspect(&self, change: &FileChange) -> bool {
        change.kind != ChangeKind::Modified || self.runs.contains_key(&change.path)
    }

    /// Counts the run. Returns what has now changed in three runs in a row: files, and folders in which
    /// files are made.
    pub(super) fn end_run(&mut self) -> Vec<PathBuf> {
        let Some(current) = self.current.take() else {
            return Vec::new();
        };
        self.runs.retain(|path, _| current.contains(path));
        let mut repeated = Vec::new();
        for path in current {
            let runs = self.runs.entry(path.clone()).or_default();
            *runs += 1;
            let is_edited = self.protected.contains(&path) || is_source_file(&path);
            if *runs >= MAX_RUNS && !is_edited {
                repeated.push(path);
            }
        }
        repeated.sort();
        repeated
    }

    /// Forgets all runs.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
        self.current = None;
    }
}

/// What would be left out: the file, or, for a file that is made or removed, its folder, since such a
/// file may have another name each time.
pub(super) fn subject(change: &FileChange) -> &Path {
    match change.kind {
        ChangeKind::Modified => &change.path,
        ChangeKind::Created | ChangeKind::Removed => change.path.parent().unwrap_or(&change.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str, kind: ChangeKind) -> FileChange {
        FileChange {
            path: path.into(),
            kind,
        }
    }

    #[test]
    fn what_changes_in_three_runs_in_a_row_is_named_once_it_does() {
        let log = changed("/p/skill.log", ChangeKind::Modified);
        let output = |n: usize| changed(&format!("/p/out/{n}.json"), ChangeKind::Created);
        let mut runs = ChangedByRuns::default();
        for n in 0..2 {
            runs.start_run();
            runs.add(&[log.clone(), output(n)]);
            assert!(runs.end_run().is_empty());
            assert!(runs.end_run().is_empty(), "a run counts once");
        }
        assert!(runs.is_suspect(&log));
        runs.start_run();
        runs.add(&[log, output(3)]);
        let expected = ["/p/out", "/p/skill.log"].map(PathBuf::from);
        assert_eq!(runs.end_run(), expected);
    }

    #[test]
    fn a_run_without_the_change_starts_the_count_again_and_protected_files_stay() {
        let source = changed("/p/index.js", ChangeKind::Modified);
        let mut runs = ChangedByRuns::default();
        for is_changed in [true, true, false, true, true] {
            runs.start_run();
            if is_changed {
                runs.add(std::slice::from_ref(&source));
            }
            assert!(runs.end_run().is_empty());
        }
        let mut runs = ChangedByRuns::new(HashSet::from([source.path.clone()]));
        for _ in 0..5 {
            runs.start_run();
            runs.add(std::slice::from_ref(&source));
            assert!(runs.end_run().is_empty());
        }
    }
}
