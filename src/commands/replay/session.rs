//! The mock and the skill of a run, or of all runs of `--watch`.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use url::Url;

use super::{
    cassettes::CaseCassettes,
    mock_source::MockSource,
    plan::{ReplayPlan, SkillChoice},
    show::{RunResult, Show},
};
use crate::{
    client::{Connections, Http},
    commands::{
        interrupts::Interrupts,
        skill::{self, RunningSkill, SkillLaunch},
    },
    delivery::SkillClient,
    env::{Environment, wall_clock},
    exit::{Failure, Problem},
    render::text::{Line, Role},
    replay::{self, Cassettes, Mock, Plan, Run, RunError, RunEvent, RunSummary},
    terminal::Terminal,
};

/// The most events that wait to be printed: more than arrive between two prints, so that printing does
/// not slow down sending.
const MAX_WAITING_EVENTS: usize = 1024;
/// The first events are printed at once, later ones once per interval.
const MAX_PRINTED_AT_ONCE: usize = 128;
const PRINT_INTERVAL: Duration = Duration::from_millis(5);

/// The mock and the skill.
pub(super) struct Session<'a> {
    mock: Option<MockSource>,
    cassettes: Option<Arc<CaseCassettes>>,
    /// Calls the skill for its providers.
    callbacks: Arc<Http>,
    skill: Option<RunningSkill>,
    environment: &'a Environment,
    terminal: &'a Terminal,
}

impl<'a> Session<'a> {
    /// Finds or starts the mock.
    pub(super) async fn open(
        plan: &ReplayPlan<'_>,
        cassettes: Option<CaseCassettes>,
        environment: &'a Environment,
        terminal: &'a Terminal,
    ) -> Result<Self, Failure> {
        let deck = cassettes
            .as_ref()
            .map(|cassettes| Arc::clone(&cassettes.deck));
        Ok(Self {
            mock: MockSource::open(plan, deck, environment, terminal).await?,
            cassettes: cassettes.map(Arc::new),
            callbacks: Arc::new(Http::new(plan.connections.clone())),
            skill: None,
            environment,
            terminal,
        })
    }

    /// Whether a skill is there that has not ended.
    pub(super) fn has_skill(&self) -> bool {
        self.skill
            .as_ref()
            .is_some_and(|skill| skill.died.borrow().is_none())
    }

