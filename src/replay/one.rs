//! One event, from its registration to its verdict.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{sleep, sleep_until};

use super::{
    boxed::BoxSide,
    engine::{Held, RunError, Shared},
    plan::Case,
    watch::Tracked,
    worker::{Worker, is_up},
};
use crate::{
    delivery::{Parcel, schedule::Schedule},
    domain::outcome::{
        CaseName, Observed, Outcome, Reply,
        check::{self, Terms},
    },
};

/// A case in its turn.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    /// The number of the case in the plan, from 0.
    pub(super) index: usize,
    /// The number of the round, from 0.
    pub(super) round: usize,
    /// The case.
    pub(super) case: Held<'a>,
    /// When it is to be sent.
    pub(super) due: Option<Instant>,
}

/// Plays one event.
pub(super) async fn play(
    shared: &Shared,
    worker: &mut Worker<'_>,
    turn: &Turn<'_>,
) -> Result<Box<Outcome>, RunError> {
    let case = &turn.case;
    let registered;
    let (body, names) = if let Some(boxed) = &shared.boxed {
        registered = boxed.register(case, shared.run.plan.edits()).await?;
        (&registered.body, &registered.names)
    } else {
        (case.captured.event.body(), &case.names)
    };
    if let Some(due) = turn.due {
        sleep_until(due.into()).await;
    }
    let now = (shared.run.clock)();
    let sent_at = sent_at(now, turn.due);
    let due = turn.due.unwrap_or_else(Instant::now);
    let are_numbered = shared.run.settings.rounds.are_numbered();
    let name = CaseName {
        names: Arc::clone(names),
        repeat: are_numbered.then_some(turn.round + 1),
    };
    let tracked = Arc::new(Tracked::new(sent_at, due));
    if let Some(boxed) = &shared.boxed {
        let id = names.event_id.to_string();
        boxed.watch.track(id, name.clone(), Arc::clone(&tracked));
    }
    let mut one = One {
        shared,
        worker,
        case,
        body,
        tracked: &tracked,
    };
    let observed = one.send_and_wait(due, now).await?;
    Ok(one.judge(turn.index, name, observed))
}

/// The time on the clock at the moment that `due` names, else now.
fn sent_at(now: Timestamp, due: Option<Instant>) -> Timestamp {
    let late = due.map_or(Duration::ZERO, |due| due.elapsed());
    let late = SignedDuration::try_from(late).unwrap_or_default();
    now.checked_sub(late).unwrap_or(now)
}

/// An event under way.
struct One<'a, 'w> {
    shared: &'a Shared,
    worker: &'a mut Worker<'w>,
    case: &'a Case,
    body: &'a Bytes,
    tracked: &'a Tracked,
}

impl One<'_, '_> {
    async fn send_and_wait(&mut self, due: Instant, now: Timestamp) -> Result<Observed, RunError> {
        let settings = &self.shared.run.settings;
        self.tracked.with(|observed| observed.sent(0.0));
        self.deliver(due, now).await;
        self.send_again_while_refused().await;
        let Some(boxed) = &self.shared.boxed else {
            return Ok(self.tracked.judge());
        };
        let settle = millis(settings.settle);
        self.wait(boxed, settle).await?;
        if settings.duplicate
            && self
                .tracked
                .with(|it| it.reply().is_some_and(Reply::is_good))
        {
            // What the Skill did after its reply it may do once more.
            let settle = settle + self.tracked.with(|observed| observed.went_on_for());
            let now = self.tracked.elapsed();
            self.tracked.with(|observed| observed.sent_again(now));
            self.deliver_now().await;
            self.send_again_while_refused().await;
            self.wait(boxed, settle).await?;
        }
        Ok(self.tracked.judge())
    }

    /// As Box does: a late or non-2xx reply, and the event comes again, later each time.
    async fn send_again_while_refused(&mut self) {
        let schedule = Schedule::new(self.shared.run.settings.retries);
        let mut attempt = 1;
        while let Some(back_off) = schedule.pause_after(attempt) {
            let is_good = self
                .tracked
                .with(|observed| observed.reply().is_some_and(Reply::is_good));
            if is_good || self.has_died() || is_up(&self.shared.run.stop) {
                return;
            }
            let mut stop = self.shared.run.stop.clone();
            tokio::select! {
                () = sleep(back_off) => {}
                Ok(_) = stop.wait_for(|stop| *stop) => return,
                _ = self.worker.death.why() => return,
            }
            let now = self.tracked.elapsed();
            self.tracked.with(|observed| observed.sent(now));
            self.deliver_now().await;
            attempt += 1;
        }
    }

    async fn deliver_now(&mut self) {
        self.deliver(Instant::now(), (self.shared.run.clock)())
            .await;
    }

    /// Delivers once, at `now`; the reply, or the death of the Skill, goes to the tracked event.
    async fn deliver(&mut self, due: Instant, now: Timestamp) {
        let parcel = Parcel {
            body: self.body,
            captured: &self.case.captured.headers,
            due,
            now,
        };
        let reply = tokio::select! {
            biased;
            reply = self.worker.runner.bring(parcel) => reply,
            why = self.worker.death.why() => Reply::Failed(why),
        };
        let at = match &reply {
            Reply::Answered { ms, .. } => self.tracked.at(due) + ms,
            _ => self.tracked.elapsed(),
        };
        self.tracked.with(|observed| observed.replied(reply, at));
    }

    /// Waits until the event is finished, or the time for its cards is over.
    async fn wait(&mut self, boxed: &BoxSide, settle: f64) -> Result<(), RunError> {
        self.worker.runner.rest();
        let tracked = self.tracked;
        let deadline = tracked.elapsed() + millis(self.shared.run.settings.wait);
        loop {
            let rung = tracked.bell.notified();
            let now = tracked.elapsed();
            let (settled, settles_at) = tracked.with(|observed| {
                (
                    observed.is_settled(now, settle),
                    observed.settles_at(settle),
                )
            });
            if settled || now >= deadline || self.has_died() {
                // Only what the stream has not told yet could change the verdict: hear it out.
                boxed.hear_out().await?;
                let now = tracked.elapsed();
                let still = tracked.with(|observed| observed.is_settled(now, settle));
                if still || now >= deadline || self.has_died() {
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
                () = rung => {}
                () = sleep(pause) => {}
                _ = self.worker.death.why() => {}
            }
        }
    }

    fn judge(&self, index: usize, case: CaseName, observed: Observed) -> Box<Outcome> {
        let settings = &self.shared.run.settings;
        let died = self.worker.death.by_now();
        let has_mock = self.shared.boxed.is_some();
        let terms = Terms {
            expected: self.case.expected.as_ref(),
            wait: millis(settings.wait),
            has_mock,
            died: died.as_deref(),
        };
        let instead = match &self.shared.boxed {
            Some(boxed) if observed.box_calls() == 0 => boxed.watch.connections(),
            _ => Vec::new(),
        };
        Box::new(Outcome {
            index,
            case,
            verdicts: check::run(&observed, &terms, &settings.off),
            instead,
            has_mock,
            observed,
        })
    }

    fn has_died(&self) -> bool {
        self.worker.death.by_now().is_some()
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
