//! From the paths on the command line to cases: events with what lies beside them. Everything is
//! read and checked here, before anything is sent; then it is read again, one case after the
//! other, so that a million events take no more memory than ten. Few cases are kept.

mod case;
mod find;
mod select;

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

pub use case::{Case, read_document};
pub use select::Selection;

use case::Beside;
use find::{Source, Spooled};

use crate::domain::{
    diagnostic::Diagnostic,
    event::{
        Event,
        edit::{Edit, NoMatch},
        signature,
    },
    json::document::{Document, SyntaxError},
};

/// The largest event that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Up to so many bytes of events are kept instead of being read again.
const KEPT: usize = 1024 * 1024;

/// Why the fixtures are no plan.
#[derive(Debug)]
pub enum PlanError {
    /// A path does not exist or cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is larger than is read.
    TooLarge(PathBuf),
    /// A folder holds no event, a glob matches none.
    Empty(PathBuf),
    /// A glob cannot be understood.
    BadGlob(String),
    /// The standard input was asked for twice.
    StdinTwice,
    /// A file is not JSON.
    Syntax(Box<SyntaxError>),
    /// A file is JSON, but not what it should be.
    Wrong(Box<(Document, Diagnostic)>),
    /// An edit matches nothing in the event of a case.
    NoMatch(String, NoMatch),
    /// An edit makes of the event of a case something that is none.
    Spoilt(String, Box<Diagnostic>),
    /// The filter leaves none of so many cases.
    NothingLeft(usize),
}

/// Cases that were all read once, and can be read again.
#[derive(Clone, Debug)]
pub struct Plan {
    sources: Vec<Source>,
    selection: Selection,
    kept: Option<Vec<Arc<Case>>>,
    /// How many cases there are.
    pub count: usize,
    /// Columns of the longest name.
    pub columns: usize,
    /// Whether a capture among them has signatures, which no longer hold.
    pub has_signatures: bool,
}

impl Plan {
    /// Reads and checks the cases that `paths` name and `selection` takes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(paths: &[PathBuf], selection: Selection) -> Result<Self, PlanError> {
        let mut plan = Self {
            sources: find::sources(paths)?,
            selection,
            kept: None,
            count: 0,
            columns: 0,
            has_signatures: false,
        };
        let mut kept = Some((Vec::new(), 0));
        let (mut count, mut columns, mut has_signatures) = (0, 0, false);
        let mut cases = plan.reader();
        for case in cases.by_ref() {
            let case = case?;
            count += 1;
            columns = columns.max(case.names.path.width());
            has_signatures |= has_signature(&case);
            kept = kept.and_then(|(mut cases, mut bytes)| {
                bytes += case.captured.event.body().len();
                cases.push(case);
                (bytes <= KEPT).then_some((cases, bytes))
            });
        }
        let (selected, seen) = (cases.selected, cases.seen);
        if selected == 0 {
            return Err(PlanError::NothingLeft(seen));
        }
        plan.kept = kept.map(|(cases, _)| cases);
        (plan.count, plan.columns, plan.has_signatures) = (count, columns, has_signatures);
        Ok(plan)
    }

    /// The cases, in their order.
    pub fn cases(&self) -> Box<dyn Iterator<Item = Result<Arc<Case>, PlanError>> + Send + '_> {
        match &self.kept {
            Some(cases) => Box::new(cases.iter().map(|case| Ok(Arc::clone(case)))),
            None => Box::new(self.reader()),
        }
    }

    /// The cases, where they are few enough to be kept.
    pub fn kept(&self) -> Option<&[Arc<Case>]> {
        self.kept.as_deref()
    }

    /// The changes that are made in every event.
    pub fn edits(&self) -> &[Edit] {
        &self.selection.edits
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            sources: self.sources.iter(),
            selection: self.selection.clone(),
            lines: None,
            listing: case::Listing::default(),
            seen: 0,
            selected: 0,
        }
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

