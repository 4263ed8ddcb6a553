//! A replay for people: one line for each event, the reasons of a failure with the timeline of the
//! calls, and the summary. All of it is rendered from the records, so that reports and terminal agree.

use super::{
    calls::short_target,
    text::{Line, Role, Text},
    units::{counted, duration},
};
use crate::domain::{
    card::model::{Card, CardType},
    json::tree::Tape,
    outcome::{
        check::{Check, at},
        record::{
            CallRow, CheckRecord, DifferenceRecord, QuantilesRecord, Record, ReplyRecord,
            SummaryRecord,
        },
    },
    text::shortened,
};

/// Characters of a differing value that are shown.
const MAX_VALUE_CHARS: usize = 160;
/// Columns of the reply and of the status, so that the lines of a run align.
const REPLY_COLUMNS: usize = 15;
const STATUS_COLUMNS: usize = 18;
/// Lines of a timeline and of a diff that are shown.
const MAX_LINES: usize = 40;

/// The line of one event; `name_columns` is how wide the longest case name is. On a terminal of
/// `width` columns what does not fit behind the status is left out.
pub fn line(record: &Record, name_columns: usize, width: Option<usize>) -> Line {
    let verdict = if record.ok {
        Line::new().with(Role::Good, "PASS")
    } else {
        Line::new().with(Role::Bad, "FAIL")
    };
    let name = verdict
        .plain("  ")
        .plain(&record.case)
        .padded(6 + name_columns);
    let reply_at = name.width() + 2 + REPLY_COLUMNS;
    let (reply, role) = reply_words(record.reply.as_ref());
    let line = name.plain("  ").with(role, reply);
    if !record.mock {
        return line;
    }
    let line = line.padded(reply_at);
    let status_at = line.width() + 2 + STATUS_COLUMNS;
    let line = line.plain("  ").with(Role::Plain, status_words(record));
    let Some(cards) = cards_words(record) else {
        return line;
    };
    let full = line
        .clone()
        .padded(status_at)
        .plain("  ")
        .with(Role::Dim, cards);
    if width.is_none_or(|width| full.width() <= width) {
        full
    } else {
        line
    }
}

fn reply_words(reply: Option<&ReplyRecord>) -> (String, Role) {
    match reply {
        Some(ReplyRecord {
            status: Some(status),
            ms,
            ..
        }) => {
            let role = if (200..300).contains(status) {
                Role::Plain
            } else {
                Role::Bad
            };
            (
                format!("{status} in {}", duration(ms.unwrap_or_default())),
                role,
            )
        }
        Some(ReplyRecord { ms: Some(_), .. }) => ("no reply in time".to_owned(), Role::Bad),
        _ => ("no reply".to_owned(), Role::Bad),
    }
}

fn status_words(record: &Record) -> String {
    match (&record.status, record.cards_ms) {
        (Some(status), Some(ms)) => format!("{status} in {}", duration(ms)),
        (None, Some(ms)) => format!("cards in {}", duration(ms)),
        _ => "no cards".to_owned(),
    }
}

fn cards_words(record: &Record) -> Option<String> {
    record.cards.as_ref()?;
    let card_types: Vec<&str> = record
        .cards()
        .iter()
        .map(|card| Card(card).card_type().map_or("unknown", CardType::as_str))
        .collect();
    Some(card_types.join(", "))
}

/// Why an event failed: each check with its reason, then the course of the event.
pub fn failure(record: &Record) -> Text {
    let mut text = Text::new();
    for check in record.failures() {
        text.push(
            Line::from("      ")
                .with(Role::Bad, &check.name)
                .padded(16)
                .plain(check.reason.as_deref().unwrap_or_default()),
        );
        text.append(details(check), 16);
    }
    text.append(story(record), 0);
    text
}

/// What differs from what a check expected, and what to do about it.
pub fn details(check: &CheckRecord) -> Text {
    let mut text = differences(check);
    if !check.differences.is_empty() && check.name == Check::Expected.as_str() {
        let advice =
            "--update writes the result to expected.json; --no-check expected skips the comparison";
        text.push(Line::new().with(Role::Dim, advice));
    }
    text
}

/// The course of a failed event: what was seen where there was no call, and the timeline.
pub fn story(record: &Record) -> Text {
    let mut text = Text::new();
    if let Some(hint) = hint(record) {
        text.append(hint, 6);
    }
    text.push(Line::from("      ").with(Role::Dim, "timeline"));
    text.append(timeline(record), 8);
    text
}

/// What was seen, and what to try, where a skill that replied made no call.
pub(super) fn hint(record: &Record) -> Option<Text> {
    let is_good = record
        .reply
        .as_ref()
        .and_then(|reply| reply.status)
        .is_some_and(|status| (200..300).contains(&status));
    (record.mock && is_good && record.calls.is_empty()).then(|| no_calls(record))
}

/// The columns of an event's line, without its verdict and name.
pub(super) struct Columns {
    pub(super) reply: String,
    /// None where no mock watched.
    pub(super) status: Option<String>,
    pub(super) cards: Option<String>,
}

pub(super) fn columns(record: &Record) -> Columns {
    Columns {
        reply: reply_words(record.reply.as_ref()).0,
        status: record.mock.then(|| status_words(record)),
        cards: cards_words(record),
    }
}

