//! `skillctl replay`: makes a plan, starts a mock and a skill, and runs the cases.

mod cassettes;
mod changes;
mod head;
mod mock_source;
mod plan;
mod session;
mod show;
mod watch;
mod watched;

use std::{path::PathBuf, time::Duration};

use super::{interrupts::Interrupts, runtime::runtime};
use crate::{
    cli::replay::ReplayArgs,
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::text::Line,
    replay::{LastFailed, Plan, plan::absolute_name},
    terminal::Terminal,
};
use cassettes::CaseCassettes;
use plan::ReplayPlan;
use session::Session;
use show::Show;

/// Runs the command.
pub(super) fn run(
    arguments: &ReplayArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let plan = ReplayPlan::new(arguments, environment, terminal)?;
    let last_failed = LastFailed::read(&project(arguments), environment);
    if arguments.last_failed
        && let Some(reason) = last_failed.unreadable()
    {
        return Err(Problem::new(reason).usage());
    }
    let runtime = runtime()?;
    let verdict = runtime.block_on(async {
        if arguments.watch {
            watch::run(arguments, &plan, last_failed, environment, terminal).await
        } else {
            run_once(arguments, &plan, last_failed, environment, terminal).await
        }
    });
    // A blocking call that still waits must not delay the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    verdict
}

/// What the failed cases are kept for: the config file, else the current folder.
fn project(arguments: &ReplayArgs) -> PathBuf {
    let config = arguments.config.as_deref();
    absolute_name(&config.map_or_else(|| ".".into(), |path| path.to_string_lossy()))
}

/// Starts the mock and the skill, runs the plan, and stops them again.
async fn run_once(
    arguments: &ReplayArgs,
    plan: &ReplayPlan<'_>,
    mut last_failed: LastFailed,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let cases = if arguments.last_failed {
        failed_cases(plan, &last_failed, terminal)?
    } else {
        plan.cases(terminal)?
    };
    let head = head::run_record(arguments, plan, environment);
    let mut show = Show::new(plan.output, head, &mut last_failed, environment, terminal)?;
    plan.warn_of_signatures(&cases, terminal);
    let interrupts = Interrupts::listen();
    let cassettes = CaseCassettes::load(&plan.cassettes, &cases, environment, terminal)?;
    let mut session = Session::open(plan, cassettes, environment, terminal).await?;
    show.mock_is_own = session.mock_is_own();
    show.cassettes = session.cassettes();
    let started = tokio::select! {
        started = session.start_skill(plan, Duration::ZERO) => started,
        () = interrupts.stopped() => Err(Failure::Interrupted),
    };
    let result = match started {
        Ok(()) => {
            let never = std::future::pending();
            let result = session.run(cases, plan, show, &interrupts, never);
            result.await.map_or(Ok(()), |result| result.outcome)
        }
        failed => failed,
    };
    session.end().await;
    result
}

/// The cases that failed the last time they ran; all, if none did or if they are gone.
fn failed_cases(
    plan: &ReplayPlan<'_>,
    last_failed: &LastFailed,
    terminal: &Terminal,
) -> Result<Plan, Failure> {
    let failed = last_failed.cases();
    if !failed.is_empty() {
        let cases = plan.cases_of(failed.clone(), terminal)?;
        if cases.count > 0 {
            return Ok(cases);
        }
    }
    terminal.note_line(Line::from("no case failed last time; running all"));
    plan.cases(terminal)
}
