//! Box as a state machine, pure: sockets, files, clocks and randomness stay outside.
//!
//! A call passes in four steps. [`admit()`] looks at the head and refuses the call, or says which
//! body it accepts; [`prepare()`] parses and checks the body as far as that needs no state;
//! [`decide()`] gives the answer and the changes; [`State::apply`] makes a change. The host appends
//! changes to the journal before it applies them, so that a failed append changes nothing.

pub mod admin;
mod api;
mod auth;
mod context;
mod http;
pub mod model;
mod ops;
mod pipeline;
mod state;
mod view;

pub use self::{
    admin::{contents, faults, folder_sync, register},
    api::{
        endpoint::{BodyKind, Endpoint, Handler},
        table::endpoints,
    },
    auth::Access,
    context::Decision,
    http::{
        answer::{Answer, AnswerBody, ContentRange, PictureOf},
        envelope::{Envelope, ErrorBody},
        errors,
        request::{Body, Head, Joined, Request, Upload},
        wire_faults,
    },
    model::{
        content::{Content, Source, Spooled},
        file::File,
        ids::Ids,
        instance::{InstancePath, Write},
        settings::{Settings, TokenMode},
    },
    pipeline::{AcceptedBody, Admission, Admitted, Prepared, Seen, admit, decide, prepare},
    state::{Change, State},
};

#[cfg(test)]
mod tests;
