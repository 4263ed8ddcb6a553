//! The plan of a `mock-box`: its options, checked before anything is started.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::cassette::CassettePlan;
use crate::{
    cli::{
        OutputFormat,
        mock_box::{MockBoxArgs, Tokens},
        skill_url::SkillUrl,
    },
    client::Connections,
    commands::{
        changed_files::absolute,
        fixtures,
        program::Program,
        secret_variables::{secret, signing_keys},
        skill::{self, SkillLog},
    },
    delivery::schedule::Schedule,
    domain::{event::signature::Keys, secret::Secret},
    env::Environment,
    exit::{Failure, Problem},
    mock_box::{Settings, TokenMode, faults::Faults},
    replay::Case,
    server::{guard::Guard, mock::MockOptions, proxy::egress::Egress},
    skill::runtimes::own::own_environment,
    terminal::Terminal,
};

/// The mock to start, the files to write, and the program to start with it.
pub(super) struct MockBoxPlan<'a> {
    /// The mock.
    pub(super) mock: MockOptions<'a>,
    /// Whether hosts other than Box's are refused.
    pub(super) no_egress: bool,
    /// The fixtures to register.
    pub(super) cases: Vec<Case>,
    /// The folder for the registered events.
    pub(super) events_dir: Option<&'a Path>,
    /// The file that gets the skill's output.
    pub(super) skill_log: Option<Arc<SkillLog>>,
    /// How long a function of `--handler` may take to answer.
    pub(super) handler_timeout: Duration,
    /// The most events in progress at once.
    pub(super) concurrency: usize,
    /// The file that is written when the mock is ready.
    pub(super) ready_file: Option<&'a Path>,
    /// The folder that is served as files of Box.
    pub(super) files: Option<&'a Path>,
    /// The program, or the running skill.
    pub(super) companion: Companion,
    /// How the log is printed.
    pub(super) log: LogOptions,
    /// The cassette that answers and records calls to providers.
    pub(super) cassette: Option<CassettePlan<'a>>,
    /// Whether the program is started again when a file changes, and the config file of the project.
    pub(super) watch: Option<WatchPlan<'a>>,
}

/// How many events are sent at the same time.
const CONCURRENCY: usize = 8;

/// The project to watch.
pub(super) struct WatchPlan<'a> {
    /// The config file.
    pub(super) config: Option<&'a Path>,
    /// The files and folders that the mock writes, or serves.
    pub(super) excluded: Vec<PathBuf>,
}

/// What a mock runs with.
pub(super) enum Companion {
    /// Nothing: the mock runs until a signal.
    None,
    /// A program that uses the mock; the mock ends with it.
    Program(Program),
    /// A skill that gets events.
    Skill(Box<SkillPlan>),
}

impl Companion {
    /// The program whose output is the skill's: a command without events is none.
    fn skill_program(&self) -> Option<&Program> {
        match self {
            Self::Program(program @ Program::Handler(_)) => Some(program),
            Self::Skill(plan) => plan.program.as_ref(),
            Self::Program(Program::Command(..)) | Self::None => None,
        }
    }
}

/// A skill, and how it gets events.
pub(super) struct SkillPlan {
    /// The program to start; without one, a skill is running at `url` already.
    pub(super) program: Option<Program>,
    /// The invocation URL; none for a program on a free port.
    pub(super) url: Option<SkillUrl>,
    /// How it is reached.
    pub(super) connections: Connections,
    /// The keys that sign events.
    pub(super) keys: Keys,
    /// The times of the retries.
    pub(super) schedule: Schedule,
    /// The extensions of the files that events are sent for, in lower case; none for all files.
    pub(super) extensions: Vec<String>,
}

/// How the log of calls is printed.
#[derive(Clone, Copy)]
pub(super) struct LogOptions {
    pub(super) format: OutputFormat,
    /// Whether cards are printed when they are written.
    pub(super) show_cards: bool,
    /// Whether the log goes to standard error, because a program prints on standard output.
    pub(super) to_stderr: bool,
}

