//! The engine: registers events, delivers them, waits until each is finished, and judges it. What
//! happens is told through a channel as it happens.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::{Semaphore, mpsc, watch as channel},
    task::JoinSet,
    time::sleep,
};

use super::{
    mock::{Mock, MockError, Registration},
    plan::Case,
    watch::{Tracked, Watch},
};
use crate::{
    delivery::Courier,
    domain::{
        event::Event,
        outcome::{
            Observed, Outcome, Reply, Summary,
            check::{self, Check, Terms},
        },
    },
    env::Clock,
};

/// How a run goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Events under way at once; at least 1.
    pub concurrency: usize,
    /// How often each case is sent; at least 1.
    pub repeat: usize,
    /// How long to wait for the cards after the reply.
    pub wait: Duration,
    /// How long nothing may happen before an event counts as finished.
    pub settle: Duration,
    /// How events are registered.
    pub registration: Registration,
    /// Stop sending after the first failure.
    pub fail_fast: bool,
    /// Checks that are turned off.
    pub off: Vec<Check>,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Told {
    /// It begins, with so many events.
    Started(usize),
    /// An event is judged.
    Judged(Box<Outcome>),
}

/// Everything a run needs.
pub struct Run {
    /// The cases.
    pub cases: Vec<Case>,
    /// How it goes.
    pub settings: Settings,
    /// The mock that plays Box.
    pub mock: Mock,
    /// Who brings the events.
    pub courier: Courier,
    /// What time it is.
    pub clock: Clock,
    /// Says why, once the Skill has died.
    pub died: channel::Receiver<Option<String>>,
    /// True once the user wants it to end.
    pub stop: channel::Receiver<bool>,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The mock.
    #[error(transparent)]
    Mock(#[from] MockError),
    /// The content beside a fixture.
    #[error("cannot read {path}: {source}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What the events of a run share.
struct Shared {
    run: Run,
    watch: Watch,
    /// Set at the first failure under `fail_fast`.
    failed: AtomicBool,
}

impl Run {
    /// Runs to the end, or until it is stopped; gives the summary and tells everything else.
    ///
    /// # Errors
    /// Where the mock or a fixture's content fails; what was judged until then has been told.
    pub async fn go(self, tell: mpsc::Sender<Told>) -> Result<Summary, RunError> {
        let start = self.mock.health().await?.next;
        let contents = self.put_contents().await?;
        let stream = self.mock.stream(start).await?;
        let shared = Arc::new(Shared {
            run: self,
            watch: Watch::new(start),
            failed: AtomicBool::new(false),
        });
        let follower = {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let url = shared.run.mock.url().clone();
                shared
                    .watch
                    .follow(stream, || MockError::Gap { url: url.clone() })
                    .await
            })
        };
        let result = send_all(&shared, &contents, &tell).await;
        follower.abort();
        let mut summary = result?;
        if let Ok(Err(gap)) = follower.await {
            return Err(gap.into());
        }
        summary.strays = shared.watch.strays();
        Ok(summary)
    }

    /// Puts the content of every case, and gives the names by which events refer to it.
    async fn put_contents(&self) -> Result<Vec<Option<String>>, RunError> {
        let mut names = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            names.push(match &case.content {
                None => None,
                Some(path) => {
                    let file =
                        tokio::fs::File::open(path)
                            .await
                            .map_err(|source| RunError::Content {
                                path: path.clone(),
                                source,
                            })?;
                    Some(self.mock.put_content(file).await?)
                }
            });
        }
        Ok(names)
    }

    fn total(&self) -> usize {
        self.cases.len() * self.settings.repeat
    }
}

