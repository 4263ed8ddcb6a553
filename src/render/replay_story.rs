//! The course of one event in a replay: the timeline, what was seen where there was no call, and what
//! is waited for while it is in progress.

use super::{
    calls::short_target,
    text::{Line, Role, Text},
    units::duration,
};
use crate::domain::outcome::{
    Awaiting, InProgress, at,
    check::Awaited,
    record::{CallRow, ConnectionRow, Record, ReplyRecord},
};

/// Lines of a timeline that are shown.
const MAX_LINES: usize = 40;

/// What is waited for: `waiting 3.0 s of 10 s for the reply: case`. A narrow terminal cuts the end off.
pub fn waiting(event: &InProgress) -> String {
    let what = match event.awaiting {
        Awaiting::Event(Awaited::Reply) => "the reply",
        Awaiting::Event(Awaited::Cards) => "cards",
        Awaiting::Event(Awaited::FinalStatus) => "a final status",
        Awaiting::Event(Awaited::Metadata) => "metadata",
        Awaiting::Event(Awaited::OpenCall) => "the end of a call to Box",
        Awaiting::Event(Awaited::Callback) => "a provider's call back to the skill",
        Awaiting::Silence => {
            return format!(
                "waiting {} until nothing more happens: {}",
                duration(event.after),
                event.case
            );
        }
    };
    format!(
        "waiting {} of {} for {what}: {}",
        duration(event.after),
        duration(event.limit),
        event.case
    )
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

/// What was seen, and what to try, where a skill opened connections and made no call to Box.
pub(super) fn hint(record: &Record) -> Option<Text> {
    (record.calls.is_empty() && others(record).next().is_some()).then(|| no_calls(record))
}

/// Connections without the calls to providers that a cassette answers or lacks: the check `providers` names
/// those.
fn others(record: &Record) -> impl Iterator<Item = &ConnectionRow> {
    let is_provider = |kind: &str| matches!(kind, "provider" | "provider-missing");
    record
        .connections
        .iter()
        .filter(move |seen| !is_provider(&seen.kind))
}

/// For a skill that never called Box: what the mock saw instead, and what to try.
fn no_calls(record: &Record) -> Text {
    let mut text = Text::new();
    text.push("The skill made no call to Box. The mock saw instead:");
    let mut texts: Vec<&str> = Vec::new();
    for seen in others(record) {
        if !texts.contains(&seen.text.as_str()) {
            texts.push(&seen.text);
            text.push(Line::from("  ").plain(&seen.text));
        }
    }
    let mut given = Vec::new();
    for seen in others(record) {
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
            "make the client trust the mock's certificate. `-- COMMAND` and `skillctl env` set variables",
            "that most clients read; one with its own list of certificates needs the file in SSL_CERT_FILE.",
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
        "timed-out" => &["check whether the skill sends the whole head of each request."],
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
    rows.extend(
        record
            .connections
            .iter()
            .map(|seen| (seen.at_ms, connection_line(seen))),
    );
    rows.extend(record.callbacks.iter().map(|callback| {
        let (role, how) = match (callback.reply.status, &callback.reply.error) {
            (Some(status @ 200..=299), _) => (Role::Plain, status.to_string()),
            (Some(status), _) => (Role::Bad, status.to_string()),
            (None, error) => (Role::Bad, error.clone().unwrap_or_default()),
        };
        let words = format!(
            "the provider calls back: {}, answered {how}",
            callback.target
        );
        (callback.at_ms, Line::new().with(role, words))
    }));
    rows.extend(record.cut_off.iter().map(|call| {
        let words = format!("a call to Box ({}) is cut off", call.operation);
        (call.at_ms, Line::new().with(Role::Bad, words))
    }));
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

/// A connection that did not become a call to Box. Hosts that were reached are dimmed: they are part
/// of what the skill does.
fn connection_line(seen: &ConnectionRow) -> Line {
    let role = if matches!(seen.kind.as_str(), "other-host" | "provider") {
        Role::Dim
    } else {
        Role::Bad
    };
    Line::new().with(role, &seen.text)
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
        0 => "connection broken".to_owned(),
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
