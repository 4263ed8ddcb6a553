//! One event, from its registration to its verdict. Waiting for what it causes is in `waiting`.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until},
};

use super::{
    case_queue::{HeldCase, QueuedCase},
    cassettes::call_back,
    error::RunError,
    run::Run,
    tracker::TrackedEvent,
    waiting::{Waiting, millis},
    worker::{Cut, Cutoff, Worker},
};
use crate::{
    delivery::{CallbackClient, Delivery, schedule::Schedule},
    domain::outcome::{
        Awaiting, CaseName, Expected, Findings, InProgress, Observed, Outcome, Reply, WaitEnd,
        check::{self, Awaited},
    },
};

/// Whether an event has its verdict.
pub(super) enum Verdict {
    /// It has.
    Reached(Box<Outcome>),
    /// All that was waited for has happened: [`EventRun::settle`] waits until nothing more does. The
    /// next event may be sent meanwhile.
    Settling,
}

/// An event in progress.
pub(super) struct EventRun<'a> {
    run: &'a Run,
    queued: QueuedCase<HeldCase<'a>>,
    name: CaseName,
    body: Bytes,
    waiting: Waiting<'a>,
    /// The calls of providers to the skill; they end with the event.
    callbacks: JoinSet<()>,
}

/// Sends the event of a case, at `due` where it has a time, and waits for its verdict or, where events
/// may overlap, until it settles.
pub(super) async fn run_event<'a>(
    worker: &mut Worker<'a>,
    queued: QueuedCase<HeldCase<'a>>,
    due: Option<Instant>,
) -> Result<(EventRun<'a>, Verdict), RunError> {
    let (run, case) = (worker.run, &queued.case);
    let (body, names) = match worker.session {
        Some(session) => {
            let registered = session.registrar.register(case).await?;
            (registered.body, registered.names)
        }
        None => (case.captured.event.body().clone(), Arc::clone(&case.names)),
    };
    if let Some(due) = due {
        sleep_until(due.into()).await;
    }
    let now = (run.clock)();
    let sent_at = sent_at(now, due);
    let due = due.unwrap_or_else(Instant::now);
    let are_numbered = run.options.rounds.are_numbered();
    let name = CaseName {
        names,
        repeat: are_numbered.then_some(queued.round + 1),
    };
    let tracked = Arc::new(TrackedEvent::new(sent_at, due));
    if let Some(session) = worker.session {
        let id = name.names.event_id.to_string();
        session
            .tracker
            .track(id, name.clone(), Arc::clone(&tracked));
    }
    let mut event = EventRun {
        run,
        waiting: Waiting::new(run, worker.session, tracked, Arc::clone(&name.names)),
        queued,
        name,
        body,
        callbacks: JoinSet::new(),
    };
    event.begin_cassette();
    let verdict = event.send(worker, due, now).await?;
    Ok((event, verdict))
}

/// The time on the clock at the moment that `due` names, else now.
fn sent_at(now: Timestamp, due: Option<Instant>) -> Timestamp {
    let late = due.map_or(Duration::ZERO, |due| due.elapsed());
    let late = SignedDuration::try_from(late).unwrap_or_default();
    now.checked_sub(late).unwrap_or(now)
}

impl<'a> EventRun<'a> {
    async fn send(
        &mut self,
        worker: &mut Worker<'a>,
        due: Instant,
        now: Timestamp,
    ) -> Result<Verdict, RunError> {
        if let Some(session) = worker.session {
            session.deliveries.fetch_add(1, Ordering::Relaxed);
        }
        self.tracked().with(|observed| observed.sent(0.0));
        self.deliver(worker, due, now).await;
        self.send_again_while_refused(worker).await;
        self.call_back();
        if worker.session.is_none() {
            let end = worker.cutoff.by_now().map(|cut| self.waiting.end_at(cut));
            return Ok(Verdict::Reached(self.judge(&end.unwrap_or_default())));
        }
        let ended = self.wait(worker, self.run.options.may_overlap()).await?;
        let Some(mut end) = ended else {
            self.waiting.done();
            if let Some(cassettes) = &self.run.cassettes {
                cassettes.deck.settle(self.event_id());
            }
            return Ok(Verdict::Settling);
        };
        let goes_on = !matches!(end, WaitEnd::Died(_) | WaitEnd::Interrupted(_));
        if self.run.options.duplicate && goes_on {
            end = self.send_duplicate(worker).await?;
        }
        Ok(Verdict::Reached(self.judge(&end)))
    }

    /// From now on calls to providers may belong to this event.
    fn begin_cassette(&self) {
        if let Some(cassettes) = &self.run.cassettes {
            let event_id = Arc::clone(&self.name.names.event_id);
            cassettes.begin(&self.name.names.path, event_id, &self.body);
        }
    }

    /// From now on no call to a provider belongs to this event.
    fn end_cassette(&self) {
        if let Some(cassettes) = &self.run.cassettes {
            cassettes.deck.end(self.event_id());
        }
    }

    /// Starts the calls of providers to the skill, which its cassette holds.
    fn call_back(&mut self) {
        let Some(cassettes) = &self.run.cassettes else {
            return;
        };
        let callbacks = cassettes.deck.callbacks(self.event_id());
        if callbacks.is_empty() {
            return;
        }
        self.tracked()
            .with(|observed| observed.expects_callbacks(callbacks.len()));
        let tracked = Arc::clone(&self.waiting.tracked);
        let client = CallbackClient {
            http: Arc::clone(&cassettes.http),
            skill: self.run.skill.url().clone(),
            deadline: self.run.skill.deadline(),
        };
        self.callbacks.spawn(call_back(callbacks, tracked, client));
    }

