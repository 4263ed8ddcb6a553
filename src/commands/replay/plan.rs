//! The plan of a replay: its options, checked before anything is started.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use url::Url;

use super::{cassettes::CassetteOptions, show::OutputOptions};
use crate::{
    cli::{
        replay::{EnvelopeName, ReplayArgs},
        skill_url::SkillUrl,
    },
    client::Connections,
    commands::{
        fixtures,
        program::Program,
        secret_variables,
        skill::{self, SkillLog},
    },
    delivery::Envelope,
    domain::{event::signature::Keys, outcome::Check},
    env::Environment,
    exit::{Failure, Problem},
    replay::{Plan, Rounds, RunOptions, mock::Registration, plan::Selection},
    terminal::Terminal,
};

/// The concurrency with `--rate` and without `--concurrency`.
const CONCURRENCY_WITH_RATE: usize = 256;

/// The options of a replay: fixtures, skill, mock, and output.
pub(super) struct ReplayPlan<'a> {
    /// The fixtures.
    pub(super) fixtures: &'a [PathBuf],
    /// Which cases of them are selected.
    selection: Selection,
    /// How the cases are sent and judged.
    pub(super) options: RunOptions,
    /// The mock.
    pub(super) mock: MockChoice,
    /// Whether the run's own mock refuses hosts other than Box's.
    pub(super) no_egress: bool,
    /// The cassettes of the cases.
    pub(super) cassettes: CassetteOptions,
    /// The skill.
    pub(super) skill: SkillChoice,
    /// How the skill is reached.
    pub(super) connections: Connections,
    /// The keys that sign deliveries.
    pub(super) keys: Keys,
    /// The envelope of events.
    pub(super) envelope: Envelope,
    /// How long the skill may take to reply.
    pub(super) timeout: Duration,
    /// The file that gets the skill's output.
    pub(super) skill_log: Option<Arc<SkillLog>>,
    /// How long a function of `--handler` may take to answer.
    pub(super) handler_timeout: Duration,
    /// How results are printed and written.
    pub(super) output: OutputOptions<'a>,
}

/// The mock of a run.
pub(super) enum MockChoice {
    /// None: replies alone are checked.
    None,
    /// The one at this URL.
    At(Url),
    /// The one on the default port, else one that the run starts.
    FoundOrStarted,
}

/// The skill of a run.
pub(super) enum SkillChoice {
    /// One that is running already.
    Running(Url),
    /// A program that the run starts, at this URL or on a free port.
    Started(Program, Option<SkillUrl>),
}

impl<'a> ReplayPlan<'a> {
    /// Checks the options.
    pub(super) fn new(
        arguments: &'a ReplayArgs,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let program = Program::from_options(
            arguments.handler.as_deref(),
            arguments.sample_skill,
            &arguments.command,
            arguments.command_folder.as_deref(),
        )?;
        let keys = secret_variables::signing_keys(
            arguments.primary_key_env.as_deref(),
            arguments.secondary_key_env.as_deref(),
            environment,
        )?;
        let cassettes = CassetteOptions::new(arguments, program.is_some())?;
        let skill_log = skill::log(arguments.skill_log.as_deref(), program.as_ref())?;
        let connections = skill::connections(
            arguments.skill.as_ref(),
            arguments.skill_ca.as_deref(),
            environment,
            terminal,
        )?;
        Ok(Self {
            selection: selection(arguments)?,
            fixtures: &arguments.fixtures,
            connections,
            options: RunOptions {
                is_started_here: program.is_some(),
                records: cassettes.records(),
                ..options(arguments)
            },
            mock: match &arguments.box_url {
                _ if arguments.no_mock => MockChoice::None,
                Some(url) => MockChoice::At(url.clone()),
                None => MockChoice::FoundOrStarted,
            },
            no_egress: arguments.no_egress,
            cassettes,
            skill: match (program, &arguments.skill) {
                (Some(program), url) => SkillChoice::Started(program, url.clone()),
                (None, Some(SkillUrl::Url(url))) => SkillChoice::Running(url.clone()),
                (None, Some(SkillUrl::Path(path))) => return Err(skill::path_alone(path)),
                (None, None) => {
                    return Err(Problem::new("no skill to send events to")
                        .help("give --skill URL, --handler, --sample-skill, or -- COMMAND")
                        .usage());
                }
            },
            keys,
            envelope: match arguments.envelope {
                EnvelopeName::None => Envelope::None,
                EnvelopeName::AwsProxy => Envelope::AwsProxy,
            },
            timeout: arguments.timeout,
            skill_log,
            handler_timeout: arguments.handler_timeout,
            output: OutputOptions {
                format: arguments.format,
                show_cards: arguments.show_cards,
                update: arguments.update,
                keeps_unexpected: arguments.watch,
                reports: &arguments.report,
            },
        })
    }
}