fn differences(check: &CheckRecord) -> Text {
    let mut text = Text::new();
    for difference in check.differences.iter().take(MAX_LINES / 2) {
        let DifferenceRecord {
            pointer,
            expected,
            found,
        } = difference;
        let pointer = if pointer.is_empty() { "(all)" } else { pointer };
        text.push(Line::new().with(Role::Strong, pointer));
        let shown = |value: &Option<Tape<'static>>| match value {
            Some(value) => shortened(&value.to_string(), MAX_VALUE_CHARS).into_owned(),
            None => "nothing".to_owned(),
        };
        text.push(Line::new().with(Role::Good, format!("- expected {}", shown(expected))));
        text.push(Line::new().with(Role::Bad, format!("+ found    {}", shown(found))));
    }
    let more = check.differences.len().saturating_sub(MAX_LINES / 2);
    if more > 0 {
        text.push(Line::new().with(Role::Dim, format!("and {more} more")));
    }
    text
}

/// For a skill that never called Box: what the mock saw instead, and what to try.
fn no_calls(record: &Record) -> Text {
    let mut text = Text::new();
    if record.instead.is_empty() {
        text.push("The mock saw no call of the skill: it called another host, or none.");
        text.push(
            "Does it read BOX_API_BASE_URL? If Box's address is fixed in its code, start it with",
        );
        text.push(
            "`-- COMMAND` or with the variables of `skillctl env`, which point it at the mock.",
        );
        return text;
    }
    text.push("The skill made no call to Box. The mock saw instead:");
    for seen in &record.instead {
        text.push(Line::from("  ").plain(&seen.text));
    }
    let mut given = Vec::new();
    for seen in &record.instead {
        let lines = advice(&seen.kind);
        if lines.is_empty() || given.contains(&lines) {
            continue;
        }
        for (nth, words) in lines.iter().enumerate() {
            let start = if nth == 0 { "  try: " } else { "       " };
            text.push(Line::new().with(Role::Accent, start).plain(*words));
        }
        given.push(lines);
    }
    text
}

/// What to try, by what the mock saw, in lines.
fn advice(kind: &str) -> &'static [&'static str] {
    match kind {
        "tls-failed" => &[
            "start the skill with `-- COMMAND`, or with the variables of `skillctl env`: they make it",
            "trust the mock's certificate. A client with its own list of certificates needs the file that",
            "SSL_CERT_FILE names (for Node: NODE_EXTRA_CA_CERTS).",
        ],
        "other-host" => &[
            "check which host the skill calls: calls to Box's hosts reach the mock, others pass through.",
        ],
        "egress-refused" | "egress-failed" => &[
            "check whether the skill needs that host before it calls Box, and whether it can be reached.",
        ],
        "malformed" => &["use HTTP/1.1 with the mock, with or without TLS."],
        "browser-refused" => &[
            "call the mock as 127.0.0.1, localhost or a name without a dot, or start it with --allow-host.",
        ],
        "timed-out" => &["look for a call whose head is not sent to its end."],
        _ => &[],
    }
}

/// The timeline of an event: deliveries, replies, calls and what they were answered, in order.
pub fn timeline(record: &Record) -> Text {
    let mut rows = deliveries(record);
    rows.extend(
        record
            .calls
            .iter()
            .map(|call| (call.at_ms, call_line(call))),
    );
    rows.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let left_out = rows.len().saturating_sub(MAX_LINES) + record.calls_left_out;
    rows.truncate(MAX_LINES);
    let mut text: Text = rows
        .into_iter()
        .map(|(ms, line)| {
            let time = at(ms);
            let blanks = " ".repeat(9_usize.saturating_sub(time.len()));
            let mut row = Line::from(blanks).with(Role::Dim, time).plain("  ");
            row.append(&line);
            row
        })
        .collect();
    if left_out > 0 {
        text.push(Line::new().with(Role::Dim, format!("and {left_out} more")));
    }
    text
}

fn deliveries(record: &Record) -> Vec<(f64, Line)> {
    let mut rows = Vec::new();
    if record.deliveries.is_empty() {
        rows.push((0.0, Line::from("event sent")));
        rows.extend(record.reply.as_ref().and_then(|reply| replied(reply, 0.0)));
    }
    for (number, delivery) in record.deliveries.iter().enumerate() {
        let what = match (number, delivery.duplicate) {
            (0, _) => "event sent",
            (_, true) => "the same event sent once more",
            (_, false) => "event sent again",
        };
        rows.push((delivery.at_ms, Line::from(what)));
        let reply = delivery.reply.as_ref();
        rows.extend(reply.and_then(|reply| replied(reply, delivery.at_ms)));
    }
    rows
}

fn replied(reply: &ReplyRecord, sent: f64) -> Option<(f64, Line)> {
    let at = sent + reply.ms?;
    Some(match reply.status {
        Some(status) => (at, Line::from(format!("the skill replies {status}"))),
        None => (at, Line::new().with(Role::Bad, "no reply until here")),
    })
}

fn call_line(call: &CallRow) -> Line {
    let role = if call.status >= 400 {
        Role::Bad
    } else {
        Role::Plain
    };
    let status = match call.status {
        0 => "broken off".to_owned(),
        status => status.to_string(),
    };
    let target = short_target(&call.target);
    let mut line = Line::from(format!("{} {target} ", call.method)).with(role, status);
    if let Some(note) = call.note.as_ref().or(call.code.as_ref()) {
        line = line.with(Role::Dim, format!("  {note}"));
    }
    if let Some(fault) = &call.fault {
        line = line.with(Role::Warn, format!("  fault {fault}"));
    }
    line
}

/// The summary: the count, then latencies in a small table.
pub fn summary(summary: &SummaryRecord) -> Text {
    let mut text = Text::new();
    for stray in &summary.strays {
        text.push(Line::new().with(Role::Bad, "FAIL").plain("  ").plain(stray));
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
