//! Requests for hosts that are not Box's: which of them may be reached and how (`egress`), and single
//! requests in absolute form (`forward`). In a run with cassettes they are answered or recorded (`cassette`).

mod address;
pub(super) mod cassette;
pub mod egress;
pub(super) mod forward;
mod kept_body;
mod trust;