impl<'a> MockBoxPlan<'a> {
    /// Reads the fixtures and checks the options.
    pub(super) fn new(
        arguments: &'a MockBoxArgs,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let cases = match arguments.fixtures.as_slice() {
            [] => Vec::new(),
            paths => fixtures::read(paths, terminal)?,
        };
        let mock = mock(arguments, environment)?;
        let cassette = CassettePlan::new(arguments)?;
        let companion = companion(arguments, environment, terminal)?;
        Ok(Self {
            mock,
            no_egress: arguments.no_egress,
            cases,
            events_dir: arguments.events_dir.as_deref(),
            skill_log: skill::log(arguments.skill_log.as_deref(), companion.skill_program())?,
            handler_timeout: arguments.handler_timeout,
            concurrency: match (arguments.concurrency, &cassette) {
                (Some(concurrency), _) => concurrency,
                (None, Some(cassette)) if cassette.mode.records() => 1,
                (None, _) => CONCURRENCY,
            },
            cassette,
            ready_file: arguments.ready_file.as_deref(),
            files: arguments.files.as_deref(),
            log: LogOptions {
                format: arguments.format,
                show_cards: arguments.show_cards,
                to_stderr: matches!(companion, Companion::Program(_)),
            },
            companion,
            watch: watch(arguments)?,
        })
    }
}

fn mock<'a>(
    arguments: &'a MockBoxArgs,
    environment: &Environment,
) -> Result<MockOptions<'a>, Failure> {
    Ok(MockOptions {
        listen: arguments.listen,
        settings: settings(arguments, environment)?,
        record: arguments.record.as_deref(),
        fsync: arguments.fsync,
        faults: faults(arguments)?,
        admin_token: admin_token(arguments, environment)?,
        egress: if arguments.no_egress {
            Egress::none()
        } else {
            Egress::from_environment(&own_environment(environment))
        },
        guard: Guard::allowing(&arguments.allow_hosts),
        ca_dir: arguments.ca_dir.as_deref(),
        deck: None,
    })
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
        schema: arguments.schema,
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

/// The token of the admin API, which a mock beyond loopback must have.
fn admin_token(
    arguments: &MockBoxArgs,
    environment: &Environment,
) -> Result<Option<Secret>, Failure> {
    let token = secret(
        arguments.admin_token_env.as_deref(),
        "--admin-token-env",
        environment,
    )?;
    if !arguments.listen.ip().is_loopback() && token.is_none() {
        return Err(Problem::new(format!(
            "{} is not a loopback address: without a token, everyone who reaches it can use the \
             admin API",
            arguments.listen
        ))
        .help("put a token into a variable, and name it with --admin-token-env")
        .usage());
    }
    Ok(token)
}

fn companion(
    arguments: &MockBoxArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Companion, Failure> {
    let program = Program::from_options(
        arguments.handler.as_deref(),
        false,
        &arguments.command,
        arguments.command_folder.as_deref(),
    )?;
    let keys = signing_keys(
        arguments.primary_key_env.as_deref(),
        arguments.secondary_key_env.as_deref(),
        environment,
    )?;
    let gets_events = arguments.skill.is_some() || (arguments.files.is_some() && program.is_some());
    if gets_events {
        return Ok(Companion::Skill(Box::new(SkillPlan {
            program,
            url: arguments.skill.clone(),
            connections: skill::connections(
                arguments.skill.as_ref(),
                arguments.skill_ca.as_deref(),
                environment,
                terminal,
            )?,
            keys,
            schedule: Schedule::new(arguments.retries),
            extensions: arguments
                .extensions
                .iter()
                .map(|text| extension(text))
                .collect(),
        })));
    }
    if !keys.is_empty() {
        return Err(Problem::new("there is no skill to sign events for")
            .help("give --skill URL, or a folder (--files) and a command")
            .usage());
    }
    Ok(program.map_or(Companion::None, Companion::Program))
}

/// The project to watch, with `--watch`.
fn watch(arguments: &MockBoxArgs) -> Result<Option<WatchPlan<'_>>, Failure> {
    if !arguments.watch {
        return Ok(None);
    }
    if arguments.handler.is_none() && arguments.command.is_empty() {
        return Err(Problem::new("--watch has no program to start again")
            .help("give a command after --, or a --handler")
            .usage());
    }
    let written = [
        &arguments.record,
        &arguments.ready_file,
        &arguments.events_dir,
        &arguments.files,
        &arguments.ca_dir,
        &arguments.cassette_file,
        &arguments.skill_log,
    ];
    let written = written.into_iter().flatten();
    Ok(Some(WatchPlan {
        config: arguments.config.as_deref(),
        excluded: written.map(|path| absolute(path)).collect(),
    }))
}

/// `jpg`, of `jpg`, `.jpg` or `JPG`.
fn extension(text: &str) -> String {
    text.trim().trim_start_matches('.').to_ascii_lowercase()
}
