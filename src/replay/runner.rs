//! Runs a plan: workers take one case after the other, send it and report its outcome through a
//! channel. Memory does not grow with the number of events.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{sleep, sleep_until},
};

use super::{
    case_queue::{CaseQueue, HeldCase, QueuedCase},
    error::RunError,
    event_run::{EventRun, Verdict, run_event},
    mock_session::MockSession,
    run::{Rounds, Run, RunEvent, RunSummary},
    worker::{Worker, is_set},
};
use crate::domain::outcome::Outcome;

/// How long before its time an event is registered.
const REGISTRATION_LEAD: Duration = Duration::from_millis(50);
/// Events of one worker that may settle at once.
const MAX_SETTLING: usize = 64;
/// Cases that were not sent and are named.
const MAX_LEFT_OUT_NAMED: usize = 20;

/// Runs to the end, or until it is stopped. Outcomes go to `events` as they are known.
///
/// # Errors
/// Where the mock or a fixture fails; the outcomes until then have been reported.
pub async fn run(mut run: Run, events: mpsc::Sender<RunEvent>) -> Result<RunSummary, RunError> {
    let session = match run.mock.take() {
        Some(mock) => {
            let edits = run.plan.edits().to_vec();
            Some(MockSession::open(mock, run.options.registration, edits).await?)
        }
        None => None,
    };
    let total = run.total();
    let began = Instant::now();
    let end = match run.options.rounds {
        Rounds::For(duration) => began.checked_add(duration),
        Rounds::Times(_) => None,
    };
    let work = Arc::new(Work {
        queue: CaseQueue::new(&run.plan, run.options.rounds),
        times: SendTimes {
            began,
            rate: run.options.rate,
        },
        end,
        is_aborted: AtomicBool::new(false),
        run,
        session,
    });
    let sent = send_all(&work, &events).await?;
    let mut summary = RunSummary {
        seconds: began.elapsed().as_secs_f64(),
        left_out: total.map_or(0, |total| total.saturating_sub(sent)),
        ..RunSummary::default()
    };
    if summary.left_out > 0 {
        let named = summary.left_out.min(MAX_LEFT_OUT_NAMED);
        summary.left_out_cases = work.queue.names_from(sent, named).await;
    }
    // Every task is over.
    if let Some(session) = Arc::into_inner(work).and_then(|work| work.session) {
        summary.strays = session.end().await?;
    }
    Ok(summary)
}

