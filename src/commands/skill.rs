//! The skill of a `replay` or a `mock-box`: one that is already running, or a command that is started
//! with variables that point it at the mock, and stopped with all of its processes.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpStream, sync::watch, time::timeout};
use url::Url;

use crate::{
    domain::secret::{redact_output, redact_url},
    env::{Environment, folder::PrivateFolder},
    exit::{Failure, Problem},
    render::text::{Line, Role, Text},
    skill::{
        error::SkillError,
        ports::{free_port, refuse_taken},
        process::{OutputMode, SkillCommand, SkillProcess},
        runtimes::{
            run_folder::TrustFiles,
            variables::{base_urls, interception},
        },
    },
    terminal::Terminal,
};

/// How long a command may take until it listens on its port.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a skill may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// The most lines of output that are shown after a failure.
const MAX_OUTPUT_LINES: usize = 40;

/// A skill that listens.
pub(super) struct RunningSkill {
    /// The invocation URL.
    pub(super) url: Url,
    /// The reason, once its process has ended.
    pub(super) died: watch::Receiver<Option<String>>,
    /// The folder of the adapter, if the skill is a handler.
    pub(super) adapter: Option<PrivateFolder>,
    child: Option<SkillProcess>,
    /// Keeps `died` open for a skill without a process of ours.
    _alive: Option<watch::Sender<Option<String>>>,
}

/// A skill that is running already.
///
/// # Errors
/// Exit code 3 if nothing listens at the URL.
pub(super) async fn running(url: Url) -> Result<RunningSkill, Failure> {
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
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
        adapter: None,
        child: None,
        _alive: Some(alive),
    })
}

/// Starts a command in `folder`, and waits until it listens on its port.
pub(super) async fn start(
    words: Vec<String>,
    folder: Option<&Path>,
    url: Option<Url>,
    mock_url: Option<&str>,
    trust: Option<&TrustFiles>,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<RunningSkill, Failure> {
    let url = match url {
        Some(url) => url,
        None => own_url()?,
    };
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    refuse_taken(&host, port)
        .await
        .map_err(|error| refused(&error, None))?;
    let mut variables = match (mock_url, trust) {
        (Some(mock), Some(files)) => interception(mock, files, environment),
        (Some(mock), None) => base_urls(mock),
        (None, _) => Vec::new(),
    };
    variables.push(("PORT".to_owned(), port.to_string()));
    let child = SkillProcess::spawn(&SkillCommand {
        words,
        folder: folder.map(Path::to_owned),
        variables,
        output: output_mode(terminal),
    })
    .map_err(|error| refused(&error, None))?;
    let ready = child.wait_ready(&host, port, START_TIMEOUT);
    let ready = with_notice(ready, &format!("{host}:{port}"), terminal).await;
    if let Err(error) = ready {
        let output = output_of(&child);
        child.stop(STOP_TIMEOUT).await;
        return Err(refused(&error, Some(output)));
    }
    let (alive, died) = watch::channel(None);
    let (exit, command) = (child.exited(), child.command().to_owned());
    tokio::spawn(async move {
        let exit = exit.await;
        alive.send_replace(Some(format!(
            "the skill `{command}` ended during the run: {exit}"
        )));
    });
    Ok(RunningSkill {
        url,
        died,
        adapter: None,
        child: Some(child),
        _alive: None,
    })
}

/// Waits until `ready` returns, and prints a line if it takes long.
async fn with_notice<T>(ready: impl Future<Output = T>, address: &str, terminal: &Terminal) -> T {
    const NOTICE_AFTER: Duration = Duration::from_secs(3);
    let mut ready = std::pin::pin!(ready);
    if let Ok(ready) = timeout(NOTICE_AFTER, &mut ready).await {
        return ready;
    }
    let words = format!(
        "waiting up to {} s for the skill to listen on {address} (PORT)",
        START_TIMEOUT.as_secs()
    );
    terminal.note_line(Line::from(words));
    ready.await
}

impl RunningSkill {
    /// Its output, to show after a failure; `None` for a skill that was not started here.
    pub(super) fn output(&self) -> Option<Text> {
        self.child
            .as_ref()
            .map(output_of)
            .filter(|output| !output.lines.is_empty())
    }

    /// Waits until its process has ended, and returns the problem if it failed. Never returns for a
    /// skill that was not started here.
    pub(super) async fn failed(&self) -> Option<Problem> {
        let Some(child) = &self.child else {
            return std::future::pending().await;
        };
        let exit = child.exited().await;
        if exit.is_success() {
            return None;
        }
        let message = format!("the skill `{}` ended with {exit}", child.command());
        Some(Problem::new(message).excerpt(output_of(child)))
    }

    /// Stops all of its processes.
    pub(super) async fn stop(self) {
        if let Some(child) = self.child {
            child.stop(STOP_TIMEOUT).await;
        }
    }
}

/// A URL on a free port.
fn own_url() -> Result<Url, Failure> {
    let port = free_port().map_err(|error| {
        Problem::new(format!("cannot find a free port for the skill: {error}")).outside()
    })?;
    Url::parse(&format!("http://127.0.0.1:{port}/"))
        .map_err(|error| Problem::new(format!("the skill has no URL: {error}")).outside())
}

/// With `-v`, output is printed at once; else it is kept until something fails.
fn output_mode(terminal: &Terminal) -> OutputMode {
    if !terminal.is_verbose() {
        return OutputMode::Captured;
    }
    let terminal = terminal.clone();
    OutputMode::Handled(Arc::new(move |_, line| {
        let line = redact_output(line);
        terminal.note_line(Line::new().with(Role::Dim, "skill | ").plain(line));
    }))
}

fn output_of(skill: &SkillProcess) -> Text {
    let output = skill.output();
    let lines = output.tail(MAX_OUTPUT_LINES);
    let left_out = output.total().saturating_sub(lines.len());
    let mut text = Text::new();
    if left_out > 0 {
        text.push(Line::new().with(Role::Dim, format!("… {left_out} earlier lines")));
    }
    for line in lines {
        text.push(
            Line::new()
                .with(Role::Dim, "| ")
                .plain(redact_output(&line)),
        );
    }
    text
}

fn refused(error: &SkillError, output: Option<Text>) -> Failure {
    let mut problem = Problem::new(error.to_string());
    if let Some(output) = output {
        problem = problem.excerpt(output);
    }
    match error {
        SkillError::Empty => problem.usage(),
        SkillError::PortTaken(_) => problem
            .help(
                "stop the program that listens there, choose another port in --skill, or leave out the \
                 command",
            )
            .outside(),
        SkillError::NotReady { .. } => problem
            .help("the skill must listen on the port in the environment variable PORT")
            .outside(),
        _ => problem.outside(),
    }
}
