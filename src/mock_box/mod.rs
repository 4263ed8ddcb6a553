//! Box as a state machine, pure: sockets, files, clocks and randomness stay outside.
//!
//! A call passes in three steps, all of them functions of the [`state::State`]:
//! [`admit()`] looks at the head and says whether the call is refused, answered without a body, or
//! which body is wanted and how large it may be; [`decide()`] takes the whole request and gives the
//! answer and the changes it makes; [`State::apply`](state::State::apply) makes a change. The host runs them under one
//! lock and writes a change down before it is applied, so that a failed write changes nothing.

pub mod admit;
pub mod advice;
pub mod answer;
pub mod content;
pub mod decide;
pub mod errors;
pub mod faults;
pub mod files;
pub mod folders;
pub mod ids;
pub mod instances;
pub mod naming;
pub mod oauth;
pub mod object;
pub mod preconditions;
pub mod registration;
pub mod representations;
pub mod request;
pub mod routes;
pub mod serve;
pub mod served;
pub mod shelf;
pub mod state;
pub mod tokens;
pub mod uploads;
pub mod users;

pub use admit::{Admission, admit};
pub use answer::Answer;
pub use decide::{Decision, decide};
pub use ids::Ids;
pub use request::{Body, Head, Request};
pub use state::{Change, State};

#[cfg(test)]
mod tests;
