//! Events with the results of their checks, and the totals of a run.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use super::{
    findings::Findings,
    observed::{Observed, Reply},
    verdicts::{Check, Failure, Verdicts},
};
use crate::domain::stats::Latencies;

/// What an event and its case are called.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// The path of the case.
    pub path: Arc<str>,
    /// The invocation's id as it is sent.
    pub event_id: Arc<str>,
    /// The file's id as it is sent.
    pub file_id: Arc<str>,
}

/// What an event is called in a run: as its case, with the number of the repeat where there are
/// several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseName {
    /// Shared, where every repeat is the same.
    pub names: Arc<Names>,
    /// The number of the repeat, from 1.
    pub repeat: Option<usize>,
}

impl CaseName {
    /// Its text. A run of a million events makes a million, so it is allocated once, at its size.
    pub fn text(&self) -> String {
        /// Bytes for the number of a repeat.
        const REPEAT_BYTES: usize = 12;
        let mut text = String::with_capacity(self.names.path.len() + REPEAT_BYTES);
        text.push_str(&self.names.path);
        if let Some(repeat) = self.repeat {
            // Writing to a string cannot fail.
            let _ = write!(text, " #{repeat}");
        }
        text
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

/// One event, judged. Its names are shared with its case: an outcome is made on one thread and
/// rendered on another, where freeing its parts would be expensive.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The number of the case in the plan, from 0.
    pub index: usize,
    /// The case.
    pub case: CaseName,
    /// What was seen.
    pub observed: Observed,
    /// The checks.
    pub verdicts: Verdicts,
    /// The findings in its final state.
    pub findings: Findings,
    /// Whether there was a mock to see what the Skill does.
    pub has_mock: bool,
}

impl Outcome {
    /// Whether every check passed.
    pub fn is_ok(&self) -> bool {
        self.verdicts.is_ok()
    }

    /// The checks that failed, with why.
    pub fn failures(&self) -> impl Iterator<Item = (Check, &Failure)> {
        self.verdicts.failures()
    }
}

/// A whole run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Events that were judged.
    pub total: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those with warnings.
    pub warned: usize,
    /// The time to the reply.
    pub reply: Latencies,
    /// The time to the last card.
    pub cards: Latencies,
    /// Seconds from the first event to the last verdict.
    pub seconds: f64,
    /// What fails the run as a whole: calls with unknown tokens, what happened after a verdict.
    pub strays: Vec<String>,
    /// Events that were not sent because the run was interrupted or stopped at a failure.
    pub left_out: usize,
    /// The first of them, by their cases.
    pub left_out_cases: Vec<String>,
    /// Whether the user ended it.
    pub interrupted: bool,
}

impl Summary {
    /// Counts an outcome.
    pub fn count(&mut self, outcome: &Outcome) {
        self.total += 1;
        self.passed += usize::from(outcome.is_ok());
        self.warned += usize::from(outcome.findings.has_warnings());
        if let Some(Reply::Answered { ms, .. }) = outcome.observed.reply() {
            self.reply.record(*ms);
        }
        if let Some(ms) = outcome.observed.cards_ms() {
            self.cards.record(ms);
        }
    }

    /// Whether everything passed.
    pub fn is_ok(&self) -> bool {
        self.passed == self.total && self.strays.is_empty()
    }
}
