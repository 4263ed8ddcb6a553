//! Waiting for what an event causes, until it can be judged: it is finished, it can no longer pass,
//! its time is over, or the run ends.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    error::RunError,
    mock_session::MockSession,
    run::Run,
    tracker::TrackedEvent,
    worker::{Cut, Cutoff},
};
use crate::domain::{
    cassette::deck::Mode,
    outcome::{
        Awaiting, Expected, Millis, Names, Terms, WaitEnd,
        check::{self, Phase},
    },
};

/// What an event waits with.
pub(super) struct Waiting<'a> {
    run: &'a Run,
    session: Option<&'a MockSession>,
    pub(super) tracked: Arc<TrackedEvent>,
    names: Arc<Names>,
    /// How long nothing may happen before the event is finished.
    pub(super) settle: Millis,
    /// When the time for its cards is over.
    deadline: Millis,
    /// The deliveries of the run when this event was done, where the next one may be sent.
    done_at: Option<usize>,
}

/// What is next for an event.
enum Step {
    /// It is judged.
    End(WaitEnd),
    /// It is done, and settles until then.
    Settle(Millis),
    /// It waits, at most until then.
    Until(Millis),
}

impl<'a> Waiting<'a> {
    pub(super) fn new(
        run: &'a Run,
        session: Option<&'a MockSession>,
        tracked: Arc<TrackedEvent>,
        names: Arc<Names>,
    ) -> Self {
        Self {
            run,
            session,
            tracked,
            names,
            settle: millis(run.options.settle),
            deadline: Millis::INFINITY,
            done_at: None,
        }
    }

    /// Whether no mock observes the event.
    pub(super) fn is_without_mock(&self) -> bool {
        self.session.is_none()
    }

    /// The time for the cards begins.
    pub(super) fn begin(&mut self) {
        self.deadline = self.tracked.elapsed() + millis(self.run.options.wait);
    }

    /// The event is done: other events may be delivered from now on.
    pub(super) fn done(&mut self) {
        self.done_at = self.deliveries();
    }

    /// What the checks and the waiting need besides what was observed.
    pub(super) fn terms<'t>(&'t self, expected: Option<&'t Expected>) -> Terms<'t> {
        let options = &self.run.options;
        Terms {
            event_id: &self.names.event_id,
            file_id: &self.names.file_id,
            expected,
            off: &options.off,
            has_mock: self.session.is_some(),
            has_cassette: self.has_cassette(),
            has_open_provider_calls: self.has_open_provider_calls(),
            wants_duplicate: options.duplicate,
            is_strict: options.strict,
            is_signed: self.run.skill.is_signed(),
            skill_path: self.run.skill.url().path(),
            has_strays: self.session.is_some_and(|it| it.tracker.has_strays()),
            is_started_here: options.is_started_here,
            stops_after_answer: options.stops_after_answer,
            settle: self.settle,
            give_up: millis(options.give_up),
        }
    }

    /// Whether calls to providers are answered from the cassette of the case.
    fn has_cassette(&self) -> bool {
        let cassettes = self.run.cassettes.as_ref();
        cassettes.is_some_and(|it| it.of_case(&self.names.path).mode == Mode::Replay)
    }

    /// Whether a call to a provider has no whole answer yet.
    fn has_open_provider_calls(&self) -> bool {
        let cassettes = self.run.cassettes.as_ref();
        cassettes.is_some_and(|it| it.deck.has_open_calls(&self.names.event_id))
    }

    /// Waits until the event is judged. With `until_done`, returns `None` as soon as it settles.
    pub(super) async fn wait(
        &self,
        expected: Option<&Expected>,
        cutoff: &mut Cutoff,
        until_done: bool,
    ) -> Result<Option<WaitEnd>, RunError> {
        let Some(session) = self.session else {
            return Ok(Some(WaitEnd::Settled));
        };
        loop {
            let changed = self.tracked.changed.notified();
            match self.step(expected, cutoff) {
                Step::Settle(_) if until_done => return Ok(None),
                Step::End(_) => {
                    // What the stream has not delivered yet could still change the verdict.
                    session.tracker.catch_up().await?;
                    if let Step::End(end) = self.step(expected, cutoff) {
                        return Ok(Some(end));
                    }
                }
                Step::Settle(until) | Step::Until(until) => {
                    let pause = until - self.tracked.elapsed();
                    tokio::select! {
                        () = changed => {}
                        () = sleep(Duration::from_secs_f64(pause.max(1.0) / 1000.0)) => {}
                        _ = cutoff.reached() => {}
                    }
                }
            }
        }
    }

    /// What the event waits for, for people.
    pub(super) fn awaiting(&self, expected: Option<&Expected>) -> Awaiting {
        match self.phase(expected) {
            Phase::Waiting(awaited) => Awaiting::Event(awaited),
            Phase::Done(_) | Phase::GivingUp(_) | Phase::Stopped => Awaiting::Silence,
        }
    }

    fn phase(&self, expected: Option<&Expected>) -> Phase {
        let terms = self.terms(expected);
        self.tracked.with(|observed| check::phase(observed, &terms))
    }

    fn step(&self, expected: Option<&Expected>, cutoff: &Cutoff) -> Step {
        let phase = self.phase(expected);
        if let Some(cut) = cutoff.by_now() {
            let is_charged = match (&cut, phase) {
                // The event had ended well before.
                (Cut::Interrupted, Phase::Done(_)) => false,
                (Cut::Died(_), _) => !self.is_superseded(),
                (Cut::Interrupted, _) => true,
            };
            return Step::End(if is_charged {
                self.end_at(cut)
            } else {
                WaitEnd::Settled
            });
        }
        let now = self.tracked.elapsed();
        let (activity, connection) = self
            .tracked
            .with(|observed| (observed.last_activity(), observed.last_connection()));
        match phase {
            Phase::Stopped => Step::End(WaitEnd::Stopped),
            Phase::Done(quiet) if now - activity >= quiet => Step::End(WaitEnd::Settled),
            Phase::GivingUp(quiet) if now - self.last_sign(activity, connection) >= quiet => {
                Step::End(WaitEnd::Silence(quiet))
            }
            _ if now >= self.deadline => {
                Step::End(WaitEnd::Deadline(millis(self.run.options.wait)))
            }
            Phase::Done(quiet) => Step::Settle((activity + quiet).min(self.deadline)),
            Phase::GivingUp(quiet) => {
                let judged_at = self.last_sign(activity, connection) + quiet;
                Step::Until(judged_at.min(self.deadline))
            }
            Phase::Waiting(_) => Step::Until(self.deadline),
        }
    }

    /// The last sign of the skill: what it did to this event, a connection, or its output.
    fn last_sign(&self, activity: Millis, connection: Millis) -> Millis {
        let output = self.tracked.ms_until(self.run.skill_output.last());
        activity.max(connection).max(output)
    }

    /// Whether another event was delivered after this one was done: the end of the skill's process is
    /// then charged to that one.
    fn is_superseded(&self) -> bool {
        self.done_at.is_some() && self.done_at < self.deliveries()
    }

    fn deliveries(&self) -> Option<usize> {
        self.session
            .map(|session| session.deliveries.load(Ordering::Relaxed))
    }

    /// How the waiting ends for this reason, now.
    pub(super) fn end_at(&self, cut: Cut) -> WaitEnd {
        match cut {
            Cut::Died(how) => WaitEnd::Died(how),
            Cut::Interrupted => WaitEnd::Interrupted(self.tracked.elapsed()),
        }
    }
}

pub(super) fn millis(duration: Duration) -> Millis {
    duration.as_secs_f64() * 1000.0
}
