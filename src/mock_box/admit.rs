//! The first look at a call, when only its head is there: is it refused, and if not, which body
//! may it bring? Nothing is read that will not be used.

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

use super::{
    answer::Answer,
    errors,
    request::Head,
    routes::{NoRoute, Route, route},
    state::State,
    tokens::Caller,
};
use crate::domain::{call::TokenSeen, operation::Operation};

/// What the head tells about a call, for its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The operation it names.
    pub operation: Operation,
    /// Its token.
    pub token: Option<TokenSeen>,
    /// The event of its token.
    pub token_event: Option<Arc<str>>,
    /// The file it names in its path.
    pub file_id: Option<SmolStr>,
    /// Whether it is for the bytes behind a download URL.
    pub is_bytes: bool,
}

/// The body that a call may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// None; what comes all the same is dropped.
    Nothing,
    /// JSON or a form of at most so many bytes.
    Memory(u64),
    /// Multipart of at most so many bytes, to be spooled to disk.
    Upload(u64),
}

/// What is to be done with a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// What the head tells.
    pub seen: Seen,
    /// What is known of a call that goes on.
    ///
    /// # Errors
    /// The answer, where the call is refused.
    pub outcome: Result<Admitted, Box<Answer>>,
}

/// A call that goes on to its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// What it is.
    pub route: Route,
    /// Who makes it.
    pub caller: Caller,
    /// Which body is wanted.
    pub wanted: Wanted,
}

/// Looks at the head of a call.
pub fn admit(state: &State, head: &Head, now: Timestamp) -> Admission {
    let caller = Caller::of(state, head);
    let found = route(&head.method, &head.segments());
    let seen = Seen {
        operation: found.as_ref().map_or(Operation::Unknown, Route::operation),
        token: caller.seen(),
        token_event: caller.event_id().cloned(),
        file_id: found
            .as_ref()
            .ok()
            .and_then(|route| route.file_id().map(SmolStr::from)),
        is_bytes: matches!(found, Ok(Route::Bytes(_))),
    };
    let outcome = found.map_err(no_route).and_then(|route| {
        check_id(state, &route)?;
        let wanted = wanted(state, head, &route, &caller, now)?;
        Ok(Admitted {
            route,
            caller,
            wanted,
        })
    });
    Admission {
        seen,
        outcome: outcome.map_err(Box::new),
    }
}

/// The answer to a path or method that names no call.
fn no_route(missed: NoRoute) -> Answer {
    match missed {
        NoRoute::Method => errors::method_not_allowed(),
        NoRoute::Path { closest: None } => errors::not_found().note("no such call of Box's"),
        NoRoute::Path {
            closest: Some(closest),
        } => errors::not_found().note(format!("no such call of Box's; the closest is {closest}")),
    }
}

/// Whether a file's id can be one. Box answers 405 to an id that is none, whoever asks.
///
/// # Errors
/// That 405.
fn check_id(state: &State, route: &Route) -> Result<(), Answer> {
    let is_malformed = |id: &str| {
        // A fixture may name its file as it likes.
        !id.bytes().all(|byte| byte.is_ascii_digit()) && state.file(id).is_none()
    };
    match route.file_id() {
        Some(id) if is_malformed(id) => Err(if route.is_metadata() {
            errors::metadata_method_not_allowed()
        } else {
            errors::method_not_allowed()
        }),
        _ => Ok(()),
    }
}

fn wanted(
    state: &State,
    head: &Head,
    route: &Route,
    caller: &Caller,
    now: Timestamp,
) -> Result<Wanted, Answer> {
    caller.check(state, route, now)?;
    let wanted = body_of(state, route);
    if let (Wanted::Memory(limit) | Wanted::Upload(limit), Some(length)) =
        (wanted, head.content_length())
        && length > limit
    {
        return Err(errors::too_large(limit));
    }
    Ok(wanted)
}

fn body_of(state: &State, route: &Route) -> Wanted {
    match route {
        Route::InstanceCreate(_)
        | Route::InstancePatch(_)
        | Route::Invocation(_)
        | Route::FileUpdate(_)
        | Route::FileCopy(_)
        | Route::FolderCreate
        | Route::TokenGrant
        | Route::TokenRevoke => Wanted::Memory(state.settings.max_json),
        Route::Upload | Route::UploadVersion(_) => Wanted::Upload(state.settings.max_upload),
        Route::FileInfo(_)
        | Route::FileDelete(_)
        | Route::FileVersions(_)
        | Route::FileVersion(..)
        | Route::FileContent(_)
        | Route::Bytes(_)
        | Route::RepresentationInfo(_)
        | Route::RepresentationContent(_)
        | Route::InstanceList(_)
        | Route::InstanceGet(_)
        | Route::InstanceDelete(_)
        | Route::FolderInfo(_)
        | Route::FolderItems(_)
        | Route::Me
        | Route::NotPlayed(_) => Wanted::Nothing,
    }
}
