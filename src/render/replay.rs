//! A replay for people: one line for each event, and why it failed. The course of an event is in
//! `replay_story`, the end of a run in `replay_summary`. All of it is rendered from the records, so that
//! reports and terminal agree.

use super::{
    findings::{Finding, grouped},
    replay_story::story,
    text::{Line, Role, Text},
    units::duration,
};
use crate::domain::{
    card::model::{Card, CardType},
    diagnostic::Severity,
    json::tree::Tape,
    outcome::{
        Check,
        record::{CheckRecord, DifferenceRecord, Record, ReplyRecord},
    },
    text::shortened,
};

/// Characters of a differing value that are shown.
const MAX_VALUE_CHARS: usize = 160;
/// Columns of the reply and of the status, so that the lines of a run align.
const REPLY_COLUMNS: usize = 15;
const STATUS_COLUMNS: usize = 18;
/// Differences that are shown.
const MAX_DIFFERENCES: usize = 20;
/// Kinds of warnings of one case that are shown.
const MAX_WARNING_LINES: usize = 3;
/// Columns of the names of checks.
const CHECK_COLUMNS: usize = 16;

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
                .padded(CHECK_COLUMNS)
                .plain(check.reason.as_deref().unwrap_or_default()),
        );
        text.append(details(check), CHECK_COLUMNS);
    }
    text.append(story(record), 0);
    text
}

/// What to do about a failed check, and what differs from what it expected.
pub fn details(check: &CheckRecord) -> Text {
    let mut text = Text::new();
    if let Some(hint) = &check.hint {
        text.push(Line::new().with(Role::Accent, "try: ").plain(&**hint));
    }
    text.append(differences(check), 0);
    if !check.differences.is_empty() && check.name == Check::Expected.as_str() {
        let advice =
            "--update writes the result to expected.json; --no-check expected skips the comparison";
        text.push(Line::new().with(Role::Dim, advice));
    }
    text
}

/// The warnings of an event, grouped by their code.
pub fn warnings(record: &Record) -> Text {
    let warnings = record.warnings.iter().map(|warning| Finding {
        severity: Severity::Warning,
        code: &warning.code,
        message: &warning.message,
        pointer: &warning.pointer,
    });
    let mut text = Text::new();
    text.append(grouped(warnings, MAX_WARNING_LINES), 6);
    text
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
    for difference in check.differences.iter().take(MAX_DIFFERENCES) {
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
    let more = check.differences.len().saturating_sub(MAX_DIFFERENCES);
    if more > 0 {
        text.push(Line::new().with(Role::Dim, format!("and {more} more")));
    }
    text
}
