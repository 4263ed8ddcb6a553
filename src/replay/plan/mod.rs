//! From the paths on the command line to cases: events with the files next to them. All cases are
//! read and checked before anything is sent, and then read again one after the other, so that memory
//! does not grow with their number. A few small cases are kept instead.

mod affected;
mod case;
mod error;
mod find;
mod reader;
mod select;
mod upload;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use unicode_width::UnicodeWidthStr;

pub use affected::{absolute_name, belongs_to};
pub use case::{Case, read_document};
pub use error::{NotAnUpload, PlanError};
pub use find::is_source_file;
pub use select::Selection;

use find::Source;
use reader::Reader;

use crate::domain::event::{edit::Edit, signature};

/// Up to this many bytes of events are kept instead of being read again.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// Cases that were read and checked, and can be read again.
#[derive(Clone, Debug)]
pub struct Plan {
    sources: Vec<Source>,
    selection: Selection,
    kept: Option<Arc<[Arc<Case>]>>,
    /// How many cases there are.
    pub count: usize,
    /// Columns of the longest name.
    pub columns: usize,
    /// Whether an event among them was captured with signatures, which are no longer valid.
    pub has_signatures: bool,
    /// Whether a case among them has a cassette.
    pub has_cassettes: bool,
    /// Whether the only case is the upload of a file, with an event that was made here.
    pub is_upload: bool,
}

impl Plan {
    /// Reads and checks the cases that `paths` name and `selection` takes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(paths: &[PathBuf], selection: Selection) -> Result<Self, PlanError> {
        let mut plan = Self {
            sources: sources(paths)?,
            selection,
            kept: None,
            count: 0,
            columns: 0,
            has_signatures: false,
            has_cassettes: false,
            is_upload: false,
        };
        plan.is_upload = plan
            .sources
            .iter()
            .any(|it| matches!(it, Source::Upload(_)));
        let mut kept = Some((Vec::new(), 0));
        let (mut count, mut columns) = (0, 0);
        let (mut has_signatures, mut has_cassettes) = (false, false);
        let mut cases = plan.reader();
        for case in cases.by_ref() {
            let case = case?;
            count += 1;
            columns = columns.max(case.names.path.width());
            has_signatures |= has_signature(&case);
            has_cassettes |= case.has_cassette();
            kept = kept.and_then(|(mut cases, mut bytes)| {
                bytes += case.captured.event.body().len();
                cases.push(case);
                (bytes <= MAX_KEPT_BYTES).then_some((cases, bytes))
            });
        }
        let (selected, seen) = (cases.selected, cases.seen);
        if selected == 0 {
            return Err(PlanError::NothingLeft(seen));
        }
        plan.kept = kept.map(|(cases, _)| cases.into());
        (plan.count, plan.columns, plan.has_signatures) = (count, columns, has_signatures);
        plan.has_cassettes = has_cassettes;
        Ok(plan)
    }

    /// The cases, in their order.
    pub fn cases(&self) -> Box<dyn Iterator<Item = Result<Arc<Case>, PlanError>> + Send + '_> {
        match &self.kept {
            Some(cases) => Box::new(cases.iter().map(|case| Ok(Arc::clone(case)))),
            None => Box::new(self.reader()),
        }
    }

    /// The cases, where they are small enough to be kept.
    pub fn kept(&self) -> Option<Arc<[Arc<Case>]>> {
        self.kept.clone()
    }

    /// The absolute names of the cases.
    ///
    /// # Errors
    /// A fixture changed, and cannot be read again.
    pub fn names(&self) -> Result<BTreeSet<PathBuf>, PlanError> {
        self.cases()
            .map(|case| Ok(absolute_name(&case?.names.path)))
            .collect()
    }

    /// Puts the cases with these absolute names first. Does nothing if the cases are too large to be
    /// kept in memory.
    pub fn put_first(&mut self, names: &BTreeSet<PathBuf>) {
        if let Some(kept) = &self.kept {
            let mut cases = kept.to_vec();
            cases.sort_by_key(|case| !names.contains(&absolute_name(&case.names.path)));
            self.kept = Some(cases.into());
        }
    }

    /// The changes that are made in every event.
    pub fn edits(&self) -> &[Edit] {
        &self.selection.edits
    }

    fn reader(&self) -> Reader<'_> {
        Reader::new(&self.sources, self.selection.clone())
    }
}

/// The sources that `paths` name. A file that is not a fixture is an upload, if it is the only path.
fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, PlanError> {
    match paths {
        [path] if upload::is_upload(path)? => Ok(vec![Source::Upload(path.clone())]),
        paths => find::sources(paths),
    }
}

/// Reads all cases that `paths` name.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>, PlanError> {
    let plan = Plan::read(paths, Selection::default())?;
    plan.cases()
        .map(|case| case.map(Arc::unwrap_or_clone))
        .collect()
}

fn has_signature(case: &Case) -> bool {
    [signature::PRIMARY, signature::SECONDARY]
        .iter()
        .any(|name| case.captured.header(name).is_some())
}
