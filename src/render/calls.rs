//! The mock's log: a line a call, and one for a connection that became none.

use jiff::tz::TimeZone;

use super::{
    replay::duration,
    text::{Line, Role},
};
use crate::domain::{
    call::{CallRecord, TokenSeen},
    notice::{Connection, Notice},
};

/// The line of a notice; nothing for what another line tells already.
pub fn line(notice: &Notice) -> Option<Line> {
    match notice {
        Notice::Closed(record) => Some(call(record)),
        Notice::Connection(connection) => Some(connected(connection)),
        Notice::Gap => Some(Line::new().with(Role::Warn, "some calls were too many to show")),
        Notice::Opened(_) | Notice::Written(_) => None,
    }
}

fn call(record: &CallRecord) -> Line {
    let role = match record.status {
        0 => Role::Warn,
        status if status >= 400 => Role::Bad,
        _ => Role::Good,
    };
    let status = match record.status {
        0 => "---".to_owned(),
        status => status.to_string(),
    };
    let mut line = time(record.at)
        .with(Role::Plain, token(record.token.as_ref()))
        .padded(21)
        .plain(format!("{:<7}", record.method))
        .with(Role::Plain, &record.target)
        .plain("  ")
        .with(role, status)
        .with(Role::Dim, format!("  {}", duration(record.ms)));
    let said = match (&record.note, &record.code, &record.message) {
        (Some(note), _, _) => Some(note.clone()),
        (None, Some(code), Some(message)) => Some(format!("{code}: {message}")),
        _ => None,
    };
    if let Some(said) = said {
        line = line.plain("  ").with(Role::Accent, said);
    }
    if let Some(fault) = &record.fault {
        line = line.with(Role::Warn, format!("  fault {fault}"));
    }
    line
}

fn connected(connection: &Connection) -> Line {
    time(connection.at)
        .with(Role::Warn, "-")
        .padded(21)
        .with(Role::Warn, &connection.text)
}

fn time(at: jiff::Timestamp) -> Line {
    let clock = at
        .to_zoned(TimeZone::UTC)
        .strftime("%H:%M:%S%.3f")
        .to_string();
    Line::new().with(Role::Dim, clock).plain("  ")
}

/// The caller's kind of token.
fn token(seen: Option<&TokenSeen>) -> &'static str {
    match seen {
        None => "-",
        Some(TokenSeen { kind: None, .. }) => "other",
        Some(TokenSeen {
            kind: Some(kind), ..
        }) => kind.as_str(),
    }
}