    /// Waits until the skill's process ends, and returns the reason. Never returns without one.
    pub(super) async fn skill_ended(&self) -> String {
        let Some(skill) = &self.skill else {
            return std::future::pending().await;
        };
        let mut died = skill.died.clone();
        match died.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(reason)) => reason.clone(),
            _ => std::future::pending().await,
        }
    }

    /// The cassettes of the cases.
    pub(super) fn cassettes(&self) -> Option<Arc<CaseCassettes>> {
        self.cassettes.clone()
    }

    /// Whether the mock is the run's own.
    pub(super) fn mock_is_own(&self) -> bool {
        self.mock.as_ref().is_some_and(MockSource::is_own)
    }

    /// Starts the skill if the plan says so; else checks that one is running, for up to `patience`.
    pub(super) async fn start_skill(
        &mut self,
        plan: &ReplayPlan<'_>,
        patience: Duration,
    ) -> Result<(), Failure> {
        let (program, url) = match &plan.skill {
            SkillChoice::Running(url) => {
                self.skill = Some(connect(url, patience).await?);
                return Ok(());
            }
            SkillChoice::Started(program, url) => (program, url),
        };
        let (mock_url, trust) = match &mut self.mock {
            Some(mock) => {
                let trust = mock.trust(self.environment, self.terminal).await?;
                (Some(mock.url.as_str()), trust)
            }
            None => (None, None),
        };
        let skill = skill::start(SkillLaunch {
            program,
            url: url.clone(),
            mock_url,
            trust: trust.as_ref(),
            concurrency: plan.options.concurrency,
            handler_timeout: plan.handler_timeout,
            prints_output: self.terminal.is_verbose(),
            log: plan.skill_log.clone(),
            environment: self.environment,
            terminal: self.terminal,
        });
        self.skill = Some(skill.await?);
        Ok(())
    }

    /// Stops the skill. The run's own mock forgets what the skill did, so that memory does not grow
    /// with the number of runs; not if the skill runs elsewhere, and keeps its tokens.
    pub(super) async fn stop_skill(&mut self) {
        let Some(skill) = self.skill.take() else {
            return;
        };
        let was_started_here = skill.is_started_here();
        skill.stop().await;
        if let Some(mock) = self.mock.as_ref().filter(|_| was_started_here) {
            mock.reset().await;
        }
    }

    /// Runs cases, and prints the results. Ends early when `cancelled` returns; then there is no result.
    pub(super) async fn run(
        &self,
        cases: Plan,
        plan: &ReplayPlan<'_>,
        mut show: Show<'_>,
        interrupts: &Interrupts,
        cancelled: impl Future<Output = ()>,
    ) -> Option<RunResult> {
        let skill = self.skill.as_ref()?;
        show.skill_output = skill.captured().cloned();
        let run = self.prepare(cases, plan, skill, interrupts);
        let result = play(run, show, interrupts, cancelled).await?;
        if matches!(result.outcome, Err(Failure::Check))
            && !self.terminal.is_verbose()
            && let Some(output) = skill.output()
        {
            let heading = Line::new().with(Role::Strong, "output of the skill");
            self.terminal.note_line(heading);
            self.terminal.note(&output);
        }
        Some(result)
    }

    fn prepare(
        &self,
        cases: Plan,
        plan: &ReplayPlan<'_>,
        skill: &RunningSkill,
        interrupts: &Interrupts,
    ) -> Run {
        let connections = Connections::new(self.environment);
        let mock = self.mock.as_ref();
        Run {
            plan: Arc::new(cases),
            options: plan.options.clone(),
            mock: mock.map(|mock| Mock::new(connections, mock.url.clone(), None)),
            cassettes: self.run_cassettes(),
            skill: SkillClient::new(
                plan.connections.clone(),
                skill.url.clone(),
                plan.keys.clone(),
                plan.envelope,
                plan.timeout,
            ),
            clock: wall_clock(),
            skill_output: skill.output_activity(),
            skill_exit: skill.died.clone(),
            stop: interrupts.stop.clone(),
        }
    }

    fn run_cassettes(&self) -> Option<Cassettes> {
        let (cassettes, mock) = (self.cassettes.as_ref()?, self.mock.as_ref()?);
        Some(Cassettes {
            deck: Arc::clone(&cassettes.deck),
            by_case: Arc::clone(&cassettes.by_case),
            without: cassettes.without,
            mock_url: mock.url.to_string(),
            http: Arc::clone(&self.callbacks),
        })
    }

    /// Stops the skill and the mock.
    pub(super) async fn end(self) {
        if let Some(skill) = self.skill {
            skill.stop().await;
        }
        if let Some(mock) = self.mock {
            mock.end().await;
        }
    }
}

/// A skill that runs elsewhere. Tries again for up to `patience`.
async fn connect(url: &Url, patience: Duration) -> Result<RunningSkill, Failure> {
    const BETWEEN_TRIES: Duration = Duration::from_millis(50);
    let end = Instant::now() + patience;
    loop {
        match skill::connect(url.clone()).await {
            Err(_) if Instant::now() < end => sleep(BETWEEN_TRIES).await,
            result => return result,
        }
    }
}

/// Runs the cases and prints the results. The second Ctrl-C drops the events in progress, and so
/// does `cancelled`.
async fn play(
    run: Run,
    mut show: Show<'_>,
    interrupts: &Interrupts,
    cancelled: impl Future<Output = ()>,
) -> Option<RunResult> {
    show.begin(&run);
    let mut cancelled = std::pin::pin!(cancelled);
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
            () = &mut cancelled => {
                running.abort();
                return None;
            }
            count = received.recv_many(&mut batch, MAX_WAITING_EVENTS) => {
                for event in batch.drain(..) {
                    let shown = match event {
                        RunEvent::Judged(outcome, expected) => {
                            show.judged(*outcome, expected.as_deref())
                        }
                        RunEvent::Waiting(event) => {
                            show.waiting(&event);
                            Ok(())
                        }
                    };
                    if let Err(failure) = shown {
                        running.abort();
                        return Some(RunResult::failed(failure));
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
    let was_interrupted = interrupts.is_stopped();
    match ended {
        Ok(ended) => Some(show.end(ended, was_interrupted)),
        Err(error) => {
            // The reports hold the events that were judged before the error.
            let mut result = show.end(RunSummary::default(), was_interrupted);
            if !matches!(
                result.outcome,
                Err(Failure::Interrupted | Failure::Outside(_))
            ) {
                result.outcome = Err(Problem::new(error.to_string()).outside());
            }
            Some(result)
        }
    }
}
