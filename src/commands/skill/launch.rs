//! Starts the program of a skill: a command that listens on `PORT`, or a function in sandboxes.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use url::Url;

use super::{
    output::{SkillLog, capture, output_of},
    running::{Kind, RunningSkill, STOP_TIMEOUT, host_and_port},
};
use crate::{
    cli::skill_url::SkillUrl,
    commands::program::Program,
    env::{Environment, folder::PrivateFolder},
    exit::{Failure, Problem},
    render::text::{Line, Role, Text},
    skill::{
        error::SkillError,
        lambda::{Function, FunctionOptions},
        output::Output,
        ports::{free_port, refuse_taken},
        process::{OutputMode, SkillCommand, SkillProcess},
        runtimes::{
            handler::Handler,
            run_folder::RunFiles,
            variables::{base_urls, interception},
        },
    },
    terminal::Terminal,
};

/// How long a command may take until it listens on its port, and a function until it is loaded.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// How a skill is started.
pub(crate) struct SkillLaunch<'a> {
    /// What is started.
    pub(crate) program: &'a Program,
    /// The invocation URL, or its path on a free port; without one, the root of a free port.
    pub(crate) url: Option<SkillUrl>,
    /// The mock that plays Box.
    pub(crate) mock_url: Option<&'a str>,
    /// The files that make the skill trust the mock's certificate.
    pub(crate) trust: Option<&'a RunFiles>,
    /// The most events that a function gets at once.
    pub(crate) concurrency: usize,
    /// How long a function may take to answer an event.
    pub(crate) handler_timeout: Duration,
    /// Whether output is printed at once.
    pub(crate) prints_output: bool,
    /// The file that gets the output too.
    pub(crate) log: Option<Arc<SkillLog>>,
    pub(crate) environment: &'a Environment,
    pub(crate) terminal: &'a Terminal,
}

/// Starts the program of a skill, and waits until it can take events.
///
/// # Errors
/// Exit code 3 if it cannot be started, or is not ready in time.
pub(crate) async fn start(launch: SkillLaunch<'_>) -> Result<RunningSkill, Failure> {
    let terminal = launch.prints_output.then_some(launch.terminal);
    let (output, printer) = capture(terminal, launch.log.clone());
    let started = match launch.program {
        Program::Handler(handler) => launch.function(handler, output).await,
        Program::Command(words, folder) => {
            launch.command(words.clone(), folder.clone(), output).await
        }
    };
    if let (Err(_), Some(printer)) = (&started, printer) {
        // Before the error is printed.
        printer.flush();
    }
    started
}

impl SkillLaunch<'_> {
    /// Loads a function, which listens on the port of the URL, on `PORT`, or on a free one.
    async fn function(self, handler: &Handler, output: Output) -> Result<RunningSkill, Failure> {
        let folder = PrivateFolder::new("skillctl-adapter-").map_err(|error| {
            Problem::new(format!(
                "cannot make a temporary folder for the adapter: {error}"
            ))
            .outside()
        })?;
        let port = match &self.url {
            Some(SkillUrl::Url(url)) => loopback_port(url)?,
            Some(SkillUrl::Path(_)) | None => port_variable(self.environment)?,
        };
        let options = FunctionOptions {
            port,
            sandboxes: self.concurrency,
            load_limit: START_TIMEOUT,
            run_limit: self.handler_timeout,
            variables: self.variables(),
        };
        let started = Function::start(handler, folder.path(), output.clone(), options);
        let function = started
            .await
            .map_err(|error| refused(&error, self.shown(&output)))?;
        let address = function.address();
        if self.prints_output || port != 0 {
            self.terminal.note_line(
                Line::from(format!("{handler} on "))
                    .with(Role::Strong, format!("http://{address}"))
                    .plain(" (PORT sets the port)"),
            );
        }
        let url = self.url_at(address)?;
        let (alive, died) = watch::channel(None);
        Ok(RunningSkill {
            url,
            died,
            kind: Kind::Function {
                _function: function,
                output,
                _folder: folder,
                _alive: alive,
            },
        })
    }

    /// Starts a command, and waits until it listens.
    async fn command(
        self,
        words: Vec<String>,
        folder: Option<PathBuf>,
        output: Output,
    ) -> Result<RunningSkill, Failure> {
        let chosen = free_port().map_err(|error| {
            Problem::new(format!("cannot find a free port for the skill: {error}")).outside()
        })?;
        let mut url = self.url_at((Ipv4Addr::LOCALHOST, chosen).into())?;
        let (host, port) = host_and_port(&url);
        refuse_taken(&host, port)
            .await
            .map_err(|error| refused(&error, None))?;
        let mut variables = self.variables();
        variables.push(("PORT".to_owned(), port.to_string()));
        let process = SkillProcess::spawn(&SkillCommand {
            words,
            folder,
            variables,
            output: OutputMode::Captured(output.clone()),
        })
        .map_err(|error| refused(&error, None))?;
        match wait_ready(&process, &host, port, self.terminal).await {
            Ok(address) => deliver_to(&mut url, address),
            Err(error) => {
                process.stop(STOP_TIMEOUT).await;
                return Err(refused(&error, self.shown(&output)));
            }
        }
        let (alive, died) = watch::channel(None);
        let (exit, command) = (process.exited(), process.command().to_owned());
        tokio::spawn(async move {
            let exit = exit.await;
            alive.send_replace(Some(format!(
                "the skill `{command}` ended during the run: {exit}"
            )));
        });
        Ok(RunningSkill {
            url,
            died,
            kind: Kind::Command { process, output },
        })
    }

    /// The variables that point a program at the mock.
    fn variables(&self) -> Vec<(String, String)> {
        match (self.mock_url, self.trust) {
            (Some(mock), Some(files)) => interception(mock, files, self.environment),
            (Some(mock), None) => base_urls(mock),
            (None, _) => Vec::new(),
        }
    }

    /// The invocation URL on `address`, where it does not name another one.
    fn url_at(&self, address: SocketAddr) -> Result<Url, Failure> {
        let root = Url::parse(&format!("http://{address}/")).map_err(|error| error.to_string());
        let url = root.and_then(|root| match &self.url {
            Some(url) => url.at(&root),
            None => Ok(root),
        });
        url.map_err(|reason| Problem::new(format!("--skill: {reason}")).usage())
    }

    /// The output, unless it was printed at once.
    fn shown(&self, output: &Output) -> Option<Text> {
        (!self.prints_output).then(|| output_of(output))
    }
}

