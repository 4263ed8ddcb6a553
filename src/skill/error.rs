//! Why a skill command cannot be used, and how its process exited.

use std::{fmt, io, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

/// Why a skill command could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SkillError {
    /// The command line is empty.
    #[error("the skill command is empty")]
    Empty,
    /// The program could not be started.
    #[error("could not start the skill `{command}`: {error}")]
    Start {
        /// The command line.
        command: String,
        /// The system's error.
        error: io::Error,
    },
    /// Something listens on its port before it was started.
    #[error("something already listens on {0}, where the skill is to listen")]
    PortTaken(String),
    /// It exited before its port accepted.
    #[error("the skill `{command}` ended before it listened on {address}: {exit}")]
    Exited {
        /// The command line.
        command: String,
        /// Host and port that it was expected to listen on.
        address: String,
        /// How it exited.
        exit: ProcessExit,
    },
    /// Its port did not accept in time.
    #[error("the skill `{command}` did not listen on {address} within {} s", .timeout.as_secs_f32())]
    NotReady {
        /// The command line.
        command: String,
        /// Host and port that it was expected to listen on.
        address: String,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// A function exited instead of being loaded.
    #[error("the handler could not be loaded: its process ended with {exit}")]
    NotLoaded {
        /// How its process exited.
        exit: ProcessExit,
    },
    /// A function was not loaded in time.
    #[error("the handler was not loaded within {} s", .0.as_secs_f32())]
    LoadTimeout(Duration),
    /// The listener of a function could not be opened.
    #[error("could not listen on {address}: {error}")]
    Listen {
        /// The address of the listener.
        address: String,
        /// The system's error.
        error: io::Error,
    },
    /// The host of its URL has no address.
    #[error("could not find the address of {address}: {error}")]
    Lookup {
        /// Host and port that it was expected to listen on.
        address: String,
        /// The system's error.
        error: io::Error,
    },
}

/// How a process exited, as `exit code 1` or `signal 9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessExit(pub ExitStatus);

impl ProcessExit {
    /// Whether its exit code is 0.
    pub fn is_success(&self) -> bool {
        self.0.success()
    }
}

impl fmt::Display for ProcessExit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(formatter, "exit code {code}"),
            (None, Some(signal)) => write!(formatter, "signal {signal}"),
            (None, None) => formatter.write_str("no status"),
        }
    }
}