async fn send_all(
    shared: &Arc<Shared>,
    contents: &[Option<String>],
    tell: &mpsc::Sender<Told>,
) -> Result<Summary, RunError> {
    let run = &shared.run;
    let began = Instant::now();
    let mut summary = Summary::default();
    let mut tasks = JoinSet::new();
    let slots = Arc::new(Semaphore::new(run.settings.concurrency));
    // Whoever listens may be gone; the verdict is in the summary all the same.
    let _ = tell.send(Told::Started(run.total())).await;
    let mut sent = 0;
    'sending: for round in 0..run.settings.repeat {
        for (index, content) in contents.iter().enumerate() {
            let slot = Arc::clone(&slots).acquire_owned().await;
            while let Some(done) = tasks.try_join_next() {
                take_in(shared, &mut summary, tell, done).await?;
            }
            if *run.stop.borrow() || shared.failed.load(Ordering::Relaxed) {
                break 'sending;
            }
            sent += 1;
            let (shared, content) = (Arc::clone(shared), content.clone());
            tasks.spawn(async move {
                let outcome = one(&shared, index, round, content.as_deref()).await;
                drop(slot);
                outcome
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        take_in(shared, &mut summary, tell, done).await?;
    }
    summary.left_out = run.total() - sent;
    summary.seconds = began.elapsed().as_secs_f64();
    Ok(summary)
}

type Done = Result<Result<Outcome, MockError>, tokio::task::JoinError>;

async fn take_in(
    shared: &Shared,
    summary: &mut Summary,
    tell: &mpsc::Sender<Told>,
    done: Done,
) -> Result<(), RunError> {
    let outcome = match done {
        Ok(outcome) => outcome?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    summary.count(&outcome);
    if !outcome.is_ok() && shared.run.settings.fail_fast {
        shared.failed.store(true, Ordering::Relaxed);
    }
    let forgotten = shared.watch.judged(outcome.event_id.clone());
    if !forgotten.is_empty() {
        shared.run.mock.retire(&forgotten).await?;
    }
    let _ = tell.send(Told::Judged(Box::new(outcome))).await;
    Ok(())
}

/// One event from its registration to its verdict.
async fn one(
    shared: &Shared,
    index: usize,
    round: usize,
    content: Option<&str>,
) -> Result<Outcome, MockError> {
    let run = &shared.run;
    let case = &run.cases[index];
    let name = match run.settings.repeat {
        1 => case.name.clone(),
        _ => format!("{} #{}", case.name, round + 1),
    };
    let event = register(run, case, content).await?;
    let tracked = shared.watch.track(event.id(), name.clone(), (run.clock)());
    deliver(run, &event, &tracked).await;
    let observed = wait(shared, &tracked).await?;
    let died = run.died.borrow().clone();
    let terms = Terms {
        expected: case.expected.as_ref(),
        deliveries: 1,
        wait: millis(run.settings.wait),
        has_mock: true,
        died: died.as_deref(),
    };
    Ok(Outcome {
        index,
        case: name,
        event_id: event.id(),
        file_id: event.file_id(),
        verdicts: check::run(&observed, &terms, &run.settings.off),
        instead: if observed.box_calls() == 0 {
            shared.watch.connections()
        } else {
            Vec::new()
        },
        observed,
    })
}

async fn register(run: &Run, case: &Case, content: Option<&str>) -> Result<Event, MockError> {
    let event = &case.captured.event;
    let refused = |reason: String| MockError::NoMock {
        url: run.mock.url().clone(),
        reason,
    };
    let registered = run
        .mock
        .register(&[(event.value(), content)], run.settings.registration)
        .await?
        .pop()
        .ok_or_else(|| refused("it registered nothing".to_owned()))?;
    if registered == *event.value() {
        // As recorded, to the byte.
        return Ok(event.clone());
    }
    Event::from_value(registered).map_err(|found| refused(found.message))
}

/// Delivers the event; the reply, or the death of the Skill, goes to the tracked event.
async fn deliver(run: &Run, event: &Event, tracked: &Tracked) {
    let body: &Bytes = event.body();
    let mut died = run.died.clone();
    let reply = tokio::select! {
        reply = run.courier.deliver(body, (run.clock)()) => reply,
        Ok(why) = died.wait_for(Option::is_some) => {
            Reply::Failed(why.clone().unwrap_or_default())
        }
    };
    let now = tracked.elapsed();
    tracked.with(|observed| observed.replied(reply, now));
}

/// Waits until the event is finished, or the time for its cards is over.
async fn wait(shared: &Shared, tracked: &Tracked) -> Result<Observed, MockError> {
    let settings = &shared.run.settings;
    let settle = millis(settings.settle);
    let deadline = tracked.elapsed() + millis(settings.wait);
    loop {
        let rung = tracked.bell.notified();
        let now = tracked.elapsed();
        let (settled, settles_at) = tracked.with(|observed| {
            (
                observed.is_settled(now, settle),
                observed.settles_at(settle),
            )
        });
        if settled || now >= deadline || has_died(&shared.run) {
            // Only what the stream has not told yet could change the verdict: hear it out first.
            let newest = shared.run.mock.health().await?.next;
            if !shared.watch.caught_up(newest).await {
                let url = shared.run.mock.url().clone();
                let reason = "its stream of what happens ended".to_owned();
                return Err(MockError::Unreachable { url, reason });
            }
            let now = tracked.elapsed();
            let still = tracked.with(|observed| observed.is_settled(now, settle));
            if still || now >= deadline || has_died(&shared.run) {
                return Ok(tracked.judge());
            }
            continue;
        }
        let next = if settles_at > now {
            settles_at.min(deadline)
        } else {
            deadline
        };
        let pause = Duration::from_secs_f64((next - now).max(1.0) / 1000.0);
        tokio::select! {
            () = rung => {}
            () = sleep(pause) => {}
            () = died(&shared.run) => {}
        }
    }
}

fn has_died(run: &Run) -> bool {
    run.died.borrow().is_some()
}

/// Returns when the Skill has died; never, where nobody would know.
async fn died(run: &Run) {
    let mut died = run.died.clone();
    if died.wait_for(Option::is_some).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
