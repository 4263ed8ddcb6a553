//! Paths that changed a moment ago. A path is looked at once nothing has happened to it for long
//! enough, so that half-written files are not read. The current time is a parameter.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long nothing may happen to a path before it is settled.
const QUIET_TIME: Duration = Duration::from_millis(400);
/// The same for a file that a program has open for writing.
const OPEN_QUIET_TIME: Duration = Duration::from_secs(10);

/// The paths that are not settled yet.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    paths: HashMap<PathBuf, Change>,
    last_number: u64,
}

/// What happened to a path.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// Counts the paths: the order in which they changed first.
    number: u64,
    /// When it changed last.
    at: Instant,
    /// Whether a program has it open for writing, as far as the system reports that.
    is_open: bool,
}

impl Change {
    fn settles_at(self) -> Instant {
        self.at
            + if self.is_open {
                OPEN_QUIET_TIME
            } else {
                QUIET_TIME
            }
    }
}

impl Unsettled {
    /// Something happened to `path`; `is_open` where that says whether it is open for writing.
    pub(super) fn changed(&mut self, path: &Path, is_open: Option<bool>, now: Instant) {
        let change = self.paths.entry(path.to_owned()).or_insert_with(|| {
            self.last_number += 1;
            Change {
                number: self.last_number,
                at: now,
                is_open: false,
            }
        });
        change.at = now;
        if let Some(is_open) = is_open {
            change.is_open = is_open;
        }
    }

    /// The paths at and below `from` are now at and below `to`.
    pub(super) fn renamed(&mut self, from: &Path, to: &Path, now: Instant) {
        let moved: Vec<PathBuf> = self
            .paths
            .keys()
            .filter(|path| path.starts_with(from))
            .cloned()
            .collect();
        for path in moved {
            if let Some(change) = self.paths.remove(&path) {
                let change = Change { at: now, ..change };
                self.paths.insert(rebased(&path, from, to), change);
            }
        }
    }

    /// When the next path may be settled.
    pub(super) fn next(&self) -> Option<Instant> {
        self.paths.values().map(|change| change.settles_at()).min()
    }

    /// Removes and returns the settled paths, in the order in which they changed first.
    pub(super) fn take_settled(&mut self, now: Instant) -> Vec<PathBuf> {
        let mut settled: Vec<(u64, PathBuf)> = self
            .paths
            .iter()
            .filter(|(_, change)| change.settles_at() <= now)
            .map(|(path, change)| (change.number, path.clone()))
            .collect();
        settled.sort();
        let paths: Vec<PathBuf> = settled.into_iter().map(|(_, path)| path).collect();
        for path in &paths {
            self.paths.remove(path);
        }
        paths
    }

    /// Whether `path` is among them.
    pub(super) fn contains(&self, path: &Path) -> bool {
        self.paths.contains_key(path)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.paths.clear();
    }
}

/// `path`, which is at or below `from`, in the same place at or below `to`.
pub(super) fn rebased(path: &Path, from: &Path, to: &Path) -> PathBuf {
    match path.strip_prefix(from) {
        Ok(below) if !below.as_os_str().is_empty() => to.join(below),
        _ => to.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_settles_once_it_is_quiet_and_later_while_it_is_open() {
        let (first, second) = (Path::new("/a"), Path::new("/b"));
        let start = Instant::now();
        let mut unsettled = Unsettled::default();
        unsettled.changed(first, Some(true), start);
        unsettled.changed(second, None, start);
        assert_eq!(unsettled.next(), Some(start + QUIET_TIME));
        assert_eq!(unsettled.take_settled(start + QUIET_TIME), [second]);
        assert!(unsettled.take_settled(start + QUIET_TIME).is_empty());
        let closed = start + 2 * QUIET_TIME;
        unsettled.changed(first, Some(false), closed);
        assert_eq!(unsettled.take_settled(closed + QUIET_TIME), [first]);
        assert_eq!(unsettled.next(), None);
    }

    #[test]
    fn a_rename_carries_what_is_unsettled_below_it() {
        let start = Instant::now();
        let mut unsettled = Unsettled::default();
        unsettled.changed(Path::new("/a/x"), None, start);
        unsettled.changed(Path::new("/c"), None, start);
        unsettled.renamed(Path::new("/a"), Path::new("/b"), start + QUIET_TIME);
        assert!(unsettled.contains(Path::new("/b/x")));
        assert!(!unsettled.contains(Path::new("/a/x")));
        let late = start + 2 * QUIET_TIME;
        assert_eq!(
            unsettled.take_settled(late),
            [Path::new("/b/x"), Path::new("/c")]
        );
    }
}
