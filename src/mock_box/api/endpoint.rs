//! What a row of the table of endpoints says.

use std::fmt;

use http::Method;
use smol_str::SmolStr;

use crate::{
    domain::operation::Operation,
    mock_box::{
        auth::{Access, Asked},
        context::{Context, Decision},
        http::{answer::Answer, request::Request, route::Captures},
        model::{ids::Ids, settings::Settings},
    },
};

/// One of Box's calls: a row of the table.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The template of the path, below `/2.0`. The capture `{file_id}` is the file that a token must
    /// be for.
    pub path: &'static str,
    /// The operation, which decides the tokens that permit the call, the faults that apply to it,
    /// and the envelope of its errors. A [`Handler::Write`] with [`Operation::Cards`] must change
    /// nothing but the metadata of the file in its path: it is batched with writes to other files.
    pub operation: Operation,
    /// The body that it accepts.
    pub body: BodyKind,
    /// What carries it out.
    pub handler: Handler,
    /// What it must present.
    pub access: Access,
}

/// The body that a call accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// None; one that is sent all the same is dropped.
    NoBody,
    /// JSON or a form, read into memory: up to [`Settings::max_json`].
    InMemory,
    /// A file as multipart, spooled to disk: up to [`Settings::max_upload`].
    Multipart,
    /// A part of a file as it is, spooled to disk: up to
    /// [`PART_SIZE`](crate::mock_box::model::upload_session::PART_SIZE).
    RawPart,
    /// JSON, as [`BodyKind::InMemory`]. With it come the parts of the upload session that the path names,
    /// joined to a file.
    JoinedParts,
}

/// What carries a call out.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// It changes nothing.
    Read(fn(&Context<'_>) -> Result<Answer, Answer>),
    /// It may change the state.
    Write(fn(&Context<'_>, &mut Ids) -> Result<Decision, Answer>),
    /// It may change the state, and its body takes long to check. That is done first, without the
    /// state, while other calls are decided.
    CheckedWrite(fn(&Settings, &Captures, &Request) -> Checked),
    /// Box has it and the mock does not play it: what it is, for the answer.
    NotPlayed(&'static str),
}

/// A write whose body is checked, and that is still to be decided.
pub struct Checked {
    /// The one file whose instances it may change; `None` where the body does not say.
    pub file_id: Option<SmolStr>,
    /// Decides it.
    pub decide: Decide,
}

/// The rest of a checked write.
pub(crate) type Decide = Box<dyn FnOnce(&Context<'_>, &mut Ids) -> Result<Decision, Answer> + Send>;

impl fmt::Debug for Checked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Checked")
            .field("file_id", &self.file_id)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The same for a call that needs something else.
    pub(super) const fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Whether the mock plays it.
    pub fn is_played(&self) -> bool {
        !matches!(self.handler, Handler::NotPlayed(_))
    }
}

/// A row for a call that needs a token.
pub(super) const fn row(
    method: Method,
    path: &'static str,
    operation: Operation,
    body: BodyKind,
    handler: Handler,
) -> Endpoint {
    Endpoint {
        method,
        path,
        operation,
        body,
        handler,
        access: Access::Token,
    }
}

/// An endpoint that a method and a path match.
#[derive(Clone, Debug)]
pub(crate) struct Matched {
    /// The endpoint.
    pub endpoint: &'static Endpoint,
    /// The captures of its path.
    pub captures: Captures,
}

impl Matched {
    /// The file that the path names.
    pub(crate) fn file_id(&self) -> Option<&str> {
        match self.endpoint.access {
            // A signed ticket begins with the file that it is for.
            Access::SignedUrl => self.captures.get("ticket")?.split('.').next(),
            Access::Token | Access::Open => self.captures.get("file_id").map(SmolStr::as_str),
        }
    }

    /// What the call asks to do.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            access: self.endpoint.access,
            operation: self.endpoint.operation,
            method: &self.endpoint.method,
            file_id: self.file_id(),
            folder_id: self.captures.get("folder_id").map(SmolStr::as_str),
        }
    }

    /// Whether the call changes nothing, whatever its answer is.
    pub(crate) fn is_read(&self) -> bool {
        match self.endpoint.handler {
            Handler::Read(_) | Handler::NotPlayed(_) => true,
            Handler::Write(_) | Handler::CheckedWrite(_) => false,
        }
    }
}
