//! A summary as a record, as `--format json` and the JSON report hold it. docs/reports.md describes it for
//! others.

use serde::{Deserialize, Serialize};

use super::{
    judged::Summary,
    record::{Record, is_zero, rounded},
};
use crate::domain::stats::{Latencies, Quantiles};

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryRecord {
    /// Whether everything passed.
    pub ok: bool,
    /// Events that were judged.
    pub total: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that did not.
    pub failed: usize,
    /// Those with warnings.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warned: usize,
    /// Events that were not sent, because the run was interrupted or stopped at a failure.
    pub not_sent: usize,
    /// The first of them, by their cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_sent_cases: Vec<String>,
    /// Whether the user ended it.
    #[serde(default)]
    pub interrupted: bool,
    /// Seconds from the first event to the last verdict.
    pub seconds: f64,
    /// The time to the reply.
    pub reply_ms: Option<QuantilesRecord>,
    /// The time to the last card.
    pub cards_ms: Option<QuantilesRecord>,
    /// What fails the run as a whole.
    pub strays: Vec<String>,
}

/// Latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuantilesRecord {
    /// How many there were.
    pub count: u64,
    /// Half of them were at most this long.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl SummaryRecord {
    /// The latencies for a table, by name. Empty for fewer than ten events, whose quantiles say
    /// nothing that the lines of the events do not.
    pub fn latencies(&self) -> Vec<(&'static str, QuantilesRecord)> {
        const MIN_EVENTS: usize = 10;
        if self.total < MIN_EVENTS {
            return Vec::new();
        }
        [("reply", self.reply_ms), ("cards", self.cards_ms)]
            .into_iter()
            .filter_map(|(name, quantiles)| Some((name, quantiles?)))
            .collect()
    }

    /// The record of a summary.
    pub fn from_summary(summary: &Summary) -> Self {
        Self {
            ok: summary.is_ok(),
            total: summary.total,
            passed: summary.passed,
            failed: summary.total - summary.passed,
            warned: summary.warned,
            not_sent: summary.left_out,
            not_sent_cases: summary.left_out_cases.clone(),
            interrupted: summary.interrupted,
            seconds: rounded(summary.seconds),
            reply_ms: quantiles(&summary.reply),
            cards_ms: quantiles(&summary.cards),
            strays: summary.strays.clone(),
        }
    }
}

impl Summary {
    /// Counts the record of an outcome.
    pub fn count_record(&mut self, record: &Record) {
        self.total += 1;
        self.passed += usize::from(record.ok);
        self.warned += usize::from(!record.warnings.is_empty());
        let reply = record.reply.as_ref();
        if let Some(ms) = reply.filter(|it| it.status.is_some()).and_then(|it| it.ms) {
            self.reply.record(ms);
        }
        if let Some(ms) = record.cards_ms {
            self.cards.record(ms);
        }
    }

    /// Adds the summary of another run; its outcomes are counted one by one.
    pub fn add(&mut self, record: &SummaryRecord) {
        self.left_out += record.not_sent;
        self.left_out_cases
            .extend(record.not_sent_cases.iter().cloned());
        self.interrupted |= record.interrupted;
        // Shards run in parallel.
        self.seconds = self.seconds.max(record.seconds);
        self.strays.extend(record.strays.iter().cloned());
    }
}

fn quantiles(latencies: &Latencies) -> Option<QuantilesRecord> {
    let Quantiles {
        count,
        p50,
        p90,
        p99,
        max,
    } = latencies.quantiles();
    (count > 0).then(|| QuantilesRecord {
        count,
        p50: rounded(p50),
        p90: rounded(p90),
        p99: rounded(p99),
        max: rounded(max),
    })
}
