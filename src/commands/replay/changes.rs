//! What changed files mean for the next run of `--watch`.

use std::{collections::BTreeSet, path::PathBuf};

use crate::{replay::plan::belongs_to, watch::sources::FileChange};

/// With more changes than this, such as those of a checkout, all cases run.
const MAX_CHANGES: usize = 200;

/// The cases that changes concern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Concerned {
    /// All: a file changed that belongs to no case.
    All,
    /// Those with these absolute names. The set is empty if cases were only removed.
    Cases(BTreeSet<PathBuf>),
}

/// The cases that changes concern. `before` and `now` are the absolute names of all cases before and
/// after the changes.
pub(super) fn concerned(
    changes: &[FileChange],
    before: &BTreeSet<PathBuf>,
    now: &BTreeSet<PathBuf>,
) -> Concerned {
    let owned = |change: &FileChange| {
        let mut cases = before.union(now);
        cases.any(|case| belongs_to(&change.path, case))
    };
    if changes.len() > MAX_CHANGES || !changes.iter().all(owned) {
        return Concerned::All;
    }
    let is_concerned = |case: &&PathBuf| {
        let is_changed = changes.iter().any(|it| belongs_to(&it.path, case));
        is_changed || !before.contains(*case)
    };
    Concerned::Cases(now.iter().filter(is_concerned).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::sources::ChangeKind;

    fn changed(path: &str, kind: ChangeKind) -> FileChange {
        FileChange {
            path: path.into(),
            kind,
        }
    }

    fn names(names: &[&str]) -> BTreeSet<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn a_file_of_a_case_concerns_that_case_and_any_other_file_all() {
        let cases = names(&["/p/cases/a", "/p/cases/b"]);
        let of = |paths: &[&str]| {
            let changes: Vec<_> = paths
                .iter()
                .map(|path| changed(path, ChangeKind::Modified))
                .collect();
            concerned(&changes, &cases, &cases)
        };
        let only_a = Concerned::Cases(names(&["/p/cases/a"]));
        assert_eq!(
            of(&["/p/cases/a/expected.json", "/p/cases/a/event.json"]),
            only_a
        );
        assert_eq!(of(&["/p/index.js"]), Concerned::All);
        assert_eq!(
            of(&["/p/cases/a/event.json", "/p/index.js"]),
            Concerned::All
        );
        let many: Vec<String> = (0..300)
            .map(|n| format!("/p/cases/a/content.{n}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(of(&many), Concerned::All);
    }

    #[test]
    fn a_new_case_runs_and_a_removed_one_concerns_none() {
        let (one, two) = (names(&["/p/a"]), names(&["/p/a", "/p/b"]));
        let added = [changed("/p/b/event.json", ChangeKind::Created)];
        assert_eq!(
            concerned(&added, &one, &two),
            Concerned::Cases(names(&["/p/b"]))
        );
        let removed = [changed("/p/b/event.json", ChangeKind::Removed)];
        assert_eq!(
            concerned(&removed, &two, &one),
            Concerned::Cases(names(&[]))
        );
    }
}
