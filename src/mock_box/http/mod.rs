//! Calls and answers as the state machine sees them: heads, bodies, paths, Box's error envelopes.
//! Sockets are elsewhere, and no endpoint is known here.

pub(super) mod answer;
pub(super) mod download;
pub(super) mod envelope;
pub mod errors;
pub(super) mod etags;
pub(super) mod request;
pub(super) mod route;
pub mod wire_faults;
