//! One event, from its registration to its verdict.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{sleep, sleep_until};

use super::{
    case_queue::{HeldCase, QueuedCase},
    error::RunError,
    mock_session::MockSession,
    plan::Case,
    tracker::TrackedEvent,
    worker::{Worker, is_set},
};
use crate::{
    delivery::{Delivery, schedule::Schedule},
    domain::outcome::{
        CaseName, Observed, Outcome, Reply,
        check::{self, Terms},
    },
};

/// Sends the event of a case, at `due` where it has a time, and returns its outcome.
pub(super) async fn run_event(
    worker: &mut Worker<'_>,
    queued: &QueuedCase<HeldCase<'_>>,
    due: Option<Instant>,
) -> Result<Box<Outcome>, RunError> {
    let (run, case) = (worker.run, &queued.case);
    let registered;
    let (body, names) = if let Some(session) = worker.session {
        registered = session.registrar.register(case).await?;
        (&registered.body, &registered.names)
    } else {
        (case.captured.event.body(), &case.names)
    };
    if let Some(due) = due {
        sleep_until(due.into()).await;
    }
    let now = (run.clock)();
    let sent_at = sent_at(now, due);
    let due = due.unwrap_or_else(Instant::now);
    let are_numbered = run.options.rounds.are_numbered();
    let name = CaseName {
        names: Arc::clone(names),
        repeat: are_numbered.then_some(queued.round + 1),
    };
    let tracked = Arc::new(TrackedEvent::new(sent_at, due));
    if let Some(session) = worker.session {
        let id = names.event_id.to_string();
        session
            .tracker
            .track(id, name.clone(), Arc::clone(&tracked));
    }
    let mut event = EventRun {
        worker,
        case,
        body,
        tracked: &tracked,
    };
    let observed = event.send_and_wait(due, now).await?;
    Ok(event.judge(queued.index, name, observed))
}

/// The time on the clock at the moment that `due` names, else now.
fn sent_at(now: Timestamp, due: Option<Instant>) -> Timestamp {
    let late = due.map_or(Duration::ZERO, |due| due.elapsed());
    let late = SignedDuration::try_from(late).unwrap_or_default();
    now.checked_sub(late).unwrap_or(now)
}

/// An event in progress.
struct EventRun<'a, 'w> {
    worker: &'a mut Worker<'w>,
    case: &'a Case,
    body: &'a Bytes,
    tracked: &'a TrackedEvent,
}

impl EventRun<'_, '_> {
    async fn send_and_wait(&mut self, due: Instant, now: Timestamp) -> Result<Observed, RunError> {
        let options = &self.worker.run.options;
        self.tracked.with(|observed| observed.sent(0.0));
        self.deliver(due, now).await;
        self.send_again_while_refused().await;
        let Some(session) = self.worker.session else {
            return Ok(self.tracked.judge());
        };
        let settle = millis(options.settle);
        self.wait(session, settle).await?;
        if options.duplicate
            && self
                .tracked
                .with(|it| it.reply().is_some_and(Reply::is_good))
        {
            // The Skill may take as long again after its second reply.
            let settle = settle + self.tracked.with(|observed| observed.went_on_for());
            let now = self.tracked.elapsed();
            self.tracked.with(|observed| observed.sent_again(now));
            self.deliver_again().await;
            self.send_again_while_refused().await;
            self.wait(session, settle).await?;
        }
        Ok(self.tracked.judge())
    }

    /// Repeats the event after a late or non-2xx reply, as Box does, with growing pauses.
    async fn send_again_while_refused(&mut self) {
        let schedule = Schedule::new(self.worker.run.options.retries);
        let mut attempt = 1;
        while let Some(back_off) = schedule.pause_after(attempt) {
            let is_good = self
                .tracked
                .with(|observed| observed.reply().is_some_and(Reply::is_good));
            if is_good || self.has_exited() || is_set(&self.worker.run.stop) {
                return;
            }
            let mut stop = self.worker.run.stop.clone();
            tokio::select! {
                () = sleep(back_off) => {}
                Ok(_) = stop.wait_for(|stop| *stop) => return,
                _ = self.worker.skill_exit.reason() => return,
            }
            let now = self.tracked.elapsed();
            self.tracked.with(|observed| observed.sent(now));
            self.deliver_again().await;
            attempt += 1;
        }
    }

    async fn deliver_again(&mut self) {
        self.deliver(Instant::now(), (self.worker.run.clock)())
            .await;
    }

    /// Delivers once, at `now`; the reply, or the exit of the Skill, goes to the tracked event.
    async fn deliver(&mut self, due: Instant, now: Timestamp) {
        let delivery = Delivery {
            body: self.body,
            captured: &self.case.captured.headers,
            due,
            now,
        };
        let reply = tokio::select! {
            biased;
            reply = self.worker.connection.deliver(delivery) => reply,
            reason = self.worker.skill_exit.reason() => Reply::Failed(reason),
        };
        let at = match &reply {
            Reply::Answered { ms, .. } => self.tracked.ms_until(due) + ms,
            _ => self.tracked.elapsed(),
        };
        self.tracked.with(|observed| observed.replied(reply, at));
    }

    /// Waits until the event has settled, or the time for its cards is over.
    async fn wait(&mut self, session: &MockSession, settle: f64) -> Result<(), RunError> {
        self.worker.connection.release();
        let tracked = self.tracked;
        let deadline = tracked.elapsed() + millis(self.worker.run.options.wait);
        loop {
            let changed = tracked.changed.notified();
            let now = tracked.elapsed();
            let (settled, settles_at) = tracked.with(|observed| {
                (
                    observed.is_settled(now, settle),
                    observed.settles_at(settle),
                )
            });
            if settled || now >= deadline || self.has_exited() {
                // What the stream has not delivered yet could still change the verdict.
                session.tracker.catch_up().await?;
                let now = tracked.elapsed();
                let still = tracked.with(|observed| observed.is_settled(now, settle));
                if still || now >= deadline || self.has_exited() {
                    return Ok(());
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
                () = changed => {}
                () = sleep(pause) => {}
                _ = self.worker.skill_exit.reason() => {}
            }
        }
    }

    fn judge(&self, index: usize, case: CaseName, observed: Observed) -> Box<Outcome> {
        let options = &self.worker.run.options;
        let died = self.worker.skill_exit.reason_by_now();
        let has_mock = self.worker.session.is_some();
        let terms = Terms {
            expected: self.case.expected.as_ref(),
            wait: millis(options.wait),
            has_mock,
            died: died.as_deref(),
        };
        let instead = match self.worker.session {
            Some(session) if observed.box_calls() == 0 => session.tracker.connections(),
            _ => Vec::new(),
        };
        Box::new(Outcome {
            index,
            case,
            verdicts: check::run(&observed, &terms, &options.off),
            instead,
            has_mock,
            observed,
        })
    }

    fn has_exited(&self) -> bool {
        self.worker.skill_exit.reason_by_now().is_some()
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
