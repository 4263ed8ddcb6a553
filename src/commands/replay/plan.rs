//! The plan of a replay: all that its command line asks for, checked before anything is started.

use std::time::Duration;

use url::Url;

use crate::{
    cli::replay::{EnvelopeName, ReplayArgs},
    commands::{fixtures, program::Program, secret_variables},
    delivery::Envelope,
    domain::{event::signature::Keys, outcome::check::Check},
    env::Environment,
    exit::{Failure, Problem},
    replay::{Plan, Rounds, RunOptions, mock::Registration, plan::Selection},
    terminal::Terminal,
};

/// Events under way at once where a rate is given and no number.
const CONCURRENCY_WITH_RATE: usize = 256;

/// What to replay, to which skill, against which mock.
pub(super) struct ReplayPlan {
    /// The cases.
    pub(super) cases: Plan,
    /// How they are sent and judged.
    pub(super) options: RunOptions,
    /// The mock.
    pub(super) mock: MockChoice,
    /// The skill.
    pub(super) skill: SkillChoice,
    /// The keys that sign deliveries.
    pub(super) keys: Keys,
    /// What is put around the event.
    pub(super) envelope: Envelope,
    /// How long the skill may take to reply.
    pub(super) timeout: Duration,
}

/// The mock of a run.
pub(super) enum MockChoice {
    /// None: replies alone are checked.
    None,
    /// The one at this URL.
    At(Url),
    /// The one on the usual port, else one that the run starts.
    FoundOrStarted,
}

/// The skill of a run.
pub(super) enum SkillChoice {
    /// One that is running already.
    Running(Url),
    /// A program that the run starts, at this URL or on a free port.
    Started(Program, Option<Url>),
}

impl ReplayPlan {
    /// Reads the fixtures and checks the options.
    pub(super) fn new(
        arguments: &ReplayArgs,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let program = Program::from_options(
            arguments.handler.as_deref(),
            arguments.sample_skill,
            &arguments.command,
        )?;
        let keys = secret_variables::signing_keys(
            arguments.primary_key_env.as_deref(),
            arguments.secondary_key_env.as_deref(),
            environment,
        )?;
        let cases = fixtures::plan(&arguments.fixtures, selection(arguments)?, terminal)?;
        Ok(Self {
            cases,
            options: options(arguments),
            mock: match &arguments.box_url {
                _ if arguments.no_mock => MockChoice::None,
                Some(url) => MockChoice::At(url.clone()),
                None => MockChoice::FoundOrStarted,
            },
            skill: match (program, &arguments.skill) {
                (Some(program), url) => SkillChoice::Started(program, url.clone()),
                (None, Some(url)) => SkillChoice::Running(url.clone()),
                (None, None) => {
                    return Err(Problem::new("no skill to replay to")
                        .help("give --skill URL")
                        .usage());
                }
            },
            keys,
            envelope: match arguments.envelope {
                EnvelopeName::None => Envelope::None,
                EnvelopeName::AwsProxy => Envelope::AwsProxy,
            },
            timeout: arguments.timeout,
        })
    }
}

fn selection(arguments: &ReplayArgs) -> Result<Selection, Failure> {
    let mut selection = Selection::filtered(&arguments.filter)
        .map_err(|reason| Problem::new(format!("--filter is no glob: {reason}")).usage())?;
    selection.shard = arguments.shard;
    selection.edits.clone_from(&arguments.set);
    selection.tolerance = arguments.tolerance;
    Ok(selection)
}

fn options(arguments: &ReplayArgs) -> RunOptions {
    let mut off: Vec<Check> = arguments
        .no_check
        .iter()
        .map(|name| (*name).into())
        .collect();
    if arguments.update {
        // What is about to be written cannot be what is compared with.
        off.push(Check::Expected);
    }
    let by_default = match arguments.rate {
        Some(_) => CONCURRENCY_WITH_RATE,
        None => 1,
    };
    RunOptions {
        concurrency: arguments.concurrency.unwrap_or(by_default),
        rounds: match arguments.duration {
            Some(duration) => Rounds::For(duration),
            None => Rounds::Times(arguments.repeat),
        },
        rate: arguments.rate,
        duplicate: arguments.duplicate,
        retries: arguments.retries,
        wait: arguments.wait,
        settle: arguments.settle,
        registration: Registration {
            keep: arguments.keep,
            same_file: arguments.same_file,
        },
        fail_fast: arguments.fail_fast,
        update: arguments.update,
        off,
    }
}