/// Sends every case, by as many workers as events may be in progress; returns how many were sent.
async fn send_all(work: &Arc<Work>, events: &mpsc::Sender<RunEvent>) -> Result<usize, RunError> {
    let max_workers = work.run.total().unwrap_or(usize::MAX);
    let mut tasks = JoinSet::new();
    for _ in 0..work.run.options.concurrency.min(max_workers) {
        let (work, events) = (Arc::clone(work), events.clone());
        tasks.spawn(async move {
            let result = work.work(&events).await;
            if result.is_err() {
                work.is_aborted.store(true, Ordering::Relaxed);
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
    run: Run,
    session: Option<MockSession>,
    queue: CaseQueue,
    times: SendTimes,
    end: Option<Instant>,
    /// Set at the first failure under `fail_fast`, and at an error of the run.
    is_aborted: AtomicBool,
}

/// The events of a worker that settle, each until its verdict is reported.
type Settling<'a> = FuturesUnordered<BoxFuture<'a, Result<(), RunError>>>;

impl Work {
    /// The loop of one worker, until no case is left or the run is over; returns how many events it
    /// sent.
    async fn work(&self, events: &mpsc::Sender<RunEvent>) -> Result<usize, RunError> {
        let mut worker = Worker::new(&self.run, self.session.as_ref(), events);
        let mut settling = Settling::new();
        let mut sent = 0;
        while let Some((queued, due)) = meanwhile(&mut settling, self.next(&mut worker)).await?? {
            sent += 1;
            let running = run_event(&mut worker, queued, due);
            let (event, verdict) = meanwhile(&mut settling, running).await??;
            match verdict {
                Verdict::Reached(outcome) => self.report(&event, outcome, events).await?,
                Verdict::Settling => settling.push(Box::pin(async move {
                    let outcome = event.settle().await?;
                    self.report(&event, outcome, events).await
                })),
            }
            while settling.len() >= MAX_SETTLING {
                settling.next().await.transpose()?;
            }
        }
        while settling.next().await.transpose()?.is_some() {}
        Ok(sent)
    }

    /// The next case with the time at which its event is due; `None` where no event is to be sent any
    /// more. Returns in time for the registration.
    async fn next<'a>(
        &'a self,
        worker: &mut Worker<'a>,
    ) -> Result<Option<(QueuedCase<HeldCase<'a>>, Option<Instant>)>, RunError> {
        if self.is_over() {
            return Ok(None);
        }
        let next = until_stopped(&self.run, self.end, self.queue.take()).await;
        let Some(Some((number, queued))) = next else {
            return Ok(None);
        };
        let queued = queued.map_err(|error| RunError::Changed(Box::new(error)))?;
        let due = self.times.due(number);
        if let Some(due) = due {
            if self.end.is_some_and(|end| due >= end) {
                return Ok(None);
            }
            worker.connection.release();
            let registration = due.checked_sub(REGISTRATION_LEAD).unwrap_or(due);
            until_stopped(&self.run, self.end, sleep_until(registration.into())).await;
            if self.is_over() {
                return Ok(None);
            }
        }
        Ok(Some((queued, due)))
    }

    /// Reports the outcome of an event.
    async fn report(
        &self,
        event: &EventRun<'_>,
        outcome: Box<Outcome>,
        events: &mpsc::Sender<RunEvent>,
    ) -> Result<(), RunError> {
        if !outcome.is_ok() && self.run.options.fail_fast {
            self.is_aborted.store(true, Ordering::Relaxed);
        }
        if let Some(session) = &self.session {
            session.tracker.judged(event.event_id()).await?;
        }
        let expected = if self.run.options.with_expected_path {
            event.expected_path()
        } else {
            None
        };
        let judged = RunEvent::Judged(outcome, expected);
        if let Err(mpsc::error::TrySendError::Full(judged)) = events.try_send(judged) {
            // The receiver may be gone.
            let _ = events.send(judged).await;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed)
            || is_set(&self.run.stop)
            || self.end.is_some_and(|end| Instant::now() >= end)
    }
}

/// The output of `future`; meanwhile the events that settle continue.
///
/// # Errors
/// Where one of them fails.
async fn meanwhile<T>(
    settling: &mut Settling<'_>,
    future: impl Future<Output = T>,
) -> Result<T, RunError> {
    let mut future = pin!(future);
    loop {
        tokio::select! {
            biased;
            output = &mut future => return Ok(output),
            Some(settled) = settling.next(), if !settling.is_empty() => settled?,
        }
    }
}

/// How many events a worker sent.
fn sent_by(done: Result<Result<usize, RunError>, JoinError>) -> Result<usize, RunError> {
    match done {
        Ok(sent) => sent,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The output of `future`; `None` once the user wants the run to stop, or its time is over.
async fn until_stopped<T>(
    run: &Run,
    end: Option<Instant>,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    // An output that is ready needs no timer.
    if let Some(output) = futures_util::FutureExt::now_or_never(future.as_mut()) {
        return Some(output);
    }
    let mut stop = run.stop.clone();
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
        output = &mut future => Some(output),
    }
}

/// When each event is due, at a constant rate.
struct SendTimes {
    began: Instant,
    rate: Option<f64>,
}

impl SendTimes {
    /// The time of event `number`, from 0; `None` where each follows the one before.
    #[allow(clippy::cast_precision_loss, reason = "a number of events")]
    fn due(&self, number: usize) -> Option<Instant> {
        let after = Duration::try_from_secs_f64(number as f64 / self.rate?).ok()?;
        self.began.checked_add(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_due_at_equal_distances() {
        let began = Instant::now();
        let times = SendTimes {
            began,
            rate: Some(4.0),
        };
        let due = [0, 1, 8].map(|number| times.due(number).expect("a time") - began);
        assert_eq!(due.map(|due| due.as_millis()), [0, 250, 2000]);
        assert_eq!(SendTimes { began, rate: None }.due(7), None);
    }
}
