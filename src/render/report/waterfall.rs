//! The waterfall of an event: its deliveries and calls as rows with a bar from their beginning to
//! their end. Drawn with SVG, so that it needs no inline style.

use maud::{Markup, html};

use crate::{
    domain::notice::AnsweredFrom,
    domain::outcome::{
        at,
        record::{CallRow, CallbackRow, ConnectionRow, DeliveryRecord, Record, ReplyRecord},
    },
    render::{calls::short_target, cards::html::shown, units::duration},
};

/// Rows that are shown.
const MAX_ROWS: usize = 100;
/// The width of the drawing, in units of its own.
const WIDTH: f64 = 1000.0;
/// The narrowest bar, so that every one is seen.
const MIN_BAR: f64 = 4.0;

/// One row.
struct Row {
    at_ms: f64,
    ms: f64,
    what: String,
    result: String,
    detail: String,
    is_bad: bool,
    is_call: bool,
}

/// The waterfall of an event.
pub(super) fn waterfall(record: &Record) -> Markup {
    let mut rows: Vec<Row> = if record.deliveries.is_empty() {
        vec![sent("event sent", 0.0, record.reply.as_ref())]
    } else {
        record.deliveries.iter().enumerate().map(delivery).collect()
    };
    rows.extend(record.calls.iter().map(call));
    rows.extend(record.connections.iter().filter_map(provider_call));
    rows.extend(record.callbacks.iter().map(callback));
    rows.sort_by(|left, right| left.at_ms.total_cmp(&right.at_ms));
    let end = rows
        .iter()
        .map(|row| row.at_ms + row.ms)
        .fold(1.0, f64::max);
    let left_out = rows.len().saturating_sub(MAX_ROWS) + record.calls_left_out;
    html! {
        ol .waterfall aria-label="Timeline" {
            @for row in rows.iter().take(MAX_ROWS) { (drawn(row, end)) }
        }
        @if left_out > 0 { p .quiet { "and " (left_out) " more" } }
    }
}

fn drawn(row: &Row, end: f64) -> Markup {
    let left = row.at_ms / end * (WIDTH - MIN_BAR);
    let width = (row.ms / end * WIDTH).clamp(MIN_BAR, WIDTH - left);
    html! {
        li .row .bad[row.is_bad] .delivery[!row.is_call] {
            span .at { (at(row.at_ms)) }
            span .what {
                (shown(&row.what)) " "
                b { (row.result) }
                @if !row.detail.is_empty() { " " span .quiet { (shown(&row.detail)) } }
            }
            span .ms { (duration(row.ms)) }
            svg .bar viewBox=(format!("0 0 {WIDTH} 8")) preserveAspectRatio="none" aria-hidden="true" {
                rect x=(format!("{left:.1}")) width=(format!("{width:.1}")) height="8" {}
            }
        }
    }
}

fn delivery((number, delivery): (usize, &DeliveryRecord)) -> Row {
    let what = match (number, delivery.duplicate) {
        (0, _) => "event sent",
        (_, true) => "the same event sent once more",
        (_, false) => "event sent again",
    };
    sent(what, delivery.at_ms, delivery.reply.as_ref())
}

fn sent(what: &str, at_ms: f64, reply: Option<&ReplyRecord>) -> Row {
    let status = reply.and_then(|reply| reply.status);
    Row {
        at_ms,
        ms: reply.and_then(|reply| reply.ms).unwrap_or_default(),
        what: what.to_owned(),
        result: status.map_or_else(|| "no reply".to_owned(), |status| format!("reply {status}")),
        detail: reply
            .and_then(|reply| reply.error.clone())
            .unwrap_or_default(),
        is_bad: !status.is_some_and(|status| (200..300).contains(&status)),
        is_call: false,
    }
}

fn call(call: &CallRow) -> Row {
    let mut detail = call
        .note
        .clone()
        .or_else(|| call.code.clone())
        .unwrap_or_default();
    if let Some(fault) = &call.fault {
        detail = format!("{detail} fault {fault}");
    }
    Row {
        at_ms: call.at_ms,
        ms: call.ms,
        what: format!("{} {}", call.method, short_target(&call.target)),
        result: match call.status {
            0 => "connection broken".to_owned(),
            status => status.to_string(),
        },
        detail,
        is_bad: call.status >= 400 || call.status == 0,
        is_call: true,
    }
}

/// A call to a provider, in a run with cassettes. The connection's text says why it has no answer.
fn provider_call(seen: &ConnectionRow) -> Option<Row> {
    let call = seen.provider.as_ref()?;
    Some(Row {
        // It is reported at its end.
        at_ms: (seen.at_ms - call.ms).max(0.0),
        ms: call.ms,
        what: format!("{} {}", call.method, call.url),
        result: match (call.from, call.status) {
            (None, _) => "no answer".to_owned(),
            (Some(_), 0) => "connection broken".to_owned(),
            (Some(_), status) => status.to_string(),
        },
        detail: match call.from {
            Some(AnsweredFrom::Cassette) => "from the cassette".to_owned(),
            Some(AnsweredFrom::Provider) => "from the provider".to_owned(),
            None => seen.text.clone(),
        },
        // A provider's own error is part of what the skill has to cope with.
        is_bad: call.from.is_none() || call.status == 0,
        is_call: true,
    })
}

fn callback(callback: &CallbackRow) -> Row {
    let what = format!("the provider calls back: {}", callback.target);
    sent(&what, callback.at_ms, Some(&callback.reply))
}
