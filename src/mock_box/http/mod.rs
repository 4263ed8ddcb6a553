//! Calls and answers as the state machine sees them: heads, bodies, paths, Box's error envelopes.
//! Sockets are elsewhere, and no endpoint is known here.

pub mod answer;
pub mod download;
pub mod envelope;
pub mod errors;
pub mod etags;
pub mod request;
pub mod route;
pub mod wire_faults;
