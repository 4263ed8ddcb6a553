//! `skillctl mock-box`: a mock that stands alone until it is ended.

mod context;
mod log;
mod pump;

use std::{fs, io::Write, path::Path, sync::Arc, time::Duration};

use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    fixtures, mock, output::write_over, program::Program, secret_variables::secret,
    skill::RunningSkill,
};
use crate::{
    cli::{
        OutputFormat,
        mock_box::{MockBoxArgs, SchemaLevel, Tokens},
    },
    domain::{card::validate::Schema, event::wire, secret::Secret},
    env::Environment,
    exit::{Failure, Outcome, Problem},
    mock_box::{Content, Settings, TokenMode, faults::Faults, register::Registering},
    render::{
        calls,
        text::{Line, Role},
    },
    replay::Case,
    server::{
        guard::Guard,
        mock::{MockBox, MockOptions},
        proxy::egress::Egress,
    },
    skill::{
        ports::free_port,
        process::{OutputMode, SkillCommand, SkillProcess},
        runtimes::{handler::Handler, variables::interception},
    },
    store::Store,
    terminal::Terminal,
};
use context::Context;
use log::Log;
use pump::{Side, Wanted};

/// Runs the command.
pub(super) fn run(
    arguments: &MockBoxArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let cases = match arguments.fixtures.as_slice() {
        [] => Vec::new(),
        paths => fixtures::read(paths, terminal)?,
    };
    let settings = settings(arguments, environment)?;
    let admin_token = secret(
        arguments.admin_token_env.as_deref(),
        "--admin-token-env",
        environment,
    )?;
    if !arguments.listen.ip().is_loopback() && admin_token.is_none() {
        return Err(Problem::new(format!(
            "{} is beyond loopback: anybody who reaches it could steer the mock",
            arguments.listen
        ))
        .help("name a variable that holds a token for its admin API with --admin-token-env")
        .usage());
    }
    let program = Program::from_options(arguments.handler.as_deref(), false, &arguments.command)?;
    let plan = Plan {
        arguments,
        settings,
        faults: faults(arguments)?,
        admin_token,
        program,
        wanted: Wanted::of(arguments, environment)?,
        cases,
    };
    let runtime = super::runtime::runtime()?;
    let outcome = runtime.block_on(serve(plan, environment, terminal));
    // The reader of the log may have stopped reading; the end does not wait for it.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// The warning for a port beyond loopback.
const BEYOND_LOOPBACK: &str = "listening beyond loopback, in clear: whoever reaches this port can \
    take tokens, read the files and write their cards, and be led to other hosts from a private \
    network unless --no-egress is given";

/// All that the command line says, checked before anything is started.
struct Plan<'a> {
    arguments: &'a MockBoxArgs,
    settings: Settings,
    faults: Faults,
    admin_token: Option<Secret>,
    program: Option<Program>,
    wanted: Wanted,
    cases: Vec<Case>,
}

fn settings(arguments: &MockBoxArgs, environment: &Environment) -> Result<Settings, Failure> {
    let user_token = secret(
        arguments.user_token_env.as_deref(),
        "--user-token-env",
        environment,
    )?;
    Ok(Settings {
        tokens: match arguments.tokens {
            Tokens::Strict => TokenMode::Strict,
            Tokens::Any => TokenMode::Any,
        },
        schema: match arguments.schema {
            SchemaLevel::Box => Schema::Box,
            SchemaLevel::Documented => Schema::Documented,
        },
        user_token,
        max_upload: arguments.max_body,
        ..Settings::default()
    })
}

fn faults(arguments: &MockBoxArgs) -> Result<Faults, Failure> {
    let rules = arguments.faults.iter().map(|text| text.parse());
    let rules: Result<Vec<_>, String> = rules.collect();
    let rules = rules.map_err(|reason| Problem::new(format!("--fault: {reason}")).usage())?;
    Ok(Faults::new(rules, arguments.seed))
}

