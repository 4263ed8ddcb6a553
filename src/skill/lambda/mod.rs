//! A Lambda function as the skill, as AWS runs it behind an API Gateway: a listener, and sandboxes
//! that are child processes. A sandbox takes one event at a time, is stopped (SIGSTOP) after its
//! answer and continued (SIGCONT) with its next event.
//!
//! The adapters that run the function inside a sandbox are in `runtimes`.

mod channel;
mod function;
mod pool;
mod sandbox;

pub use function::{Function, FunctionOptions};
