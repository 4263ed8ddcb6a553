//! The end of a replay: what fails the run as a whole, the counts, and the latencies.

use super::{
    text::{Line, Role, Text},
    units::{counted, duration},
};
use crate::domain::outcome::summary_record::{QuantilesRecord, SummaryRecord};

/// The summary: the count, then latencies in a small table.
pub fn summary(summary: &SummaryRecord) -> Text {
    let mut text = Text::new();
    for stray in &summary.strays {
        text.push(Line::new().with(Role::Bad, "FAIL").plain("  ").plain(stray));
    }
    if !summary.not_sent_cases.is_empty() {
        let names = summary.not_sent_cases.join(", ");
        let more = match summary.not_sent - summary.not_sent_cases.len().min(summary.not_sent) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push(Line::new().with(Role::Warn, format!("not sent: {names}{more}")));
    }
    text.push(Line::new());
    text.push(counts(summary).with(Role::Dim, pace(summary)));
    let rows = summary.latencies();
    if !rows.is_empty() {
        text.push(Line::from(" ".repeat(7)).with(
            Role::Dim,
            format!("{:>10}{:>10}{:>10}{:>10}", "p50", "p90", "p99", "max"),
        ));
    }
    for (name, quantiles) in rows {
        text.push(quantile_row(name, &quantiles));
    }
    text
}

/// `3 events: 2 passed, 1 failed`.
pub fn counts(summary: &SummaryRecord) -> Line {
    let passed_role = if summary.passed > 0 {
        Role::Good
    } else {
        Role::Plain
    };
    let mut line = Line::new()
        .with(Role::Strong, counted(summary.total, "event", "events"))
        .plain(": ")
        .with(passed_role, format!("{} passed", summary.passed));
    if summary.failed > 0 {
        line = line
            .plain(", ")
            .with(Role::Bad, format!("{} failed", summary.failed));
    }
    if summary.warned > 0 {
        line = line
            .plain(", ")
            .with(Role::Warn, format!("{} with warnings", summary.warned));
    }
    if summary.not_sent > 0 {
        line = line
            .plain(", ")
            .with(Role::Warn, format!("{} not sent", summary.not_sent));
    }
    if summary.interrupted {
        line = line.plain(", ").with(Role::Warn, "interrupted");
    }
    line
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn pace(summary: &SummaryRecord) -> String {
    let took = duration(summary.seconds * 1000.0);
    if summary.total < 2 || summary.seconds <= 0.0 {
        return format!(" in {took}");
    }
    format!(
        " in {took}, {:.1} events/s",
        summary.total as f64 / summary.seconds
    )
}

fn quantile_row(name: &str, quantiles: &QuantilesRecord) -> Line {
    let QuantilesRecord {
        p50, p90, p99, max, ..
    } = *quantiles;
    let cells: String = [p50, p90, p99, max]
        .into_iter()
        .map(|ms| format!("{:>10}", duration(ms)))
        .collect::<Vec<_>>()
        .concat();
    Line::from(format!("{name:<7}")).plain(cells)
}
