//! The skill of a `replay` or a `mock-box`: one that is already running, or a command that is started
//! with variables that point it at the mock, watched, and ended with everything it started.

use std::{sync::Arc, time::Duration};

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

/// How long a command may take until its port accepts.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How long a Skill has to end when it is asked to.
const GRACE: Duration = Duration::from_secs(2);
/// Lines of its output that are shown when something failed.
const SHOWN: usize = 40;

/// A Skill that takes events.
pub(super) struct RunningSkill {
    /// Its invocation URL.
    pub(super) url: Url,
    /// Says why, once it has died.
    pub(super) died: watch::Receiver<Option<String>>,
    /// The folder of the adapter that it runs behind, if it is a function.
    pub(super) adapter: Option<PrivateFolder>,
    child: Option<SkillProcess>,
    /// Keeps `died` open where nothing can die.
    _alive: Option<watch::Sender<Option<String>>>,
}

/// A Skill that runs already; exit code 3 at once where nothing listens.
pub(super) async fn running(url: Url) -> Result<RunningSkill, Failure> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let reason = match timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no connection within {} s", PATIENCE.as_secs())),
    };
    if let Some(reason) = reason {
        return Err(Problem::new(format!(
            "nothing listens at the skill's URL {}: {reason}",
            redact_url(&url)
        ))
        .help("start the skill first, or let replay start it: skillctl replay … -- COMMAND")
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

/// Starts a command and waits until its port accepts.
pub(super) async fn start(
    words: Vec<String>,
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
        variables,
        output: destination(terminal),
    })
    .map_err(|error| refused(&error, None))?;
    let ready = child.wait_ready(&host, port, READY_WITHIN);
    let ready = saying_so(ready, &format!("{host}:{port}"), terminal).await;
    if let Err(error) = ready {
        let output = output_of(&child);
        child.stop(GRACE).await;
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

/// Waits, and says what is waited for once it takes long.
async fn saying_so<T>(ready: impl Future<Output = T>, address: &str, terminal: &Terminal) -> T {
    const LONG: Duration = Duration::from_secs(3);
    let mut ready = std::pin::pin!(ready);
    if let Ok(ready) = timeout(LONG, &mut ready).await {
        return ready;
    }
    let words = format!(
        "waiting for the skill to listen on {address} (its PORT), {} s at the most",
        READY_WITHIN.as_secs()
    );
    terminal.note_line(Line::from(words));
    ready.await
}

impl RunningSkill {
    /// What it wrote, to be shown when something failed; nothing for a Skill of the user's own.
    pub(super) fn output(&self) -> Option<Text> {
        self.child
            .as_ref()
            .map(output_of)
            .filter(|output| !output.lines.is_empty())
    }

    /// Waits until it has ended by itself, and says what was wrong if it did not end well. One
    /// that was not started here never ends.
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

    /// Ends it, with everything it started; its adapter goes last.
    pub(super) async fn stop(self) {
        if let Some(child) = self.child {
            child.stop(GRACE).await;
        }
    }
}

/// The URL of a Skill that is given a free port.
fn own_url() -> Result<Url, Failure> {
    let port = free_port().map_err(|error| {
        Problem::new(format!("found no free port for the skill: {error}")).outside()
    })?;
    Url::parse(&format!("http://127.0.0.1:{port}/"))
        .map_err(|error| Problem::new(format!("the skill has no URL: {error}")).outside())
}

/// With `-v` its lines are shown as they come; else they are kept for when something fails.
fn destination(terminal: &Terminal) -> OutputMode {
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
    let lines = output.tail(SHOWN);
    let left_out = output.total().saturating_sub(lines.len());
    let mut text = Text::new();
    if left_out > 0 {
        text.push(Line::new().with(Role::Dim, format!("… {left_out} lines before")));
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
                "end what listens there, choose another port in --skill, or leave the command out",
            )
            .outside(),
        SkillError::NotReady { .. } => problem
            .help("the skill must listen on the port in the variable PORT")
            .outside(),
        _ => problem.outside(),
    }
}
