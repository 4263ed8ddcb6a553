//! The mock's log: one line for each call, and one for each connection that carried no call.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::{
    log_line::{columns, push_column, push_ms, push_status, time},
    pump,
    text::{Line, Role},
    units::counted,
};
use crate::domain::{
    call::{CallRecord, TokenSeen},
    hints,
    hosts::is_loopback,
    notice::{AnsweredFrom, Connection, Notice, ProviderCall, Remark},
    operation::Operation,
    stats::Totals,
};

/// The line of a notice, with its time in `zone`; `None` for a notice that another line covers.
pub fn line(notice: &Notice, zone: &TimeZone) -> Option<Line> {
    match notice {
        Notice::Closed(record) => Some(call(record, zone)),
        Notice::Connection(connection) => Some(connected(connection, zone)),
        Notice::Placed(placed) => pump::placed(placed, zone),
        Notice::Attempt(attempt) => Some(pump::attempt(attempt, zone)),
        Notice::Remark(remark) => Some(remarked(remark, zone)),
        Notice::Gap => {
            Some(Line::new().with(Role::Warn, "there were too many calls to show all of them"))
        }
        Notice::Opened(_) | Notice::Written(_) => None,
    }
}

/// The last line: how many calls and writes there were.
pub fn totals(totals: &Totals, writes: u64) -> Line {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut line = Line::from("ended after ")
        .with(Role::Strong, counted(count(totals.calls), "call", "calls"))
        .plain(" and ")
        .with(
            Role::Strong,
            counted(count(writes), "metadata write", "metadata writes"),
        );
    for (index, (status, number)) in totals.statuses.iter().enumerate() {
        let between = if index == 0 { ": " } else { ", " };
        line.push(Role::Plain, format_args!("{between}{number} × "));
        push_status(&mut line, *status);
    }
    if totals.faults > 0 {
        let faults = counted(count(totals.faults), "call", "calls");
        line = line.with(Role::Warn, format!("; faults applied to {faults}"));
    }
    line
}

fn call(record: &CallRecord, zone: &TimeZone) -> Line {
    let host = if is_loopback(&record.host) {
        ""
    } else {
        &record.host
    };
    let who = token(record.token.as_ref());
    // Built from pieces that need no formatting: a busy mock logs thousands of lines a second.
    let mut line = time(record.at, zone);
    push_column(&mut line, who);
    push_status(&mut line, record.status);
    push_ms(&mut line, record.ms);
    line.push_str(Role::Plain, record.method.as_str());
    line.push_trusted(Role::Plain, " ");
    line.push_str(Role::Dim, host);
    line.push_str(Role::Plain, &short_target(&record.target));
    // An invocation says in its body which file it is about, as an upload may; others name it.
    let may_not_name_it = matches!(record.operation, Operation::Invocation | Operation::Upload);
    if let Some(id) = &record.file_id
        && may_not_name_it
        && !record.target.contains(id.as_str())
    {
        line.push_trusted(Role::Dim, "  file ");
        line.push_str(Role::Dim, id);
    }
    let role = if record.status >= 400 {
        Role::Bad
    } else {
        Role::Accent
    };
    match (&record.note, &record.code, &record.message) {
        (Some(note), _, _) => {
            line.push_trusted(role, "  ");
            line.push_str(role, note);
        }
        (None, Some(code), Some(message)) => line.push(role, format_args!("  {code}: {message}")),
        _ => {}
    }
    if let Some(fault) = &record.fault {
        line.push(Role::Warn, format_args!("  by the fault {fault}"));
    }
    if let Some(hint) = hints::for_call(record) {
        line.push(Role::Warn, format_args!("  try: {hint}"));
    }
    line
}

/// The target with long path segments shortened, such as the key in a download URL.
pub fn short_target(target: &str) -> Cow<'_, str> {
    const MAX_SEGMENT: usize = 36;
    // Most targets have short segments only.
    let mut segments = target.as_bytes().split(|byte| *byte == b'/');
    if target.len() <= MAX_SEGMENT || segments.all(|segment| segment.len() <= MAX_SEGMENT) {
        return Cow::Borrowed(target);
    }
    let is_long = |segment: &str| segment.len() > MAX_SEGMENT && !segment.contains("redacted");
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    if !path.split('/').any(is_long) {
        return Cow::Borrowed(target);
    }
    let shorten = |segment| -> Cow<'_, str> {
        if !is_long(segment) {
            return Cow::Borrowed(segment);
        }
        let kept: String = segment.chars().take(MAX_SEGMENT / 3).collect();
        Cow::Owned(format!("{kept}…"))
    };
    let mut text = path.split('/').map(shorten).collect::<Vec<_>>().join("/");
    text.push_str(query);
    Cow::Owned(text)
}

