//! What an endpoint is given, and what it gives back.

use std::sync::Arc;

use http::header;
use jiff::Timestamp;
use smol_str::SmolStr;

use super::{
    auth::Caller,
    http::{answer::Answer, errors, etags, request::Request},
    model::{file::File, ids::Ids},
    state::{Change, State},
};
use crate::domain::{call::WriteRecord, metadata::instance::Instance, notice::Placed};

/// What becomes of a call.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What is answered, once the changes are written down.
    pub answer: Answer,
    /// What changes.
    pub changes: Vec<Change>,
    /// The file that the call was about, where only its body names it.
    pub file_id: Option<SmolStr>,
    /// The file that came into a folder by it.
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

    /// About how many bytes are to be written down of it.
    pub fn weight(&self) -> usize {
        /// What stands around them.
        const AROUND: usize = 384;
        let texts = |record: &Arc<WriteRecord>| {
            let texts = [&record.patch, &record.usage].into_iter().flatten();
            AROUND
                + record.instance.as_ref().map_or(0, Instance::weight)
                + texts.map(|text| text.get().len()).sum::<usize>()
        };
        self.records().map(texts).sum()
    }
}

/// What every rule is given beside the request.
#[derive(Debug)]
pub struct Context<'a> {
    /// The state, not to be changed.
    pub state: &'a State,
    /// The call.
    pub request: &'a Request,
    /// Who makes it.
    pub caller: &'a Caller,
    /// The present moment.
    pub now: Timestamp,
    /// New ids.
    pub ids: &'a mut Ids,
}

impl<'a> Context<'a> {
    /// The file `id`, where the call's If-Match permits it.
    ///
    /// # Errors
    /// 412 where the file has another etag, or had this one when it was deleted; 404 where there is
    /// no such file.
    pub fn matching_file(&self, id: &str) -> Result<&'a File, Answer> {
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
