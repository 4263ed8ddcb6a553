//! Replaying: fixtures become cases, cases become events that are delivered, watched and judged.
//! It speaks to any mock by its URL and tells what happens as typed events; how that looks is for
//! others.

mod batch;
mod boxed;
pub mod engine;
pub mod mock;
mod one;
pub mod plan;
mod watch;
mod worker;

pub use engine::{Ended, Rounds, Run, RunError, Settings, Told};
pub use mock::{Mock, MockError};
pub use plan::{Case, Plan, PlanError};