async fn serve(plan: Plan<'_>, environment: &Environment, terminal: &Terminal) -> Outcome {
    let arguments = plan.arguments;
    // Before anybody can know that there is something to end.
    let mut ending = Ending::new()?;
    let egress = if arguments.no_egress {
        Egress::none()
    } else {
        Egress::from_environment(environment)
    };
    let mock = mock::start(MockOptions {
        listen: arguments.listen,
        settings: plan.settings,
        record: arguments.record.as_deref(),
        fsync: arguments.fsync,
        faults: plan.faults,
        admin_token: plan.admin_token,
        egress,
        guard: Guard::allowing(&arguments.allow_hosts),
        ca_dir: arguments.ca_dir.as_deref(),
    })
    .await?;
    if !arguments.listen.ip().is_loopback() {
        terminal.warn(BEYOND_LOOPBACK);
    }
    if let Some(warning) = mock.warning() {
        terminal.warn(warning);
    }
    register(
        mock.store(),
        &plan.cases,
        arguments.events_dir.as_deref(),
        terminal,
    )?;
    let folder = mock::trust_files(&mock, environment).await?;
    for warning in &folder.warnings {
        terminal.warn(warning);
    }
    let log = Log::start(mock.store(), arguments, terminal);
    let context = Context {
        arguments,
        program: plan.program,
        folder: folder.path(),
        files: folder.files(),
        environment,
        terminal,
    };
    let outcome = stand(&mock, plan.wanted, &context, &mut ending).await;
    let store = Arc::clone(mock.store());
    mock.stop().await;
    log.end().await;
    summary(&store, arguments.format, terminal);
    outcome
}

/// From the start of the programs next to the mock to their end.
async fn stand(
    mock: &MockBox,
    wanted: Wanted,
    context: &Context<'_>,
    ending: &mut Ending,
) -> Outcome {
    let side = tokio::select! {
        side = Side::start(mock, wanted, context) => side?,
        () = ending.wait() => return Ok(()),
    };
    let outcome = ready(mock, &side, context, ending).await;
    side.stop(context.terminal).await;
    outcome
}

/// Says that the mock is ready, and waits for the end.
async fn ready(mock: &MockBox, side: &Side, context: &Context<'_>, ending: &mut Ending) -> Outcome {
    let Context {
        arguments,
        files,
        environment,
        terminal,
        ..
    } = context;
    let url = mock.url();
    if let Some(path) = &arguments.ready_file {
        let ready = json!({ "url": url, "ca": files.ca, "pid": std::process::id() });
        write_whole(path, format!("{ready}\n").as_bytes())?;
    }
    terminal.note_line(
        Line::from("mock Box on ")
            .with(Role::Strong, &url)
            .plain(", ended by Ctrl-C"),
    );
    if let Some(skill) = &side.skill {
        return skill_ended(skill, ending).await;
    }
    let mut variables = interception(&url, files, environment);
    let Some(program) = &context.program else {
        ending.wait().await;
        return Ok(());
    };
    if let Program::Handler(handler) = program {
        variables.push(("PORT".to_owned(), handler_port(handler, context)?));
    }
    let words = program.command_line(context.folder)?;
    command(words, variables, ending).await
}

/// The port of a function: that of the variable `PORT`, or a free one.
fn handler_port(handler: &Handler, context: &Context<'_>) -> Result<String, Failure> {
    let port = match context.environment.var("PORT") {
        Some(port) => port.to_owned(),
        None => free_port()
            .map_err(|error| {
                Problem::new(format!("found no free port for the handler: {error}")).outside()
            })?
            .to_string(),
    };
    context.terminal.note_line(
        Line::from(format!("{handler} on ")).with(Role::Strong, format!("http://127.0.0.1:{port}")),
    );
    Ok(port)
}

/// Waits until the Skill or the user ends.
async fn skill_ended(skill: &RunningSkill, ending: &mut Ending) -> Outcome {
    tokio::select! {
        failure = skill.failed() => match failure {
            None => Ok(()),
            Some(problem) => Err(problem.outside()),
        },
        () = ending.wait() => Ok(()),
    }
}

