//! The steps of a call: its head is admitted, its body is prepared, and it is decided. The
//! table of endpoints says what each step does for a call.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use smol_str::SmolStr;

use super::{
    api::{
        endpoint::{BodyKind, Checked, Decide, Handler, Matched},
        table,
    },
    auth::{Access, Caller},
    context::{Context, Decision},
    http::{
        answer::Answer,
        envelope::Envelope,
        errors,
        request::{Head, Request},
        route::NoRoute,
    },
    model::{ids::Ids, settings::Settings, upload_session::PART_SIZE},
    state::State,
};
use crate::domain::{call::TokenSeen, operation::Operation};

/// What the head says about a call, for its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The operation.
    pub operation: Operation,
    /// The token.
    pub token: Option<TokenSeen>,
    /// The event of the token.
    pub token_event: Option<Arc<str>>,
    /// The file that the path names.
    pub file_id: Option<SmolStr>,
    /// Whether it is for the bytes behind a download URL.
    pub is_bytes: bool,
}

/// The body that a call accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedBody {
    /// None; one that is sent all the same is dropped.
    Nothing,
    /// JSON or a form of at most this many bytes.
    Memory(u64),
    /// Multipart of at most this many bytes, to be spooled to disk.
    Upload(u64),
    /// Bytes of at most this number, to be spooled to disk.
    Part(u64),
    /// JSON of at most this many bytes; with it the parts of this upload session are joined.
    Joined(u64, SmolStr),
}

/// The result of the first step.
#[derive(Clone, Debug)]
pub struct Admission {
    /// What the head says.
    pub seen: Seen,
    /// The call, where it is admitted.
    ///
    /// # Errors
    /// The answer, where it is refused.
    pub outcome: Result<Admitted, Box<Answer>>,
}

/// A call whose head is admitted.
#[derive(Clone, Debug)]
pub struct Admitted {
    matched: Matched,
    caller: Caller,
    /// The body that it accepts.
    pub accepts: AcceptedBody,
}

impl Admitted {
    /// Whether the call changes nothing, whatever its answer is.
    pub fn is_read(&self) -> bool {
        self.matched.is_read()
    }
}

/// The first step: finds the endpoint, and refuses the call as far as its head permits.
pub fn admit(state: &State, head: &Head, now: Timestamp) -> Admission {
    let caller = Caller::from_head(state, head);
    let found = table::find(&head.method, &head.segments());
    let matched = found.as_ref().ok();
    let endpoint = matched.map(|matched| matched.endpoint);
    let seen = Seen {
        operation: endpoint.map_or(Operation::Unknown, |endpoint| endpoint.operation),
        token: caller.seen(),
        token_event: caller.event_id().cloned(),
        file_id: matched.and_then(Matched::file_id).map(SmolStr::from),
        is_bytes: endpoint.is_some_and(|endpoint| endpoint.access == Access::SignedUrl),
    };
    let outcome = found.map_err(no_route).and_then(|matched| {
        check_id(state, &matched)?;
        caller.check(state, matched.asked(), now)?;
        let accepts = accepted_body(&state.settings, head, &matched)?;
        Ok(Admitted {
            matched,
            caller,
            accepts,
        })
    });
    Admission {
        seen,
        outcome: outcome.map_err(Box::new),
    }
}

/// The answer to a path or method that no endpoint has.
fn no_route(missed: NoRoute) -> Answer {
    match missed {
        NoRoute::Method => errors::method_not_allowed(Envelope::Client),
        NoRoute::Path { closest: None } => errors::not_found().note("Box has no such call"),
        NoRoute::Path {
            closest: Some(closest),
        } => errors::not_found().note(format!("Box has no such call; the closest is {closest}")),
    }
}

/// Box answers 405 to a malformed file id, before it looks at the token. A fixture may use any text
/// as the id of its file.
fn check_id(state: &State, matched: &Matched) -> Result<(), Answer> {
    let is_number = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
    match matched.file_id() {
        Some(id) if !is_number(id) && state.file(id).is_none() => {
            let envelope = Envelope::for_operation(matched.endpoint.operation);
            Err(errors::method_not_allowed(envelope))
        }
        _ => Ok(()),
    }
}

