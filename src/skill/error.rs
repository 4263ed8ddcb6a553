//! Why a skill command cannot be used, and how its process ended.

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
        /// As it was given.
        command: String,
        /// What came back.
        error: io::Error,
    },
    /// Something listens on its port before it was started.
    #[error("something already listens on {0}, where the skill is to listen")]
    Taken(String),
    /// It ended before its port accepted.
    #[error("the skill `{command}` ended before it listened on {address}: {death}")]
    Died {
        /// As it was given.
        command: String,
        /// Where it was to listen.
        address: String,
        /// How it ended.
        death: Death,
    },
    /// Its port did not accept in time.
    #[error("the skill `{command}` did not listen on {address} within {} s", .patience.as_secs_f32())]
    NotReady {
        /// As it was given.
        command: String,
        /// Where it was to listen.
        address: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The host of its URL has no address.
    #[error("could not find the address of {address}: {error}")]
    Lookup {
        /// Where it was to listen.
        address: String,
        /// What came back.
        error: io::Error,
    },
}

/// How a process ended, in words: `exit code 1`, `signal 9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death(pub ExitStatus);

impl Death {
    /// Whether it ended well.
    pub fn is_success(&self) -> bool {
        self.0.success()
    }
}

impl fmt::Display for Death {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(formatter, "exit code {code}"),
            (None, Some(signal)) => write!(formatter, "signal {signal}"),
            (None, None) => formatter.write_str("no status"),
        }
    }
}
