//! What an endpoint receives, and what it returns.

use std::sync::Arc;

use http::header;
use jiff::Timestamp;
use smol_str::SmolStr;

use super::{
    auth::Caller,
    http::{answer::Answer, errors, etags, request::Request, route::Captures},
    model::file::File,
    state::{Change, State},
};
use crate::domain::{call::WriteRecord, metadata::instance::Instance, notice::Placed};

/// What an endpoint gives back.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The answer, to be sent once the changes are in the journal.
    pub answer: Answer,
    /// The changes.
    pub changes: Vec<Change>,
    /// The file that the call is about, where only its body names it.
    pub file_id: Option<SmolStr>,
    /// The file that it put into a folder.
    pub placed: Option<Box<Placed>>,
}

impl Decision {
    /// An answer that changes nothing.
    pub fn answer(answer: Answer) -> Self {
        Self {
            answer,
            changes: Vec::new(),
            file_id: None,
            placed: None,
        }
    }

    /// The records among the changes, where the call wrote metadata.
    pub fn records(&self) -> impl Iterator<Item = &Arc<WriteRecord>> {
        self.changes.iter().filter_map(Change::record)
    }

    /// About the bytes that it adds to the journal.
    pub fn weight(&self) -> usize {
        /// The rest of a record.
        const RECORD_OVERHEAD: usize = 384;
        let texts = |record: &Arc<WriteRecord>| {
            let texts = [&record.patch, &record.usage].into_iter().flatten();
            RECORD_OVERHEAD
                + record.instance.as_ref().map_or(0, Instance::weight)
                + texts.map(|text| text.get().len()).sum::<usize>()
        };
        self.records().map(texts).sum()
    }
}

/// What an endpoint is given.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The state.
    pub state: &'a State,
    /// The call.
    pub request: &'a Request,
    /// The captures of its path.
    pub captures: &'a Captures,
    /// Who makes it.
    pub caller: &'a Caller,
    /// The present moment.
    pub now: Timestamp,
}

impl<'a> Context<'a> {
    /// What the path has where its template has `{name}`.
    pub fn capture(&self, name: &str) -> &'a SmolStr {
        const MISSING: &SmolStr = &SmolStr::new_static("");
        let capture = self.captures.get(name);
        debug_assert!(capture.is_some(), "the path has no {{{name}}}");
        capture.unwrap_or(MISSING)
    }

    /// The file that the path names.
    ///
    /// # Errors
    /// 404 where there is no such file.
    pub fn file(&self) -> Result<&'a File, Answer> {
        let file = self.state.file(self.capture("file_id"));
        file.ok_or_else(errors::not_found)
    }

    /// The file that the path names, where the call's If-Match permits it.
    ///
    /// # Errors
    /// 412 where the file has another etag, or had this one when it was deleted; 404 where there is
    /// no such file.
    pub fn matching_file(&self) -> Result<&'a File, Answer> {
        let id = self.capture("file_id");
        let expected = self.request.head.header(header::IF_MATCH);
        let is_expected =
            |etag: u64| expected.is_none_or(|list| etags::lists(list, &etag.to_string()));
        match self.state.file(id) {
            Some(file) if is_expected(file.etag) => Ok(file),
            Some(_) => Err(errors::precondition_failed()),
            None if expected.is_some() && self.state.last_etag(id).is_some_and(is_expected) => {
                Err(errors::precondition_failed())
            }
            None => Err(errors::not_found()),
        }
    }
}
