//! The steps of a call: admit its head, prepare its body, decide.

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

use super::{
    api::{
        card_fields::{self, JudgedFields, Report},
        content, files, folders, metadata, oauth, representations, uploads, users,
    },
    auth::Caller,
    context::{Context, Decision},
    http::{
        answer::Answer,
        errors,
        request::{Head, Request},
        route::{NoRoute, Route, route},
    },
    model::{ids::Ids, settings::Settings},
    state::State,
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
pub enum AcceptedBody {
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
    pub accepts: AcceptedBody,
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
            accepts: wanted,
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
) -> Result<AcceptedBody, Answer> {
    caller.check(state, route, now)?;
    let wanted = body_of(state, route);
    if let (AcceptedBody::Memory(limit) | AcceptedBody::Upload(limit), Some(length)) =
        (wanted, head.content_length())
        && length > limit
    {
        return Err(errors::too_large(limit));
    }
    Ok(wanted)
}

fn body_of(state: &State, route: &Route) -> AcceptedBody {
    match route {
        Route::InstanceCreate(_)
        | Route::InstancePatch(_)
        | Route::Invocation(_)
        | Route::FileUpdate(_)
        | Route::FileCopy(_)
        | Route::FolderCreate
        | Route::TokenGrant
        | Route::TokenRevoke => AcceptedBody::Memory(state.settings.max_json),
        Route::Upload | Route::UploadVersion(_) => AcceptedBody::Upload(state.settings.max_upload),
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
        | Route::NotPlayed(_) => AcceptedBody::Nothing,
    }
}

/// What is known of a call once its body was read, ready to be decided.
#[derive(Debug)]
pub struct Prepared {
    /// What it is.
    pub route: Route,
    /// Who makes it, as its head was found.
    pub caller: Caller,
    /// What its body says.
    pub body: Judged,
}

impl Prepared {
    /// The file whose instances are all that the call may write. What such a call comes to depends
    /// on that file, and on nothing that a write about another one changes.
    pub fn writes_only_to(&self) -> Option<&SmolStr> {
        match (&self.route, &self.body) {
            (
                Route::InstanceCreate(path)
                | Route::InstancePatch(path)
                | Route::InstanceDelete(path),
                _,
            ) => Some(&path.file_id),
            (Route::Invocation(_), Judged::Invocation(Ok(report))) => Some(&report.file_id),
            _ => None,
        }
    }
}

/// What a body says, where that can be known before the state is asked.
#[derive(Debug)]
pub enum Judged {
    /// It is read when the call is decided.
    Later,
    /// The fields of a new instance, or why there are none.
    Fields(Result<JudgedFields, Answer>),
    /// An invocation's report, or why it is none.
    Invocation(Result<Report, Answer>),
}

/// Reads and judges the body of a call.
pub fn prepare(settings: &Settings, admitted: Admitted, request: &Request) -> Prepared {
    let body = match &admitted.route {
        Route::InstanceCreate(path) => {
            Judged::Fields(card_fields::created(settings.schema, path, request.bytes()))
        }
        Route::Invocation(_) => {
            Judged::Invocation(card_fields::report(settings.schema, request.bytes()))
        }
        _ => Judged::Later,
    };
    Prepared {
        route: admitted.route,
        caller: admitted.caller,
        body,
    }
}

/// Decides a call. Its token is looked up again: between its head and the end of its body it may
/// have been revoked, and the file been deleted.
pub fn decide(
    state: &State,
    request: &Request,
    prepared: Prepared,
    now: Timestamp,
    ids: &mut Ids,
) -> Decision {
    let Prepared {
        route,
        mut caller,
        body,
    } = prepared;
    caller.renew(state);
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
    play(&mut context, &route, body).unwrap_or_else(Decision::answer)
}

fn play(context: &mut Context<'_>, route: &Route, body: Judged) -> Result<Decision, Answer> {
    match (route, body) {
        (Route::InstanceCreate(path), Judged::Fields(judged)) => {
            metadata::create(context, path, judged)
        }
        (Route::Invocation(skill_id), Judged::Invocation(report)) => {
            metadata::invocation(context, skill_id, report?)
        }
        (route, _) => change(context, route),
    }
}

/// The calls whose body, if they have one, is read here.
fn change(context: &mut Context<'_>, route: &Route) -> Result<Decision, Answer> {
    match route {
        Route::FileUpdate(id) => files::update(context, id),
        Route::FileDelete(id) => files::delete(context, id),
        Route::FileCopy(id) => files::copy(context, id),
        Route::Upload => uploads::create(context),
        Route::UploadVersion(id) => uploads::new_version_of(context, id),
        Route::InstancePatch(path) => metadata::patch(context, path),
        Route::InstanceDelete(path) => metadata::delete(context, path),
        Route::FolderCreate => folders::create(context),
        Route::TokenGrant => oauth::grant(context),
        Route::TokenRevoke => oauth::revoke(context),
        look => see(context, look).map(Decision::answer),
    }
}

/// The calls that change nothing.
fn see(context: &Context<'_>, route: &Route) -> Result<Answer, Answer> {
    match route {
        Route::FileInfo(id) => files::info(context, id),
        Route::FileVersions(id) => files::versions(context, id),
        Route::FileVersion(id, version_id) => files::one_version(context, id, version_id),
        Route::FileContent(id) => content::content(context, id),
        Route::Bytes(ticket) => content::bytes(context, ticket),
        Route::RepresentationInfo(path) => representations::info(context, path),
        Route::RepresentationContent(path) => representations::content(context, path),
        Route::InstanceList(id) => metadata::list(context, id),
        Route::InstanceGet(path) => metadata::get(context, path),
        Route::FolderInfo(id) => folders::info(context, id),
        Route::FolderItems(id) => folders::items(context, id),
        Route::Me => Ok(users::me(context)),
        Route::NotPlayed(missing) => Err(errors::not_played(missing.what)),
        changing => Err(errors::internal(format!("{changing:?} is no look"))),
    }
}
