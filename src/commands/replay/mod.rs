//! `skillctl replay`: fixtures, a mock, a Skill, a run, and what is printed of it.

mod box_side;
mod show;

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::sleep};

use super::{
    fixtures,
    interrupts::Interrupts,
    secret_variables,
    skill::{self, RunningSkill},
};
use crate::{
    cli::replay::{EnvelopeName, ReplayArgs},
    client::Connections,
    delivery::{Envelope, SkillClient},
    domain::{event::signature::Keys, outcome::check::Check},
    env::{Environment, folder::PrivateFolder, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::text::{Line, Role},
    replay::{
        self, Mock, Plan, Rounds, Run, RunError, RunEvent, RunOptions, RunSummary,
        mock::Registration, plan::Selection,
    },
    skill::runtimes::handler::Handler,
    terminal::Terminal,
};
use box_side::BoxSide;
use show::Show;

/// Events under way at once where they are sent at a rate and nobody says how many.
const AT_ONCE_BY_RATE: usize = 256;

/// Outcomes that may wait to be shown: more than come between two prints, or whoever sends would
/// wait for whoever prints.
const TOLD_AT_ONCE: usize = 1024;
/// Up to so many are shown as they come, later ones at most this often: nobody reads faster.
const TOLD_ONE_BY_ONE: usize = 128;
const BETWEEN_PRINTS: Duration = Duration::from_millis(5);

/// Runs the command.
pub(super) fn run(
    arguments: &ReplayArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    handler(arguments)?;
    let keys = secret_variables::signing_keys(
        arguments.primary_key_env.as_deref(),
        arguments.secondary_key_env.as_deref(),
        environment,
    )?;
    let show = Show::new(arguments, environment, terminal)?;
    let plan = fixtures::plan(&arguments.fixtures, selection(arguments)?, terminal)?;
    if plan.has_signatures && keys.is_empty() {
        terminal.warn(
            "the signatures of the capture no longer hold and are not sent; --primary-key-env VAR signs anew",
        );
    }
    let runtime = super::runtime::runtime()?;
    let verdict = runtime.block_on(whole(arguments, plan, keys, show, environment, terminal));
    // What still waits on a blocking call must not hold the end up.
    runtime.shutdown_timeout(Duration::from_millis(100));
    verdict
}

fn selection(arguments: &ReplayArgs) -> Result<Selection, Failure> {
    let mut selection = Selection::filtered(&arguments.filter)
        .map_err(|reason| Problem::new(format!("--filter is no glob: {reason}")).usage())?;
    selection.shard = arguments.shard;
    selection.edits.clone_from(&arguments.set);
    selection.tolerance = arguments.tolerance;
    Ok(selection)
}

/// Everything between reading the fixtures and the verdict; what was started is ended again.
async fn whole(
    arguments: &ReplayArgs,
    plan: Plan,
    keys: Keys,
    show: Show<'_>,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let interrupts = Interrupts::listen();
    let mut box_side = None;
    if !arguments.no_mock {
        box_side = Some(BoxSide::find(arguments, environment).await?);
    }
    let skill = tokio::select! {
        skill = skill_side(arguments, box_side.as_mut(), environment, terminal) => skill,
        () = interrupts.stopped() => Err(Failure::Interrupted),
    };
    let verdict = match skill {
        Err(failure) => Err(failure),
        Ok(skill) => {
            let run = prepare(
                arguments,
                plan,
                keys,
                box_side.as_ref(),
                &skill,
                &interrupts,
                environment,
            );
            let verdict = play(run, show, &interrupts).await;
            if matches!(verdict, Err(Failure::Check))
                && !terminal.is_verbose()
                && let Some(output) = skill.output()
            {
                terminal.note_line(Line::new().with(Role::Strong, "output of the skill"));
                terminal.note(&output);
            }
            skill.stop().await;
            verdict
        }
    };
    if let Some(box_side) = box_side {
        box_side.end().await;
    }
    verdict
}

/// The function that is to be the Skill.
fn handler(arguments: &ReplayArgs) -> Result<Option<Handler>, Failure> {
    let parse = |text: &String| {
        Handler::parse(text)
            .map_err(|reason| Problem::new(format!("--handler {text}: {reason}")).usage())
    };
    arguments.handler.as_ref().map(parse).transpose()
}

/// The command line of the Skill, empty where it runs already, and the folder that holds what it
/// needs.
fn words(arguments: &ReplayArgs) -> Result<(Vec<String>, Option<PrivateFolder>), Failure> {
    if arguments.sample_skill {
        let program = std::env::current_exe().map_err(|error| {
            Problem::new(format!(
                "cannot find this program to start its skill: {error}"
            ))
            .outside()
        })?;
        let program = program.to_string_lossy().into_owned();
        return Ok((vec![program, "sample-skill".to_owned()], None));
    }
    let Some(handler) = handler(arguments)? else {
        return Ok((arguments.command.clone(), None));
    };
    let (words, folder) = PrivateFolder::new("skillctl-adapter-")
        .and_then(|folder| Ok((handler.prepare(folder.path())?, folder)))
        .map_err(|error| {
            Problem::new(format!("cannot write the adapter for {handler}: {error}")).outside()
        })?;
    Ok((words, Some(folder)))
}

async fn skill_side(
    arguments: &ReplayArgs,
    box_side: Option<&mut BoxSide>,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<RunningSkill, Failure> {
    let (words, adapter) = words(arguments)?;
    if words.is_empty() {
        let url = arguments.skill.clone().ok_or_else(|| {
            Problem::new("no skill to replay to")
                .help("give --skill URL")
                .usage()
        })?;
        return skill::running(url).await;
    }
    let (mock_url, trust) = match box_side {
        Some(box_side) => {
            let trust = box_side.trust(environment, terminal).await?;
            (Some(box_side.url.as_str()), trust)
        }
        None => (None, None),
    };
    let url = arguments.skill.clone();
    let mut skill =
        skill::start(words, url, mock_url, trust.as_ref(), environment, terminal).await?;
    skill.adapter = adapter;
    Ok(skill)
}

fn prepare(
    arguments: &ReplayArgs,
    plan: Plan,
    keys: Keys,
    box_side: Option<&BoxSide>,
    skill: &RunningSkill,
    interrupts: &Interrupts,
    environment: &Environment,
) -> Run {
    let connections = Connections::new(environment);
    let envelope = match arguments.envelope {
        EnvelopeName::None => Envelope::None,
        EnvelopeName::AwsProxy => Envelope::AwsProxy,
    };
    Run {
        plan: Arc::new(plan),
        options: options(arguments),
        mock: box_side.map(|side| Mock::new(connections.clone(), side.url.clone(), None)),
        skill: SkillClient::new(
            connections,
            skill.url.clone(),
            keys,
            envelope,
            arguments.timeout,
        ),
        clock: wall_clock(),
        skill_exit: skill.died.clone(),
        stop: interrupts.stop.clone(),
    }
}

/// Plays the run, and shows it. At the second Ctrl-C what is in flight is dropped.
async fn play(run: Run, mut show: Show<'_>, interrupts: &Interrupts) -> Outcome {
    show.begin(&run);
    let (tell, mut told) = mpsc::channel(TOLD_AT_ONCE);
    let mut batch = Vec::new();
    let going = tokio::spawn(replay::run(run, tell));
    let mut ended: Result<RunSummary, RunError> = Ok(RunSummary::default());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            () = interrupts.ended() => {
                going.abort();
                break;
            }
            () = interrupts.stopped(), if !is_stopping => {
                is_stopping = true;
                show.stopping();
            }
            count = told.recv_many(&mut batch, TOLD_AT_ONCE) => {
                for RunEvent::Judged(outcome, expected) in batch.drain(..) {
                    show.judged(*outcome, expected.as_deref())?;
                }
                show.flush();
                if count > 0 && show.shown() > TOLD_ONE_BY_ONE {
                    // Whoever sends is not to wake whoever prints for every event.
                    sleep(BETWEEN_PRINTS).await;
                }
                if count == 0 {
                    ended = match going.await {
                        Ok(result) => result,
                        Err(error) => std::panic::resume_unwind(error.into_panic()),
                    };
                    break;
                }
            }
        }
    }
    match ended {
        Ok(ended) => show.end(ended, interrupts.is_stopped()),
        Err(error) => {
            // What was judged until then is in the reports.
            let shown = show.end(RunSummary::default(), interrupts.is_stopped());
            match shown {
                Err(failure @ (Failure::Interrupted | Failure::Outside(_))) => Err(failure),
                _ => Err(Problem::new(error.to_string()).outside()),
            }
        }
    }
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
        Some(_) => AT_ONCE_BY_RATE,
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