impl ReplayPlan<'_> {
    /// Warns if captured signatures are left out, because the ids and times that they were made for are new.
    pub(super) fn warn_of_signatures(&self, cases: &Plan, terminal: &Terminal) {
        let is_exact = matches!(self.mock, MockChoice::None) && cases.edits().is_empty();
        if cases.has_signatures && self.keys.is_empty() && !is_exact {
            terminal.warn(
                "the captured signatures do not match the new ids and times, and are not sent; \
                 --primary-key-env VAR signs the events again",
            );
        }
    }

    /// Reads the fixtures, and checks every case that the options select.
    pub(super) fn cases(&self, terminal: &Terminal) -> Result<Plan, Failure> {
        let cases = fixtures::plan(self.fixtures, self.selection.clone(), terminal)?;
        if cases.is_upload && self.output.update {
            let file = self
                .fixtures
                .first()
                .map_or(Path::new(""), PathBuf::as_path);
            let message = "--update needs a case: a file that is uploaded has no expected.json";
            let help = format!(
                "make a case of it: skillctl event new {} --case cases/NAME",
                file.display()
            );
            return Err(Problem::new(message).help(help).usage());
        }
        Ok(cases)
    }

    /// Of the selected cases only those with these absolute names.
    pub(super) fn cases_of(
        &self,
        names: BTreeSet<PathBuf>,
        terminal: &Terminal,
    ) -> Result<Plan, Failure> {
        let mut selection = self.selection.clone();
        selection.only = Some(Arc::new(names));
        fixtures::plan(self.fixtures, selection, terminal)
    }
}

fn selection(arguments: &ReplayArgs) -> Result<Selection, Failure> {
    let mut selection = Selection::filtered(&arguments.filter).map_err(|reason| {
        Problem::new(format!("--filter is not a valid glob: {reason}")).usage()
    })?;
    selection.shard = arguments.shard;
    selection.edits.clone_from(&arguments.set);
    selection.tolerance = arguments.tolerance;
    Ok(selection)
}

fn options(arguments: &ReplayArgs) -> RunOptions {
    let mut off = arguments.no_check.clone();
    if arguments.update {
        // The file that is about to be written is not compared with.
        off.push(Check::Expected);
    }
    let default = match arguments.rate {
        Some(_) => CONCURRENCY_WITH_RATE,
        None => 1,
    };
    RunOptions {
        concurrency: arguments.concurrency.unwrap_or(default),
        rounds: match arguments.duration {
            Some(duration) => Rounds::For(duration),
            None => Rounds::Times(arguments.repeat),
        },
        rate: arguments.rate,
        duplicate: arguments.duplicate,
        retries: arguments.retries,
        wait: arguments.wait,
        settle: arguments.settle,
        give_up: arguments.give_up,
        registration: Registration {
            keep: arguments.keep,
            same_file: arguments.same_file,
        },
        fail_fast: arguments.fail_fast,
        update: arguments.update,
        with_expected_path: arguments.update || arguments.watch,
        strict: arguments.strict,
        records: false,
        is_started_here: false,
        stops_after_answer: arguments.handler.is_some(),
        off,
    }
}
