//! One sandbox: a process that has loaded the function and takes one event at a time.

use std::{io, time::Duration};

use serde_json::Value;
use tokio::time::timeout;

use super::channel::{Channel, Invocation};
use crate::skill::{
    error::SkillError,
    process::{SkillCommand, SkillProcess},
};

/// A sandbox that is stopped, until its next event.
#[derive(Debug)]
pub(super) struct Sandbox {
    process: SkillProcess,
    channel: Channel,
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum Invoked {
    /// The function returned; the sandbox is stopped.
    Returned {
        /// What it returned.
        result: Value,
        /// What it left open.
        open: Vec<String>,
    },
    /// The function failed; the sandbox is stopped.
    Failed {
        /// Why, as the runtime prints it.
        error: String,
        /// What it left open.
        open: Vec<String>,
    },
    /// The sandbox has ended: it exited, or was killed at the time-out.
    Ended(String),
}

impl Sandbox {
    /// Starts a sandbox and waits until it has loaded the function; then it is stopped.
    ///
    /// # Errors
    /// [`SkillError::NotLoaded`] where it exits instead, [`SkillError::NotReady`] after `limit`.
    pub(super) async fn start(command: &SkillCommand, limit: Duration) -> Result<Self, SkillError> {
        let failed = |error| SkillError::Start {
            command: command.words.join(" "),
            error,
        };
        let (channel, theirs) = Channel::open().map_err(failed)?;
        let process = SkillProcess::spawn_with_input(command, theirs)?;
        let mut sandbox = Self { process, channel };
        match timeout(limit, sandbox.channel.receive()).await {
            Ok(Ok(answer)) if answer.ready => {
                sandbox.process.freeze();
                Ok(sandbox)
            }
            Ok(_) => Err(SkillError::NotLoaded {
                exit: sandbox.process.kill().await,
            }),
            Err(_) => Err(SkillError::LoadTimeout(limit)),
        }
    }

    /// Whether its process has not ended.
    pub(super) fn is_running(&self) -> bool {
        self.process.exit().is_none()
    }

    /// Continues the sandbox with an event, and stops it after the answer. Without an answer within
    /// `limit` the sandbox is killed, as AWS does.
    pub(super) async fn invoke(
        mut self,
        invocation: &Invocation,
        limit: Duration,
    ) -> (Option<Self>, Invoked) {
        self.process.thaw();
        let exchange = async {
            self.channel.send(invocation).await?;
            self.channel.receive().await
        };
        let answer = match timeout(limit, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return (None, Invoked::Ended(self.ended(&error).await)),
            Err(_) => {
                self.process.kill().await;
                let seconds = limit.as_secs_f32();
                let reason = format!("the handler timed out after {seconds} s and was killed");
                return (None, Invoked::Ended(reason));
            }
        };
        self.process.freeze();
        let open = answer.open;
        let invoked = match answer.error {
            Some(error) => Invoked::Failed { error, open },
            None => Invoked::Returned {
                result: answer.result,
                open,
            },
        };
        if answer.exits {
            self.process.kill().await;
            return (None, invoked);
        }
        (Some(self), invoked)
    }

    /// Why a sandbox gave no answer that can be used.
    async fn ended(self, error: &io::Error) -> String {
        if error.kind() == io::ErrorKind::UnexpectedEof
            || error.kind() == io::ErrorKind::BrokenPipe
            || error.kind() == io::ErrorKind::ConnectionReset
        {
            const EXIT_TIMEOUT: Duration = Duration::from_secs(2);
            let exit = match timeout(EXIT_TIMEOUT, self.process.exited()).await {
                Ok(exit) => exit,
                Err(_) => self.process.kill().await,
            };
            return format!("the process of the handler ended before it answered: {exit}");
        }
        self.process.kill().await;
        error.to_string()
    }
}
