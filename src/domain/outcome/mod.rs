//! The result of one event: what was observed, which checks it passes, and its record.

pub mod check;
mod judged;
mod observed;
pub mod record;
pub mod run_record;

pub use judged::{CaseName, Names, Outcome, Summary};
pub use observed::{CallSeen, Delivery, Millis, Observed, Reply, Status, WriteSeen};
