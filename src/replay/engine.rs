//! The engine: reads cases, sends each in its turn, and tells what happens through a channel as it
//! happens. What it holds does not grow with the number of events.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, mpsc, watch as channel},
    task::JoinSet,
    time::{sleep, sleep_until},
};

use super::{
    boxed::BoxSide,
    mock::{Mock, MockError, Registration},
    one::{self, Turn},
    plan::{Case, Plan, PlanError},
    worker::{Worker, is_up},
};
use crate::{
    delivery::Courier,
    domain::outcome::{Outcome, check::Check},
    env::Clock,
};

/// Cases that are read ahead.
const READ_AHEAD: usize = 32;
/// How long before its time an event is registered.
const LEAD: Duration = Duration::from_millis(50);

/// How a run goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Events under way at once; at least 1.
    pub concurrency: usize,
    /// How often the cases are sent.
    pub rounds: Rounds,
    /// Events a second, sent at their times whether or not earlier ones are answered.
    pub rate: Option<f64>,
    /// Whether every event is sent once more after it has settled.
    pub duplicate: bool,
    /// How often an event is sent again after a late or non-2xx reply.
    pub retries: u32,
    /// How long to wait for the cards after the reply.
    pub wait: Duration,
    /// How long nothing may happen before an event counts as finished.
    pub settle: Duration,
    /// How events are registered.
    pub registration: Registration,
    /// Stop sending after the first failure.
    pub fail_fast: bool,
    /// Whether what the cases expect is written anew.
    pub update: bool,
    /// Checks that are turned off.
    pub off: Vec<Check>,
}

/// How often the cases are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounds {
    /// So many times; at least 1.
    Times(usize),
    /// Over and over, until so much time has passed.
    For(Duration),
}

impl Rounds {
    /// Whether an event's name says which round it is of.
    pub(super) fn are_numbered(self) -> bool {
        self != Self::Times(1)
    }
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Told {
    /// An event is judged. Where what its case expects is written anew, that lies in the file, where
    /// there may be one; the case itself is large and over.
    Judged(Box<Outcome>, Option<Arc<Path>>),
}

/// Everything a run needs.
pub struct Run {
    /// The cases.
    pub plan: Arc<Plan>,
    /// How it goes.
    pub settings: Settings,
    /// The mock that plays Box, if one does.
    pub mock: Option<Mock>,
    /// Who brings the events.
    pub courier: Courier,
    /// What time it is.
    pub clock: Clock,
    /// Says why, once the Skill has died.
    pub died: channel::Receiver<Option<String>>,
    /// True once the user wants it to end.
    pub stop: channel::Receiver<bool>,
}

/// What there is to say of a run beside its outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ended {
    /// Seconds from the first event to the last verdict.
    pub seconds: f64,
    /// What fails the run as a whole.
    pub strays: Vec<String>,
    /// Events that were not sent.
    pub left_out: usize,
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
    /// A fixture that is no longer what it was when it was checked.
    #[error("a fixture changed during the run")]
    Changed(Box<PlanError>),
}

/// What the events of a run share.
pub(super) struct Shared {
    pub(super) run: Run,
    pub(super) boxed: Option<BoxSide>,
    /// Set at the first failure under `fail_fast`, and where the run cannot go on.
    ended: AtomicBool,
}

impl Run {
    /// How many events there will be; unknown where time decides.
    pub fn total(&self) -> Option<usize> {
        match self.settings.rounds {
            Rounds::Times(times) => Some(self.plan.count.saturating_mul(times)),
            Rounds::For(_) => None,
        }
    }

    /// Runs to the end, or until it is stopped.
    ///
    /// # Errors
    /// Where the mock or a fixture fails; what was judged until then has been told.
    pub async fn go(mut self, tell: mpsc::Sender<Told>) -> Result<Ended, RunError> {
        let boxed = match self.mock.take() {
            Some(mock) => Some(BoxSide::new(mock, self.settings.registration).await?),
            None => None,
        };
        let total = self.total();
        let shared = Arc::new(Shared {
            run: self,
            boxed,
            ended: AtomicBool::new(false),
        });
        let began = Instant::now();
        let sent = send_all(&shared, &tell).await?;
        let mut ended = Ended {
            seconds: began.elapsed().as_secs_f64(),
            left_out: total.map_or(0, |total| total.saturating_sub(sent)),
            ..Ended::default()
        };
        // Every task is over.
        if let Some(boxed) = Arc::into_inner(shared).and_then(|shared| shared.boxed) {
            ended.strays = boxed.end().await?;
        }
        Ok(ended)
    }
}