/// Waits until a skill listens on its port. After two seconds the ports on which it listens instead
/// are printed, each once; nothing is delivered there.
async fn wait_ready(
    process: &SkillProcess,
    host: &str,
    port: u16,
    terminal: &Terminal,
) -> Result<SocketAddr, SkillError> {
    const FIRST_NOTICE: Duration = Duration::from_secs(2);
    const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
    let mut ready = pin!(process.wait_ready(host, port, START_TIMEOUT));
    if let Ok(ready) = timeout(FIRST_NOTICE, &mut ready).await {
        return ready;
    }
    terminal.note_line(Line::from(format!(
        "waiting up to {} s for the skill to listen on {host}:{port} (PORT)",
        START_TIMEOUT.as_secs()
    )));
    let mut named = Vec::new();
    loop {
        for address in process.listening().await {
            if address.port() != port && !named.contains(&address.port()) {
                named.push(address.port());
                terminal.note_line(listens_elsewhere(address, port));
            }
        }
        if let Ok(ready) = timeout(NOTICE_INTERVAL, &mut ready).await {
            return ready;
        }
    }
}

/// Names another port, and the flag that would use it.
fn listens_elsewhere(address: SocketAddr, port: u16) -> Line {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    Line::from(format!(
        "it listens on port {}, not on {port}; to use that port: ",
        address.port()
    ))
    .with(Role::Strong, format!("--skill http://{reachable}/"))
}

/// Deliveries go to the address that accepted, where the URL names the other family of this machine.
fn deliver_to(url: &mut Url, address: SocketAddr) {
    if url.host_str() == Some("127.0.0.1") && !address.is_ipv4() {
        // A URL with a host takes another one.
        let _ = url.set_ip_host(address.ip());
    }
}

/// The port in the variable `PORT`, or 0.
fn port_variable(environment: &Environment) -> Result<u16, Failure> {
    let Some(text) = environment.var("PORT") else {
        return Ok(0);
    };
    text.parse().map_err(|_| {
        Problem::new(format!("the variable PORT is not a port: {text}"))
            .help("set PORT to a number from 1 to 65535, or unset it for a free port")
            .usage()
    })
}

/// The port of the URL of a function, which listens on this machine alone.
fn loopback_port(url: &Url) -> Result<u16, Failure> {
    let (host, port) = host_and_port(url);
    if url.scheme() == "http" && (host == "localhost" || host == "127.0.0.1") {
        return Ok(port);
    }
    Err(
        Problem::new("with --handler, --skill has to be an http URL of 127.0.0.1")
            .help(format!("try --skill http://127.0.0.1:{port}{}", url.path()))
            .usage(),
    )
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
            .help("the skill must listen on the port in the environment variable PORT, or name its port in --skill")
            .outside(),
        _ => problem.outside(),
    }
}
