//! Replay: fixtures become cases, and each case an event that is delivered, observed and judged. Any
//! mock is reached by its URL. Results are reported as typed events; how they look is for `render`.

mod case_queue;
mod cassettes;
mod coalescer;
mod error;
mod event_run;
mod last_failed;
pub mod mock;
mod mock_session;
pub mod plan;
mod registrar;
mod run;
mod runner;
mod server_sent;
mod tracker;
mod waiting;
mod worker;

pub use cassettes::{CaseCassette, Cassettes};
pub use error::RunError;
pub use last_failed::LastFailed;
pub use mock::{Mock, MockError};
pub use plan::{Case, Plan, PlanError};
pub use run::{Rounds, Run, RunEvent, RunOptions, RunSummary};
pub use runner::run;