    /// Waits until the event is judged; `None` where it settles and `may_overlap`.
    async fn wait(
        &mut self,
        worker: &mut Worker<'a>,
        may_overlap: bool,
    ) -> Result<Option<WaitEnd>, RunError> {
        worker.connection.release();
        self.waiting.begin();
        let Self {
            waiting,
            name,
            run,
            queued,
            ..
        } = self;
        let expected = queued.case.expected.as_ref();
        let waiting_for = || InProgress {
            case: name.clone(),
            awaiting: waiting.awaiting(expected),
            after: waiting.tracked.elapsed(),
            limit: millis(run.options.wait),
        };
        let ended = Box::pin(waiting.wait(expected, &mut worker.cutoff, may_overlap));
        worker.reports.during(ended, waiting_for).await
    }

    /// Sends the same event once more, and waits again.
    async fn send_duplicate(&mut self, worker: &mut Worker<'a>) -> Result<WaitEnd, RunError> {
        let tracked = self.tracked();
        // The skill may take as long again after its second reply.
        let went_on_for = tracked.with(|observed| observed.went_on_for());
        let now = tracked.elapsed();
        tracked.with(|observed| observed.sent_again(now));
        self.waiting.settle += went_on_for;
        self.deliver_again(worker).await;
        self.send_again_while_refused(worker).await;
        Ok(self.wait(worker, false).await?.unwrap_or_default())
    }

    /// Repeats the event after a late or non-2xx reply, as Box does, with growing pauses.
    async fn send_again_while_refused(&mut self, worker: &mut Worker<'a>) {
        let schedule = Schedule::new(self.run.options.retries);
        let mut attempt = 1;
        while let Some(back_off) = schedule.pause_after(attempt) {
            let is_good = |observed: &mut Observed| observed.reply().is_some_and(Reply::is_good);
            if self.tracked().with(is_good) {
                return;
            }
            tokio::select! {
                biased;
                _ = worker.cutoff.reached() => return,
                () = sleep(back_off) => {}
            }
            let now = self.tracked().elapsed();
            self.tracked().with(|observed| observed.sent(now));
            self.deliver_again(worker).await;
            attempt += 1;
        }
    }

    async fn deliver_again(&mut self, worker: &mut Worker<'a>) {
        self.deliver(worker, Instant::now(), (self.run.clock)())
            .await;
    }

    /// Delivers once, at `now`; the reply, or the exit of the skill, goes to the tracked event.
    async fn deliver(&mut self, worker: &mut Worker<'a>, due: Instant, now: Timestamp) {
        let Worker {
            connection,
            cutoff,
            reports,
            ..
        } = worker;
        let tracked = self.tracked();
        let delivery = Delivery {
            body: &self.body,
            captured: &self.queued.case.captured.headers,
            is_exact: self.waiting.is_without_mock() && self.run.plan.edits().is_empty(),
            due,
            now,
        };
        let waiting_for = || InProgress {
            case: self.name.clone(),
            awaiting: Awaiting::Event(Awaited::Reply),
            after: tracked.elapsed(),
            limit: millis(self.run.skill.deadline()),
        };
        let replied = std::pin::pin!(replied(connection.deliver(delivery), cutoff));
        let Some(reply) = reports.during(replied, waiting_for).await else {
            return;
        };
        let at = match &reply {
            Reply::Answered { ms, .. } => tracked.ms_until(due) + ms,
            _ => tracked.elapsed(),
        };
        tracked.with(|observed| observed.replied(reply, at));
    }

    /// Waits until nothing more happens, and judges.
    pub(super) async fn settle(&self) -> Result<Box<Outcome>, RunError> {
        let mut cutoff = Cutoff::new(self.run);
        let expected = self.queued.case.expected.as_ref();
        let end = self.waiting.wait(expected, &mut cutoff, false).await?;
        Ok(self.judge(&end.unwrap_or_default()))
    }

    fn judge(&self, end: &WaitEnd) -> Box<Outcome> {
        let observed = self.tracked().judge();
        self.end_cassette();
        let findings = Findings::from_observed(&observed);
        // What is about to be written cannot be what is compared with.
        let updated = (self.run.options.update).then(|| Expected::from_observed(&observed));
        let expected = updated.as_ref().or(self.queued.case.expected.as_ref());
        let terms = self.waiting.terms(expected);
        Box::new(Outcome {
            index: self.queued.index,
            case: self.name.clone(),
            verdicts: check::run(&observed, &findings, end, &terms),
            findings,
            has_mock: terms.has_mock,
            observed,
        })
    }

    /// The id of the event as it was sent.
    pub(super) fn event_id(&self) -> &str {
        &self.name.names.event_id
    }

    /// The file for the expected result of its case, if it has one.
    pub(super) fn expected_path(&self) -> Option<Arc<Path>> {
        self.queued.case.expected_path.clone()
    }

    fn tracked(&self) -> &TrackedEvent {
        &self.waiting.tracked
    }
}

impl Drop for EventRun<'_> {
    /// An event whose run was cancelled has no verdict.
    fn drop(&mut self) {
        self.end_cassette();
    }
}

/// The reply to a delivery; `None` where the run was interrupted before.
async fn replied(reply: impl Future<Output = Reply>, cutoff: &mut Cutoff) -> Option<Reply> {
    tokio::select! {
        biased;
        reply = reply => Some(reply),
        cut = cutoff.reached() => match cut {
            Cut::Died(how) => Some(Reply::Failed(how)),
            Cut::Interrupted => None,
        },
    }
}