/// The body that a call accepts, where the length it announces is within the limit.
fn accepted_body(
    settings: &Settings,
    head: &Head,
    matched: &Matched,
) -> Result<AcceptedBody, Answer> {
    let (accepted, limit) = match matched.endpoint.body {
        BodyKind::NoBody => return Ok(AcceptedBody::Nothing),
        BodyKind::InMemory => (AcceptedBody::Memory(settings.max_json), settings.max_json),
        BodyKind::Multipart => (
            AcceptedBody::Upload(settings.max_upload),
            settings.max_upload,
        ),
        BodyKind::RawPart => (AcceptedBody::Part(PART_SIZE), PART_SIZE),
        BodyKind::JoinedParts => {
            let session = matched.captures.get("session_id").cloned();
            let joined = AcceptedBody::Joined(settings.max_json, session.unwrap_or_default());
            (joined, settings.max_json)
        }
    };
    match head.content_length() {
        Some(length) if length > limit => Err(errors::too_large(limit)),
        _ => Ok(accepted),
    }
}

/// What is known of a call once its body was read, ready to be decided.
#[derive(Debug)]
pub struct Prepared {
    matched: Matched,
    caller: Caller,
    step: Step,
    instances_of: Option<SmolStr>,
}

/// What is still to be done with a call.
enum Step {
    Read(fn(&Context<'_>) -> Result<Answer, Answer>),
    Write(fn(&Context<'_>, &mut Ids) -> Result<Decision, Answer>),
    CheckedWrite(Decide),
    NotPlayed(&'static str),
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read(_) => "Read",
            Self::Write(_) => "Write",
            Self::CheckedWrite(_) => "CheckedWrite",
            Self::NotPlayed(_) => "NotPlayed",
        })
    }
}

impl Prepared {
    /// The file whose instances are all that the call may change. Its decision depends on that file,
    /// and on nothing that a write to another file changes.
    pub fn writes_only_to(&self) -> Option<&SmolStr> {
        self.instances_of.as_ref()
    }
}

/// The second step: parses and checks the body, as far as that needs no state.
pub fn prepare(settings: &Settings, admitted: Admitted, request: &Request) -> Prepared {
    let Admitted {
        matched, caller, ..
    } = admitted;
    let mut instances_of = match matched.endpoint.operation {
        Operation::Cards => matched.captures.get("file_id").cloned(),
        _ => None,
    };
    let step = match matched.endpoint.handler {
        Handler::Read(read) => Step::Read(read),
        Handler::Write(write) => Step::Write(write),
        Handler::CheckedWrite(check) => {
            let Checked { file_id, decide } = check(settings, &matched.captures, request);
            instances_of = file_id;
            Step::CheckedWrite(decide)
        }
        Handler::NotPlayed(what) => Step::NotPlayed(what),
    };
    Prepared {
        matched,
        caller,
        step,
        instances_of,
    }
}

/// The third step: decides the call. Its token is checked again, since it may have been revoked, and
/// its file deleted, between the head of the call and the end of its body.
pub fn decide(
    state: &State,
    request: &Request,
    prepared: Prepared,
    now: Timestamp,
    ids: &mut Ids,
) -> Decision {
    let Prepared {
        matched,
        mut caller,
        step,
        ..
    } = prepared;
    caller.renew(state);
    if let Err(refusal) = caller.check(state, matched.asked(), now) {
        return Decision::answer(refusal);
    }
    let context = Context {
        state,
        request,
        captures: &matched.captures,
        caller: &caller,
        now,
    };
    let decided = match step {
        Step::Read(read) => read(&context).map(Decision::answer),
        Step::Write(write) => write(&context, ids),
        Step::CheckedWrite(decide) => decide(&context, ids),
        Step::NotPlayed(what) => {
            let envelope = Envelope::for_operation(matched.endpoint.operation);
            Err(errors::not_played(envelope, what))
        }
    };
    decided.unwrap_or_else(Decision::answer)
}
