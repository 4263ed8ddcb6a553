//! Box as a state machine, pure: sockets, files, clocks and randomness stay outside.
//!
//! A call passes in four steps. [`admit()`] looks at the head and says whether the call is refused,
//! answered without a body, or which body is wanted and how large it may be; [`prepare()`] reads and
//! judges the body, as far as that needs no state; [`decide()`] gives the answer and the changes it
//! makes; [`State::apply`](state::State::apply) makes a change. The host decides and applies in
//! one turn, and writes a change down before it is applied, so that a failed write changes nothing.

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
pub mod prepare;
pub mod registration;
pub mod representations;
pub mod request;
pub mod routes;
pub mod serve;
pub mod served;
pub mod shelf;
pub mod state;
pub mod stored;
pub mod tokens;
pub mod uploads;
pub mod users;

pub use admit::{Admission, Admitted, admit};
pub use answer::Answer;
pub use decide::{Decision, decide};
pub use ids::Ids;
pub use prepare::{Prepared, prepare};
pub use request::{Body, Head, Request};
pub use state::{Change, State};

#[cfg(test)]
mod tests;
