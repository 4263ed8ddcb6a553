//! Requests for hosts that are not Box's: which of them may be reached and how (`egress`), and single
//! requests in absolute form (`forward`).

mod address;
pub mod egress;
pub(super) mod forward;
mod trust;
