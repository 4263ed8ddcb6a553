//! Replaying: fixtures become cases, cases become events that are delivered, watched and judged.
//! It speaks to any mock by its URL and tells what happens as typed events; how that looks is for
//! others.

pub mod engine;
pub mod mock;
pub mod plan;
mod watch;

pub use engine::{Run, Settings, Told};
pub use mock::{Mock, MockError};
pub use plan::{Case, PlanError};
