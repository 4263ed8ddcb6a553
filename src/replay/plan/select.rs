//! Which cases are selected, and the edits of their events.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::affected::absolute_name;
use crate::domain::{event::edit::Edit, shard::Shard};

/// Which cases are selected, and how they are read.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    filter: Option<GlobSet>,
    /// The shard that is selected.
    pub shard: Option<Shard>,
    /// The edits of every event.
    pub edits: Vec<Edit>,
    /// By how much numbers may differ from `expected.json`.
    pub tolerance: f64,
    /// Of the cases that are selected otherwise, only those with these absolute names.
    pub only: Option<Arc<BTreeSet<PathBuf>>>,
}

impl Selection {
    /// Only the cases whose path matches one of `globs`; all, where there is none.
    ///
    /// # Errors
    /// Where one is not a glob.
    pub fn filtered(globs: &[String]) -> Result<Self, String> {
        if globs.is_empty() {
            return Ok(Self::default());
        }
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            set.add(Glob::new(glob).map_err(|error| error.to_string())?);
        }
        let filter = Some(set.build().map_err(|error| error.to_string())?);
        Ok(Self {
            filter,
            ..Self::default()
        })
    }

    /// Whether a case is among those of `only`.
    pub(super) fn is_wanted(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.contains(&absolute_name(name)))
    }

    /// Whether a case passes the filter, by its name or the path of its file.
    pub(super) fn matches(&self, name: &str, file: &Path) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.is_match(name) || filter.is_match(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_matches_the_name_or_the_file() {
        let selection = Selection::filtered(&["*upload*".to_owned()]).expect("a glob");
        assert!(selection.matches("a/upload-text", "a/upload-text/event.json".as_ref()));
        assert!(!selection.matches("a/copy", "a/copy/event.json".as_ref()));
        assert!(Selection::filtered(&["[".to_owned()]).is_err());
    }
}