/// Sends every case in its turn, and gives how many it sent. So many workers as events may be
/// under way take one turn after the other.
async fn send_all(shared: &Arc<Shared>, tell: &mpsc::Sender<Told>) -> Result<usize, RunError> {
    let settings = &shared.run.settings;
    let began = Instant::now();
    let work = Arc::new(Work {
        shared: Arc::clone(shared),
        turns: Turns::of(&shared.run.plan, settings.rounds),
        taken: AtomicUsize::new(0),
        pace: Pace {
            began,
            rate: settings.rate,
        },
        end: match settings.rounds {
            Rounds::For(duration) => began.checked_add(duration),
            Rounds::Times(_) => None,
        },
    });
    let workers = shared.run.total().unwrap_or(usize::MAX);
    let mut tasks = JoinSet::new();
    for _ in 0..settings.concurrency.min(workers) {
        let (work, tell) = (Arc::clone(&work), tell.clone());
        tasks.spawn(async move {
            let result = work.all(&tell).await;
            if result.is_err() {
                work.shared.ended.store(true, Ordering::Relaxed);
            }
            result
        });
    }
    let mut all = Ok(0);
    while let Some(done) = tasks.join_next().await {
        all = match (all, sent_by(done)) {
            (Ok(others), Ok(sent)) => Ok(others + sent),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
    }
    all
}

/// What the workers share.
struct Work {
    shared: Arc<Shared>,
    turns: Turns,
    /// Turns that were taken.
    taken: AtomicUsize,
    pace: Pace,
    end: Option<Instant>,
}

impl Work {
    /// One worker: turn after turn, until there is none left or the run is to end. Gives how many
    /// events it sent.
    async fn all(&self, tell: &mpsc::Sender<Told>) -> Result<usize, RunError> {
        let mut worker = Worker::of(&self.shared.run);
        let mut sent = 0;
        while !self.is_over() {
            let taking = self.turns.take(&self.taken);
            let Some(Some((number, read))) = until_stopped(&self.shared, self.end, taking).await
            else {
                return Ok(sent);
            };
            let (index, round, case) = read.map_err(|error| RunError::Changed(Box::new(error)))?;
            let due = self.pace.due(number);
            if let Some(due) = due {
                if self.end.is_some_and(|end| due >= end) {
                    return Ok(sent);
                }
                worker.runner.rest();
                let waited = sleep_until(due.checked_sub(LEAD).unwrap_or(due).into());
                until_stopped(&self.shared, self.end, waited).await;
                if self.is_over() {
                    return Ok(sent);
                }
            }
            sent += 1;
            let turn = Turn {
                index,
                round,
                case,
                due,
            };
            one_turn(&self.shared, &mut worker, turn, tell).await?;
        }
        Ok(sent)
    }

    fn is_over(&self) -> bool {
        self.shared.ended.load(Ordering::Relaxed)
            || is_up(&self.shared.run.stop)
            || self.end.is_some_and(|end| Instant::now() >= end)
    }
}

/// A case with its number and that of its round.
type Read<C> = Result<(usize, usize, C), PlanError>;

/// A case in the hands of a worker. Those that are kept need no count of who has them: all workers
/// would write to it for every event.
#[derive(Debug)]
pub(super) enum Held<'a> {
    /// One of the plan's.
    Kept(&'a Arc<Case>),
    /// One that was read for this turn.
    Read(Arc<Case>),
}

impl Deref for Held<'_> {
    type Target = Arc<Case>;

    fn deref(&self) -> &Arc<Case> {
        match self {
            Self::Kept(case) => case,
            Self::Read(case) => case,
        }
    }
}

/// The cases in their turn.
enum Turns {
    /// Those that are kept in memory.
    Kept(Arc<Plan>, usize),
    /// Those that a thread of its own reads, a few ahead.
    Read(Mutex<mpsc::Receiver<Read<Arc<Case>>>>),
}

