//! A run as data: what it needs, what it reports in progress, and what it returns at its end.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{
    cassettes::Cassettes,
    mock::{Mock, Registration},
    plan::Plan,
};
use crate::{
    delivery::SkillClient,
    domain::outcome::{Check, InProgress, Outcome},
    env::{Clock, activity::Activity},
};

/// The options of a run.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Events in progress at once; at least 1.
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
    /// How long nothing may happen before an event is judged that can no longer pass.
    pub give_up: Duration,
    /// How events are registered with the mock.
    pub registration: Registration,
    /// Stop sending after the first failure.
    pub fail_fast: bool,
    /// Whether the run started the skill, with the variables that point it at the mock.
    pub is_started_here: bool,
    /// Whether the skill is stopped once it has answered, as AWS stops a function.
    pub stops_after_answer: bool,
    /// Whether the expected results of the cases are rewritten.
    pub update: bool,
    /// Whether the path of each case's `expected.json` is reported with its outcome.
    pub with_expected_path: bool,
    /// Whether warnings fail an event.
    pub strict: bool,
    /// Whether calls to providers are recorded: one event after the other, so that each call belongs to one.
    pub records: bool,
    /// Checks that are turned off.
    pub off: Vec<Check>,
}

impl RunOptions {
    /// Whether the next event may be sent while one settles. Not where the result of one decides about
    /// the next, nor where two events may have the same file or tokens.
    pub(super) fn may_overlap(&self) -> bool {
        let Registration { keep, same_file } = self.registration;
        !(self.fail_fast || self.duplicate || same_file || keep || self.records)
    }
}

/// How often the cases are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounds {
    /// So many times; at least 1.
    Times(usize),
    /// Repeatedly, until so much time has passed.
    For(Duration),
}

impl Rounds {
    /// Whether the name of an event includes the number of its round.
    pub(super) fn are_numbered(self) -> bool {
        self != Self::Times(1)
    }
}

/// What a run reports in progress.
#[derive(Debug)]
pub enum RunEvent {
    /// An event has its verdict. Where expected results are rewritten, with the path of the file
    /// that holds them, if the case has one.
    Judged(Box<Outcome>, Option<Arc<Path>>),
    /// An event is waited for; reported once a second.
    Waiting(InProgress),
}

/// Everything that a run needs.
pub struct Run {
    /// The cases.
    pub plan: Arc<Plan>,
    /// The options.
    pub options: RunOptions,
    /// The mock that plays Box, if one does.
    pub mock: Option<Mock>,
    /// The cassettes of the cases, in a run that uses them.
    pub cassettes: Option<Cassettes>,
    /// Delivers the events.
    pub skill: SkillClient,
    /// The current time.
    pub clock: Clock,
    /// When the skill last wrote output.
    pub skill_output: Activity,
    /// The reason, once the process of the skill has ended.
    pub skill_exit: watch::Receiver<Option<String>>,
    /// True once the user wants the run to stop.
    pub stop: watch::Receiver<bool>,
}

impl Run {
    /// How many events there will be; `None` where time decides.
    pub fn total(&self) -> Option<usize> {
        match self.options.rounds {
            Rounds::Times(times) => Some(self.plan.count.saturating_mul(times)),
            Rounds::For(_) => None,
        }
    }
}

/// The result of a run, besides the outcomes of its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSummary {
    /// Seconds from the first event to the last verdict.
    pub seconds: f64,
    /// What fails the run as a whole.
    pub strays: Vec<String>,
    /// Events that were not sent.
    pub left_out: usize,
    /// The first of them, by their cases.
    pub left_out_cases: Vec<String>,
}
