//! The result of one event: what was observed, which checks it passes, and its record.

pub mod check;
mod expected;
mod findings;
mod in_progress;
mod judged;
mod observed;
pub mod record;
pub mod run_record;
pub mod summary_record;
mod terms;
mod verdicts;
mod wording;

pub use expected::Expected;
pub use findings::Findings;
pub use in_progress::{Awaiting, InProgress};
pub use judged::{CaseName, Names, Outcome, Summary};
pub use observed::{
    CallSeen, ConnectionSeen, Delivery, Millis, Observed, OpenCall, Reply, Status, WriteSeen,
};
pub use terms::{Terms, WaitEnd};
pub use verdicts::{Check, Failure, Verdicts};
pub use wording::at;