/// Reads cases, one after the other.
struct Reader<'a> {
    sources: std::slice::Iter<'a, Source>,
    selection: Selection,
    lines: Option<Lines>,
    listing: case::Listing,
    /// Cases before the filter.
    seen: usize,
    /// Cases behind the filter, before the shard.
    selected: usize,
}

/// The lines of a file, so far.
struct Lines {
    reader: Box<dyn BufRead + Send>,
    shown: PathBuf,
    number: usize,
    found: usize,
    line: Vec<u8>,
}

impl Lines {
    fn open(spooled: &Spooled, shown: &Path) -> Result<Self, PlanError> {
        let reader = spooled
            .open()
            .map_err(|error| PlanError::Unreadable(shown.to_owned(), error))?;
        Ok(Self {
            reader,
            shown: shown.to_owned(),
            number: 0,
            found: 0,
            line: Vec::new(),
        })
    }

    /// Goes to the next line that is not empty; false at the end.
    fn advance(&mut self) -> Result<bool, PlanError> {
        loop {
            self.line.clear();
            let read = find::read_line(&mut *self.reader, &mut self.line)
                .map_err(|error| PlanError::Unreadable(self.shown.clone(), error))?;
            if read == 0 {
                return match self.found {
                    0 => Err(PlanError::Empty(self.shown.clone())),
                    _ => Ok(false),
                };
            }
            if read as u64 > LARGEST {
                return Err(PlanError::TooLarge(self.shown.clone()));
            }
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                self.found += 1;
                return Ok(true);
            }
        }
    }
}

impl Reader<'_> {
    /// Whether a case is taken.
    fn takes(&mut self, name: &str, file: &Path) -> bool {
        self.seen += 1;
        if !self.selection.lets(name, file) {
            return false;
        }
        self.selected += 1;
        let position = self.selected - 1;
        self.selection
            .shard
            .is_none_or(|shard| shard.takes(position))
    }

    fn step(&mut self) -> Result<Option<Arc<Case>>, PlanError> {
        loop {
            if let Some(mut lines) = self.lines.take() {
                if !lines.advance()? {
                    continue;
                }
                let beside = Beside::line(&lines.shown, lines.number);
                // Also what is not taken must be an event: no shard hides a bad line.
                let line = lines.line.trim_ascii_end();
                let captured = case::event_in_line(line, &lines.shown, lines.number)?;
                let takes = self.takes(&beside.name, &lines.shown);
                self.lines = Some(lines);
                if takes {
                    return self.finish(captured, beside).map(Some);
                }
                continue;
            }
            let Some(source) = self.sources.next() else {
                return Ok(None);
            };
            let (beside, file) = match source {
                Source::Lines(spooled, shown) => {
                    self.lines = Some(Lines::open(spooled, shown)?);
                    continue;
                }
                Source::File(path) => (Beside::file(path), path.clone()),
                Source::Stdin(_) => (Beside::nothing("<stdin>"), PathBuf::from("<stdin>")),
            };
            let captured = case::event(case::document(source)?)?;
            if self.takes(&beside.name, &file) {
                return self.finish(captured, beside).map(Some);
            }
        }
    }

    fn finish(
        &mut self,
        mut captured: crate::domain::event::Captured,
        beside: Beside,
    ) -> Result<Arc<Case>, PlanError> {
        if !self.selection.edits.is_empty() {
            let mut value = Value::from(captured.event.invocation().tree());
            for edit in &self.selection.edits {
                edit.apply(&mut value)
                    .map_err(|refused| PlanError::NoMatch(beside.name.clone(), refused))?;
            }
            captured.event = Event::from_value(&value)
                .map_err(|found| PlanError::Spoilt(beside.name.clone(), found))?;
        }
        case::case(
            captured,
            beside,
            &mut self.listing,
            self.selection.tolerance,
        )
        .map(Arc::new)
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Arc<Case>, PlanError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
