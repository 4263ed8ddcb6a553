//! A skill that listens, and its end.

use std::time::Duration;

use tokio::{net::TcpStream, sync::watch, time::timeout};
use url::Url;

use super::output::output_of;
use crate::{
    domain::secret::redact_url,
    env::{activity::Activity, folder::PrivateFolder},
    exit::{Failure, Problem},
    render::text::Text,
    skill::{lambda::Function, output::Output, process::SkillProcess},
};

/// How long a skill may take to end after SIGTERM.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// A skill that listens.
pub(crate) struct RunningSkill {
    /// The invocation URL.
    pub(crate) url: Url,
    /// The reason, once its process has ended.
    pub(crate) died: watch::Receiver<Option<String>>,
    pub(super) kind: Kind,
}

/// What runs a skill.
pub(super) enum Kind {
    /// A program of the user's. The sender keeps `died` open.
    Running {
        _alive: watch::Sender<Option<String>>,
    },
    /// A command that was started here.
    Command {
        process: SkillProcess,
        output: Output,
    },
    /// A function, and the folder of its adapter. The sender keeps `died` open: a sandbox that ends
    /// is replaced by another one.
    Function {
        _function: Function,
        output: Output,
        _folder: PrivateFolder,
        _alive: watch::Sender<Option<String>>,
    },
}

/// A skill that is running already.
///
/// # Errors
/// Exit code 3 if nothing listens at the URL.
pub(crate) async fn connect(url: Url) -> Result<RunningSkill, Failure> {
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    let (host, port) = host_and_port(&url);
    let reason = match timeout(CONNECT_TIMEOUT, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!(
            "no connection within {} s",
            CONNECT_TIMEOUT.as_secs()
        )),
    };
    if let Some(reason) = reason {
        return Err(Problem::new(format!(
            "nothing listens at the skill's URL {}: {reason}",
            redact_url(&url)
        ))
        .help("start the skill first, or let replay start it: skillctl replay FIXTURE -- COMMAND")
        .outside());
    }
    let (alive, died) = watch::channel(None);
    Ok(RunningSkill {
        url,
        died,
        kind: Kind::Running { _alive: alive },
    })
}

/// Host, without the brackets of an IPv6 address, and port of an http(s) URL.
pub(super) fn host_and_port(url: &Url) -> (String, u16) {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    (host.trim_matches(['[', ']']).to_owned(), port)
}

impl RunningSkill {
    /// When it last printed something; never, for a skill that was not started here.
    pub(crate) fn is_started_here(&self) -> bool {
        !matches!(self.kind, Kind::Running { .. })
    }

    pub(crate) fn output_activity(&self) -> Activity {
        match &self.kind {
            Kind::Running { .. } => Activity::default(),
            Kind::Command { output, .. } | Kind::Function { output, .. } => output.activity(),
        }
    }

    /// Its output, to show after a failure; `None` for a skill that was not started here.
    pub(crate) fn output(&self) -> Option<Text> {
        self.captured()
            .map(output_of)
            .filter(|output| !output.lines.is_empty())
    }

    /// The capture of its output; `None` for a skill that was not started here.
    pub(crate) fn captured(&self) -> Option<&Output> {
        match &self.kind {
            Kind::Running { .. } => None,
            Kind::Command { output, .. } | Kind::Function { output, .. } => Some(output),
        }
    }

    /// Waits until its process has ended, and returns the problem if it failed. Never returns for a
    /// skill that was not started here, and for a function.
    pub(crate) async fn failed(&self) -> Option<Problem> {
        let Kind::Command { process, output } = &self.kind else {
            return std::future::pending().await;
        };
        let exit = process.exited().await;
        if exit.is_success() {
            return None;
        }
        let message = format!("the skill `{}` ended with {exit}", process.command());
        Some(Problem::new(message).excerpt(output_of(output)))
    }

    /// Stops all of its processes.
    pub(crate) async fn stop(self) {
        if let Kind::Command { process, .. } = self.kind {
            process.stop(STOP_TIMEOUT).await;
        }
    }
}