impl Turns {
    fn of(plan: &Arc<Plan>, rounds: Rounds) -> Self {
        let rounds = match rounds {
            Rounds::Times(times) => times,
            Rounds::For(_) => usize::MAX,
        };
        if plan.kept().is_some() {
            return Self::Kept(Arc::clone(plan), rounds);
        }
        let (send, cases) = mpsc::channel(READ_AHEAD);
        let plan = Arc::clone(plan);
        tokio::task::spawn_blocking(move || {
            for round in 0..rounds {
                if plan.count == 0 {
                    return;
                }
                for (index, case) in plan.cases().enumerate() {
                    let read = case.map(|case| (index, round, case));
                    if send.blocking_send(read).is_err() {
                        return;
                    }
                }
            }
        });
        Self::Read(Mutex::new(cases))
    }

    /// The next turn with its number; none after the last.
    async fn take(&self, taken: &AtomicUsize) -> Option<(usize, Read<Held<'_>>)> {
        match self {
            Self::Kept(plan, rounds) => {
                let number = taken.fetch_add(1, Ordering::Relaxed);
                let cases = plan.kept().filter(|cases| !cases.is_empty())?;
                let (round, index) = (number / cases.len(), number % cases.len());
                (round < *rounds).then(|| (number, Ok((index, round, Held::Kept(&cases[index])))))
            }
            Self::Read(cases) => {
                let mut cases = cases.lock().await;
                let read = cases.recv().await?;
                let read = read.map(|(index, round, case)| (index, round, Held::Read(case)));
                Some((taken.fetch_add(1, Ordering::Relaxed), read))
            }
        }
    }
}

/// How many events a worker sent.
fn sent_by(
    done: Result<Result<usize, RunError>, tokio::task::JoinError>,
) -> Result<usize, RunError> {
    match done {
        Ok(sent) => sent,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// What `wanted` gives; `None` once the user wants an end or the time is over.
async fn until_stopped<T>(
    shared: &Shared,
    end: Option<Instant>,
    wanted: impl Future<Output = T>,
) -> Option<T> {
    let mut wanted = pin!(wanted);
    // What is there at once needs nobody to watch the clock.
    if let Some(got) = futures_util::FutureExt::now_or_never(wanted.as_mut()) {
        return Some(got);
    }
    let mut stop = shared.run.stop.clone();
    let over = async {
        match end {
            Some(end) => sleep(end.saturating_duration_since(Instant::now())).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        Ok(_) = stop.wait_for(|stop| *stop) => None,
        () = over => None,
        got = &mut wanted => Some(got),
    }
}

/// One turn, told and counted.
async fn one_turn(
    shared: &Shared,
    worker: &mut Worker<'_>,
    turn: Turn<'_>,
    tell: &mpsc::Sender<Told>,
) -> Result<(), RunError> {
    let outcome = one::play(shared, worker, &turn).await?;
    if !outcome.is_ok() && shared.run.settings.fail_fast {
        shared.ended.store(true, Ordering::Relaxed);
    }
    if let Some(boxed) = &shared.boxed {
        boxed.judged(&outcome.case.names.event_id).await?;
    }
    // Whoever listens may be gone.
    let expected = if shared.run.settings.update {
        turn.case.expected_path.clone()
    } else {
        None
    };
    drop(turn);
    let told = Told::Judged(outcome, expected);
    if let Err(mpsc::error::TrySendError::Full(told)) = tell.try_send(told) {
        let _ = tell.send(told).await;
    }
    Ok(())
}

/// When each event is due.
struct Pace {
    began: Instant,
    rate: Option<f64>,
}

impl Pace {
    /// The time of the event with number `sent`; none where each follows the one before.
    #[allow(clippy::cast_precision_loss, reason = "a number of events")]
    fn due(&self, sent: usize) -> Option<Instant> {
        let after = Duration::try_from_secs_f64(sent as f64 / self.rate?).ok()?;
        self.began.checked_add(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_due_at_equal_distances() {
        let began = Instant::now();
        let pace = Pace {
            began,
            rate: Some(4.0),
        };
        let due = [0, 1, 8].map(|sent| pace.due(sent).expect("a time") - began);
        assert_eq!(due.map(|due| due.as_millis()), [0, 250, 2000]);
        assert_eq!(Pace { began, rate: None }.due(7), None);
    }
}