/// Runs the command of the command line until it or the user ends it. Its output goes where ours
/// goes.
async fn command(
    words: Vec<String>,
    variables: Vec<(String, String)>,
    ending: &mut Ending,
) -> Outcome {
    const GRACE: Duration = Duration::from_secs(5);
    let shown = words.join(" ");
    let started = SkillProcess::spawn(&SkillCommand {
        words,
        variables,
        output: OutputMode::Inherited,
    });
    let skill = started.map_err(|error| Problem::new(error.to_string()).outside())?;
    let exit = tokio::select! {
        exit = skill.exited() => exit,
        () = ending.wait() => {
            // Asked twice means at once: dropping it kills it.
            tokio::select! {
                _ = skill.stop(GRACE) => {}
                () = ending.wait() => {}
            }
            return Ok(());
        }
    };
    if exit.is_success() {
        return Ok(());
    }
    let message = format!("the command `{shown}` ended with {exit}");
    Err(Problem::new(message).outside())
}

/// What there was, when all is over.
fn summary(store: &Store, format: OutputFormat, terminal: &Terminal) {
    let totals = store.call_totals();
    let writes = store.writes();
    match format {
        OutputFormat::Human => terminal.note_line(calls::totals(&totals, writes)),
        OutputFormat::Json => {
            let mut summary = json!(totals);
            summary["writes"] = writes.into();
            let object = json!({ "summary": summary });
            terminal.out_line(&Line::raw(object.to_string()));
        }
    }
}

/// Registers fixtures as if Box had just sent them, and writes them to files as they are to be sent.
fn register(
    store: &Store,
    cases: &[Case],
    events_dir: Option<&Path>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let mut events = Vec::with_capacity(cases.len());
    for case in cases {
        let content = case
            .content
            .as_deref()
            .map(|path| keep(store, path))
            .transpose()?;
        let how = Registering {
            lasting: true,
            content,
            ..Registering::default()
        };
        events.push((case.captured.event.invocation().clone(), how));
    }
    let registered = store.register(events);
    for (number, (case, event)) in cases.iter().zip(&registered).enumerate() {
        let file = event.file_id();
        terminal.note_line(
            Line::from("registered ")
                .with(Role::Strong, &case.names.path)
                .plain(format!(" as file {file}")),
        );
        if let Some(folder) = events_dir {
            fs::create_dir_all(folder).map_err(|error| {
                Problem::new(format!("cannot make {}: {error}", folder.display())).outside()
            })?;
            let path = folder.join(format!("{:03}-{file}.json", number + 1));
            write_over(&path, &wire::encode(&event.tree()))
                .map_err(|error| not_written(&path, &error))?;
        }
    }
    Ok(())
}

/// Takes the content next to a fixture into the mock's own folder.
fn keep(store: &Store, path: &Path) -> Result<Content, Failure> {
    let failed = |error: std::io::Error| {
        Problem::new(format!("cannot read {}: {error}", path.display())).outside()
    };
    let bytes = fs::read(path).map_err(failed)?;
    let mut writer = store.spool().writer().map_err(failed)?;
    writer.write(&bytes).map_err(failed)?;
    Ok(Content::from(writer.finish().map_err(failed)?))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| not_written(path, &error))
}

/// Whole or not at all: a program that waits for the file never reads half of it. What is no
/// file (a pipe, a terminal) is written to as it is.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return write(path, bytes);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let whole = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".ready-")
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    whole().map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Problem::new(format!("cannot write {}: {error}", path.display())).outside()
}

/// The wish of the user or the system for an end.
struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    /// From now on the signals are waited for instead of ending the process. So is the one beside
    /// a write to a file that may not grow any more: the write fails, and that is told.
    fn new() -> Result<Self, Failure> {
        const TOO_LARGE: i32 = rustix::process::Signal::XFSZ.as_raw();
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Problem::new(format!("cannot wait for signals: {error}")).outside()
            })
        };
        // It is caught from here on, whether or not anybody listens.
        drop(listen(SignalKind::from_raw(TOO_LARGE))?);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
