//! Reads the selected cases of a plan, one after the other.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    case::{Case, CaseFiles, Listing, case, document, event, event_in_line},
    error::PlanError,
    find::{MAX_EVENT_BYTES, Source, Spooled, read_line},
    select::Selection,
    upload,
};
use crate::domain::event::{Captured, Event};

/// Reads cases, one after the other.
pub(super) struct Reader<'a> {
    sources: std::slice::Iter<'a, Source>,
    selection: Selection,
    lines: Option<Lines>,
    listing: Listing,
    /// Cases before the filter.
    pub(super) seen: usize,
    /// Cases that pass the filter, before the shard.
    pub(super) selected: usize,
}

/// A file of lines that is being read.
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

    /// Reads the next line that is not empty; false at the end.
    fn advance(&mut self) -> Result<bool, PlanError> {
        loop {
            self.line.clear();
            let read = read_line(&mut *self.reader, &mut self.line)
                .map_err(|error| PlanError::Unreadable(self.shown.clone(), error))?;
            if read == 0 {
                return match self.found {
                    0 => Err(PlanError::Empty(self.shown.clone())),
                    _ => Ok(false),
                };
            }
            if read as u64 > MAX_EVENT_BYTES {
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

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a [Source], selection: Selection) -> Self {
        Self {
            sources: sources.iter(),
            selection,
            lines: None,
            listing: Listing::default(),
            seen: 0,
            selected: 0,
        }
    }
}

impl Reader<'_> {
    /// Counts a case, and returns whether it is selected.
    fn takes(&mut self, name: &str, file: &Path) -> bool {
        self.seen += 1;
        if !self.selection.matches(name, file) {
            return false;
        }
        self.selected += 1;
        let position = self.selected - 1;
        let is_in_shard = self
            .selection
            .shard
            .is_none_or(|shard| shard.takes(position));
        is_in_shard && self.selection.is_wanted(name)
    }

    fn step(&mut self) -> Result<Option<Arc<Case>>, PlanError> {
        loop {
            if let Some(mut lines) = self.lines.take() {
                if !lines.advance()? {
                    continue;
                }
                let files = CaseFiles::line(&lines.shown, lines.number);
                // A line that is not selected must be an event too: no shard hides a bad line.
                let line = lines.line.trim_ascii_end();
                let captured = event_in_line(line, &lines.shown, lines.number)?;
                let takes = self.takes(&files.name, &lines.shown);
                self.lines = Some(lines);
                if takes {
                    return self.finish(captured, files).map(Some);
                }
                continue;
            }
            let Some(source) = self.sources.next() else {
                return Ok(None);
            };
            let (files, file) = match source {
                Source::Lines(spooled, shown) => {
                    self.lines = Some(Lines::open(spooled, shown)?);
                    continue;
                }
                Source::Upload(path) => {
                    let case = upload::case(path)?;
                    if self.takes(&case.names.path, path) {
                        return Ok(Some(Arc::new(case)));
                    }
                    continue;
                }
                Source::File(path) => (CaseFiles::file(path), path.clone()),
                Source::Stdin(_) => (CaseFiles::nothing("<stdin>"), PathBuf::from("<stdin>")),
            };
            let captured = event(document(source)?)?;
            if self.takes(&files.name, &file) {
                return self.finish(captured, files).map(Some);
            }
        }
    }

    fn finish(&mut self, mut captured: Captured, files: CaseFiles) -> Result<Arc<Case>, PlanError> {
        if !self.selection.edits.is_empty() {
            let mut value = Value::from(captured.event.invocation().tree());
            for edit in &self.selection.edits {
                edit.apply(&mut value)
                    .map_err(|refused| PlanError::NoMatch(files.name.clone(), refused))?;
            }
            captured.event = Event::from_value(&value)
                .map_err(|found| PlanError::Spoilt(files.name.clone(), found))?;
        }
        case(captured, files, &mut self.listing, self.selection.tolerance).map(Arc::new)
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Arc<Case>, PlanError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
