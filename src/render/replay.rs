//! A replay for people: a line an event, why it failed with the timeline of its calls, and the
//! summary at the end.

use super::text::{Line, Role, Text};
use crate::domain::{
    card::normalise::Difference,
    outcome::{
        Observed, Outcome, Reply, Status, Summary,
        check::{Failure, at},
    },
    stats::Quantiles,
};

/// Columns of the reply and of the status, so that the lines of a run align.
const REPLY_COLUMNS: usize = 15;
const STATUS_COLUMNS: usize = 29;
/// Lines of a timeline and of a diff that are shown.
const MOST_LINES: usize = 40;

/// The line of one event; `name_columns` is how wide the longest case name is.
pub fn line(outcome: &Outcome, name_columns: usize) -> Line {
    let verdict = if outcome.is_ok() {
        Line::new().with(Role::Good, "PASS")
    } else {
        Line::new().with(Role::Bad, "FAIL")
    };
    let name = verdict
        .plain("  ")
        .plain(&outcome.case)
        .padded(6 + name_columns);
    let reply_at = name.width() + 2 + REPLY_COLUMNS;
    let (reply, role) = reply_words(outcome.observed.reply.as_ref());
    let line = name.plain("  ").with(role, reply).padded(reply_at);
    let status_at = line.width() + 2 + STATUS_COLUMNS;
    let line = line
        .plain("  ")
        .with(Role::Plain, status_words(&outcome.observed));
    match cards_words(&outcome.observed) {
        Some(cards) => line.padded(status_at).plain("  ").with(Role::Dim, cards),
        None => line,
    }
}

fn reply_words(reply: Option<&Reply>) -> (String, Role) {
    match reply {
        Some(Reply::Answered { status, ms }) => {
            let role = if (200..300).contains(status) {
                Role::Plain
            } else {
                Role::Bad
            };
            (format!("{status} in {}", duration(*ms)), role)
        }
        Some(Reply::Late(_)) => ("no reply in time".to_owned(), Role::Bad),
        Some(Reply::Failed(_)) | None => ("no reply".to_owned(), Role::Bad),
    }
}

fn status_words(observed: &Observed) -> String {
    match (observed.status(), observed.cards_ms()) {
        (Some(status), Some(ms)) => format!("{} in {}", status.as_str(), duration(ms)),
        (None, Some(ms)) => format!("cards in {}", duration(ms)),
        _ => "no cards".to_owned(),
    }
}

fn cards_words(observed: &Observed) -> Option<String> {
    use crate::domain::card::model::{Card, Kind};
    let cards = observed.cards.as_ref()?.as_array()?;
    let kinds: Vec<&str> = cards
        .iter()
        .map(|card| Card(card).kind().map_or("unknown", Kind::as_str))
        .collect();
    Some(kinds.join(", "))
}

/// Why an event failed: each check with its reason, then the timeline.
pub fn failure(outcome: &Outcome) -> Text {
    let mut text = Text::new();
    for (check, failure) in outcome.failures() {
        text.push(
            Line::from("      ")
                .with(Role::Bad, check.as_str())
                .padded(16)
                .plain(&failure.reason),
        );
        text.append(differences(failure), 16);
    }
    if outcome.observed.box_calls() == 0 {
        text.append(no_calls(outcome), 6);
    }
    text.push(Line::from("      ").with(Role::Dim, "timeline"));
    text.append(timeline(&outcome.observed), 8);
    text
}

fn differences(failure: &Failure) -> Text {
    let mut text = Text::new();
    for difference in failure.differences.iter().take(MOST_LINES / 2) {
        let Difference {
            pointer,
            expected,
            actual,
        } = difference;
        text.push(Line::new().with(Role::Strong, pointer.as_str()));
        let shown = |value: &Option<serde_json::Value>| match value {
            Some(value) => shortened(&value.to_string()),
            None => "nothing".to_owned(),
        };
        text.push(Line::new().with(Role::Good, format!("- expected {}", shown(expected))));
        text.push(Line::new().with(Role::Bad, format!("+ found    {}", shown(actual))));
    }
    let more = failure.differences.len().saturating_sub(MOST_LINES / 2);
    if more > 0 {
        text.push(Line::new().with(Role::Dim, format!("and {more} more")));
    }
    text
}

/// Where the Skill never called: what the mock saw instead, and what to try.
fn no_calls(outcome: &Outcome) -> Text {
    let mut text = Text::new();
    if outcome.instead.is_empty() {
        text.push(
            "The skill made no call to Box that the mock saw. Does it read BOX_API_BASE_URL,",
        );
        text.push(
            "or does it run with the variables of `skillctl env`? Started with `-- COMMAND` it",
        );
        text.push("gets them by itself.");
    } else {
        text.push("The skill made no call to Box; what the mock saw instead:");
        for seen in &outcome.instead {
            text.push(Line::from("  ").plain(seen));
        }
    }
    text
}

