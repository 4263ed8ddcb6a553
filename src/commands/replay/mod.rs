//! `skillctl replay`: makes a plan, starts a mock and a skill, and runs the cases.

mod head;
mod mock_source;
mod plan;
mod show;

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::sleep};

use super::{
    interrupts::Interrupts,
    runtime::runtime,
    skill::{self, RunningSkill, SkillLaunch},
};
use crate::{
    cli::replay::ReplayArgs,
    client::Connections,
    delivery::SkillClient,
    env::{Environment, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::text::{Line, Role},
    replay::{self, Mock, Run, RunError, RunEvent, RunSummary},
    terminal::Terminal,
};
use mock_source::MockSource;
use plan::{MockChoice, ReplayPlan, SkillChoice};
use show::Show;

/// The most events that wait to be printed: more than arrive between two prints, so that printing
/// does not slow down sending.
const MAX_WAITING_EVENTS: usize = 1024;
/// The first events are printed at once, later ones once per interval.
const MAX_PRINTED_AT_ONCE: usize = 128;
const PRINT_INTERVAL: Duration = Duration::from_millis(5);

/// Runs the command.
pub(super) fn run(
    arguments: &ReplayArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let plan = ReplayPlan::new(arguments, environment, terminal)?;
    let head = head::run_record(arguments, &plan, environment);
    let show = Show::new(plan.output, head, environment, terminal)?;
    let is_exact = matches!(plan.mock, MockChoice::None) && plan.cases.edits().is_empty();
    if plan.cases.has_signatures && plan.keys.is_empty() && !is_exact {
        terminal.warn(
            "the captured signatures do not match the new ids and times, and are not sent; \
             --primary-key-env VAR signs the events again",
        );
    }
    let runtime = runtime()?;
    let verdict = runtime.block_on(execute(plan, show, environment, terminal));
    // A blocking call that still waits must not delay the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    verdict
}

/// Starts the mock and the skill, runs the plan, and stops them again.
async fn execute(
    plan: ReplayPlan<'_>,
    mut show: Show<'_>,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let interrupts = Interrupts::listen();
    let mut mock = MockSource::open(&plan, environment, terminal).await?;
    show.mock_is_own = mock.as_ref().is_some_and(MockSource::is_own);
    let skill = tokio::select! {
        skill = skill(&plan, mock.as_mut(), environment, terminal) => skill,
        () = interrupts.stopped() => Err(Failure::Interrupted),
    };
    let verdict = match skill {
        Err(failure) => Err(failure),
        Ok(skill) => {
            let run = prepare(plan, mock.as_ref(), &skill, &interrupts, environment);
            show.skill_output = skill.captured().cloned();
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
    if let Some(mock) = mock {
        mock.end().await;
    }
    verdict
}

/// The skill of the run. Starts it if the plan says so.
async fn skill(
    plan: &ReplayPlan<'_>,
    mock: Option<&mut MockSource>,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<RunningSkill, Failure> {
    let (program, url) = match &plan.skill {
        SkillChoice::Running(url) => return skill::connect(url.clone()).await,
        SkillChoice::Started(program, url) => (program, url),
    };
    let (mock_url, trust) = match mock {
        Some(mock) => {
            let trust = mock.trust(environment, terminal).await?;
            (Some(mock.url.as_str()), trust)
        }
        None => (None, None),
    };
    skill::start(SkillLaunch {
        program,
        url: url.clone(),
        mock_url,
        trust: trust.as_ref(),
        concurrency: plan.options.concurrency,
        handler_timeout: plan.handler_timeout,
        prints_output: terminal.is_verbose(),
        log: plan.skill_log.clone(),
        environment,
        terminal,
    })
    .await
}

fn prepare(
    plan: ReplayPlan<'_>,
    mock: Option<&MockSource>,
    skill: &RunningSkill,
    interrupts: &Interrupts,
    environment: &Environment,
) -> Run {
    let connections = Connections::new(environment);
    Run {
        plan: Arc::new(plan.cases),
        options: plan.options,
        mock: mock.map(|mock| Mock::new(connections, mock.url.clone(), None)),
        skill: SkillClient::new(
            plan.connections,
            skill.url.clone(),
            plan.keys,
            plan.envelope,
            plan.timeout,
        ),
        clock: wall_clock(),
        skill_output: skill.output_activity(),
        skill_exit: skill.died.clone(),
        stop: interrupts.stop.clone(),
    }
}

/// Runs the cases and prints the results. The second Ctrl-C drops the events under way.
async fn play(run: Run, mut show: Show<'_>, interrupts: &Interrupts) -> Outcome {
    show.begin(&run);
    let (events, mut received) = mpsc::channel(MAX_WAITING_EVENTS);
    let mut batch = Vec::new();
    let running = tokio::spawn(replay::run(run, events));
    let mut ended: Result<RunSummary, RunError> = Ok(RunSummary::default());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            () = interrupts.ended() => {
                running.abort();
                break;
            }
            () = interrupts.stopped(), if !is_stopping => {
                is_stopping = true;
                show.stopping();
            }
            count = received.recv_many(&mut batch, MAX_WAITING_EVENTS) => {
                for event in batch.drain(..) {
                    match event {
                        RunEvent::Judged(outcome, expected) => {
                            show.judged(*outcome, expected.as_deref())?;
                        }
                        RunEvent::Waiting(event) => show.waiting(&event),
                    }
                }
                show.flush();
                if count > 0 && show.shown() > MAX_PRINTED_AT_ONCE {
                    // The sender should not wake the printer for each event.
                    sleep(PRINT_INTERVAL).await;
                }
                if count == 0 {
                    ended = match running.await {
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
            // The reports hold the events that were judged before the error.
            let shown = show.end(RunSummary::default(), interrupts.is_stopped());
            match shown {
                Err(failure @ (Failure::Interrupted | Failure::Outside(_))) => Err(failure),
                _ => Err(Problem::new(error.to_string()).outside()),
            }
        }
    }
}
