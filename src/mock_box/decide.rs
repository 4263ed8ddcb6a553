//! The second step of a call: the whole request is there, and the state says what becomes of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    admit::no_route,
    answer::Answer,
    files,
    ids::Ids,
    instances,
    request::Request,
    routes::{Route, route},
    state::{Change, State},
    tokens::Caller,
};
use crate::domain::call::WriteRecord;

/// What becomes of a call.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What is answered, once the changes are written down.
    pub answer: Answer,
    /// What changes.
    pub changes: Vec<Change>,
    /// The file that the call was about, where only its body names it.
    pub file_id: Option<String>,
}

impl Decision {
    /// An answer that changes nothing.
    pub fn answer(answer: Answer) -> Self {
        Self {
            answer,
            changes: Vec::new(),
            file_id: None,
        }
    }

    /// The record among the changes, where the call wrote metadata.
    pub fn record(&self) -> Option<&Arc<WriteRecord>> {
        self.changes.iter().find_map(|change| match change {
            Change::Write(record) => Some(record),
            _ => None,
        })
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

/// Decides a call. The head is checked again: between its head and the end of its body a token
/// may have been revoked and a file deleted.
pub fn decide(state: &State, request: &Request, now: Timestamp, ids: &mut Ids) -> Decision {
    let route = match route(&request.head.method, &request.head.segments()) {
        Ok(route) => route,
        Err(missed) => return Decision::answer(no_route(missed)),
    };
    let caller = Caller::of(state, &request.head);
    if let Err(refusal) = caller.check(state, &route, now) {
        return Decision::answer(refusal);
    }
    let mut context = Context {
        state,
        request,
        caller: &caller,
        now,
        ids,
    };
    let decided = match &route {
        Route::FileInfo(id) => files::info(&context, id).map(Decision::answer),
        Route::FileContent(id) => files::content(&context, id).map(Decision::answer),
        Route::Bytes(ticket) => files::bytes(&context, ticket).map(Decision::answer),
        Route::InstanceList(id) => instances::list(&context, id).map(Decision::answer),
        Route::InstanceGet(path) => instances::get(&context, path).map(Decision::answer),
        Route::InstanceCreate(path) => instances::create(&mut context, path),
        Route::InstancePatch(path) => instances::patch(&context, path),
        Route::InstanceDelete(path) => instances::delete(&context, path),
        Route::Invocation(skill_id) => instances::invocation(&mut context, skill_id),
    };
    decided.unwrap_or_else(Decision::answer)
}