fn connected(connection: &Connection, zone: &TimeZone) -> Line {
    if let Some(call) = &connection.provider
        && let Some(from) = call.from
    {
        return provider_call(connection, call, from, zone);
    }
    columns(connection.at, zone, "-", (Role::Warn, "---"), None).with(Role::Warn, &connection.text)
}

/// A call to a provider that has an answer.
fn provider_call(
    connection: &Connection,
    call: &ProviderCall,
    from: AnsweredFrom,
    zone: &TimeZone,
) -> Line {
    let mut line = time(connection.at, zone);
    push_column(&mut line, "-");
    push_status(&mut line, call.status);
    push_ms(&mut line, call.ms);
    let from = match from {
        AnsweredFrom::Cassette => "from the cassette",
        AnsweredFrom::Provider => "by the provider",
    };
    line.plain(format_args!("{} {}", call.method, call.url))
        .with(Role::Dim, format_args!("  {from}"))
}

fn remarked(remark: &Remark, zone: &TimeZone) -> Line {
    columns(remark.at, zone, "dir", (Role::Warn, "---"), None).with(Role::Warn, &remark.text)
}

/// The word for the caller's token.
fn token(seen: Option<&TokenSeen>) -> &'static str {
    match seen {
        None => "-",
        Some(TokenSeen { kind: None, .. }) => "other",
        Some(TokenSeen {
            kind: Some(kind), ..
        }) => kind.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use jiff::Timestamp;

    use super::*;
    use http::Method;

    use crate::domain::{call::EventIds, token::TokenKind};

    fn record(status: u16, target: &str) -> CallRecord {
        CallRecord {
            call: 1,
            at: Timestamp::UNIX_EPOCH,
            method: Method::GET,
            host: "127.0.0.1".into(),
            target: target.into(),
            operation: Operation::Info,
            status,
            ms: 0.42,
            token: Some(TokenSeen {
                kind: Some(TokenKind::Read),
                last4: "abcd".into(),
            }),
            events: EventIds::default(),
            file_id: None,
            code: None,
            message: None,
            fault: None,
            note: None,
        }
    }

    fn plain(record: CallRecord) -> String {
        let notice = Notice::Closed(Arc::new(record));
        line(&notice, &TimeZone::UTC)
            .expect("a line")
            .as_plain()
            .to_owned()
    }

    #[test]
    fn a_call_is_a_line_with_aligned_columns() {
        let invocation = plain(CallRecord {
            operation: Operation::Invocation,
            file_id: Some("7".into()),
            ..record(200, "/2.0/skill_invocations/1")
        });
        assert!(invocation.ends_with("GET /2.0/skill_invocations/1  file 7"));
        let well = plain(record(200, "/2.0/files/7"));
        assert_eq!(well, "00:00:00.000  read   200  0.4 ms  GET /2.0/files/7");
        let refused = plain(CallRecord {
            token: None,
            ms: 1234.0,
            host: "api.box.com".into(),
            code: Some("not_found".to_owned()),
            message: Some("Not Found".to_owned()),
            fault: Some("info=404".to_owned()),
            ..record(404, "/2.0/files/7")
        });
        assert_eq!(
            refused,
            "00:00:00.000  -      404   1.2 s  GET api.box.com/2.0/files/7  \
             not_found: Not Found  by the fault info=404"
        );
        let cut = plain(CallRecord {
            note: Some("2 cards (keyword, status)".to_owned()),
            ..record(
                0,
                "/d/1/900000000107.910000000107.1795291588.5e23aba6cb5dacc3/download?a=b",
            )
        });
        assert_eq!(
            cut,
            "00:00:00.000  read   ---  0.4 ms  GET /d/1/900000000107…/download?a=b  \
             2 cards (keyword, status)"
        );
    }

    #[test]
    fn the_end_says_how_many_of_what() {
        let found = Totals {
            calls: 4,
            statuses: BTreeMap::from([(0, 1), (200, 2), (404, 1)]),
            faults: 1,
        };
        assert_eq!(
            totals(&found, 1).as_plain(),
            "ended after 4 calls and 1 metadata write: 1 × ---, 2 × 200, 1 × 404; \
             faults applied to 1 call"
        );
        let none = totals(&Totals::default(), 0);
        assert_eq!(none.as_plain(), "ended after 0 calls and 0 metadata writes");
    }
}