/// The timeline of an event: reply, calls and what they were answered, in their order.
pub fn timeline(observed: &Observed) -> Text {
    let mut rows: Vec<(f64, Line)> = vec![(0.0, Line::from("event sent"))];
    match &observed.reply {
        Some(Reply::Answered { status, ms }) => {
            rows.push((*ms, Line::from(format!("the skill replies {status}"))));
        }
        Some(Reply::Late(deadline)) => {
            rows.push((
                *deadline,
                Line::new().with(Role::Bad, "no reply until here"),
            ));
        }
        _ => {}
    }
    for call in &observed.calls {
        let record = &call.record;
        let role = if record.status >= 400 {
            Role::Bad
        } else {
            Role::Plain
        };
        let mut line = Line::from(format!("{} {} ", record.method, record.target))
            .with(role, format!("{}", record.status));
        if let Some(note) = record.note.as_ref().or(record.code.as_ref()) {
            line = line.with(Role::Dim, format!("  {note}"));
        }
        if let Some(fault) = &record.fault {
            line = line.with(Role::Warn, format!("  fault {fault}"));
        }
        rows.push((call.ms, line));
    }
    rows.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let left_out = rows.len().saturating_sub(MOST_LINES) + observed.calls_left_out;
    rows.truncate(MOST_LINES);
    let mut text: Text = rows
        .into_iter()
        .map(|(ms, line)| {
            let time = at(ms);
            let blanks = " ".repeat(9_usize.saturating_sub(time.len()));
            let mut row = Line::from(blanks).with(Role::Dim, time).plain("  ");
            row.spans.extend(line.spans);
            row
        })
        .collect();
    if left_out > 0 {
        text.push(Line::new().with(Role::Dim, format!("and {left_out} more")));
    }
    text
}

/// The summary: the count, then latencies in a small table.
pub fn summary(summary: &Summary) -> Text {
    let mut text = Text::new();
    for stray in &summary.strays {
        text.push(Line::new().with(Role::Bad, "FAIL").plain("  ").plain(stray));
    }
    text.push(Line::new());
    let failed = summary.total - summary.passed;
    let mut line = Line::new()
        .with(Role::Strong, counted(summary.total, "event", "events"))
        .plain(": ")
        .with(
            if summary.passed > 0 {
                Role::Good
            } else {
                Role::Plain
            },
            format!("{} passed", summary.passed),
        );
    if failed > 0 {
        line = line.plain(", ").with(Role::Bad, format!("{failed} failed"));
    }
    if summary.left_out > 0 {
        line = line
            .plain(", ")
            .with(Role::Warn, format!("{} not sent", summary.left_out));
    }
    text.push(line.with(Role::Dim, pace(summary)));
    let rows = [
        ("reply", summary.reply.quantiles()),
        ("cards", summary.cards.quantiles()),
    ];
    if rows.iter().any(|(_, quantiles)| quantiles.count > 0) {
        text.push(Line::from(" ".repeat(7)).with(
            Role::Dim,
            format!("{:>10}{:>10}{:>10}{:>10}", "p50", "p90", "p99", "max"),
        ));
    }
    for (name, quantiles) in rows {
        if quantiles.count > 0 {
            text.push(quantile_row(name, &quantiles));
        }
    }
    text
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn pace(summary: &Summary) -> String {
    let took = duration(summary.seconds * 1000.0);
    if summary.total < 2 || summary.seconds <= 0.0 {
        return format!("  in {took}");
    }
    format!(
        "  in {took}, {:.1} events/s",
        summary.total as f64 / summary.seconds
    )
}

fn quantile_row(name: &str, quantiles: &Quantiles) -> Line {
    let Quantiles {
        p50, p90, p99, max, ..
    } = *quantiles;
    let cells: String = [p50, p90, p99, max]
        .into_iter()
        .map(|ms| format!("{:>10}", duration(ms)))
        .collect::<Vec<_>>()
        .concat();
    Line::from(format!("{name:<7}")).plain(cells)
}

/// `0.4 ms`, `12 ms`, `3.4 s`, `2 min 5 s`.
pub fn duration(ms: f64) -> String {
    match ms {
        _ if ms < 10.0 => format!("{ms:.1} ms"),
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        _ if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!(
            "{:.0} min {:.0} s",
            (ms / 60_000.0).floor(),
            (ms % 60_000.0) / 1000.0
        ),
    }
}

/// `1 event`, `2 events`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// At most 160 characters of a value.
fn shortened(text: &str) -> String {
    const MOST: usize = 160;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST - 1).collect();
    format!("{start}…")
}

/// The status, for a program: Box's word or nothing.
pub fn status_word(observed: &Observed) -> Option<&'static str> {
    observed.status().map(Status::as_str)
}
