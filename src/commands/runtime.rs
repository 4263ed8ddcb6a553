//! The tokio runtime of the commands that use sockets.

use tokio::runtime::Runtime;

use crate::exit::{Failure, Problem};

/// A runtime with a thread for each core.
///
/// # Errors
/// Exit code 3 if the system refuses threads or descriptors.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Runtime::new()
        .map_err(|error| Problem::new(format!("cannot start the runtime: {error}")).outside())
}
