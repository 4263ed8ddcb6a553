//! A skill as a child process: its start in a process group of its own, its readiness, its output,
//! and its end with everything that it started. `runtimes` holds what makes its calls reach a mock.
//!
//! What is sent to the skill is in `delivery`; what the end of its process means is decided by the
//! commands.

pub mod error;
mod guard;
pub mod lambda;
pub mod output;
pub mod ports;
pub mod process;
pub mod runtimes;
