//! Refreshes a captured event: new ids, times and tokens; everything else is kept.

use jiff::{Timestamp, tz::Offset};

use super::invocation::Invocation;
use crate::domain::{
    json::tree::{CellIndex, Leaf, Tape, Tree},
    secret::Secret,
    token::{LIFETIME_SECONDS, TokenKind},
};

/// The new values of a refreshed event.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// `event.event_id`, which also starts the invocation's id.
    pub event_id: String,
    /// The digits at the end of the invocation's id.
    pub digits: u64,
    /// `created_at`; the tokens expire a day later.
    pub created_at: Timestamp,
    /// The file's id.
    pub file_id: String,
    /// The file version's id.
    pub file_version_id: String,
    /// The file's size in bytes, where it is known.
    pub size: Option<u64>,
    /// The read token.
    pub read: Secret,
    /// The write token.
    pub write: Secret,
}

/// The event with the `fresh` values. Missing members are not added, except tokens; numeric ids stay
/// numbers.
pub fn refresh<'a>(event: Invocation<'a>, fresh: &Fresh) -> Invocation<'a> {
    let mut event = event;
    replace_id(&mut event, &fresh.event_id, fresh.digits);
    let Invocation(mut event) = event;
    for parent in [&[][..], &["event"]] {
        let Some(parent) = event.below(Tape::TOP, parent) else {
            continue;
        };
        let offset = offset_of(event.at(parent).get("created_at"));
        let time = || format_time(fresh.created_at, offset);
        replace_member(&mut event, parent, "created_at", || time().into());
        if let Some(source) = event.member(parent, "source") {
            put_source(&mut event, source, fresh);
        }
    }
    put_token(&mut event, TokenKind::Write, &fresh.write, fresh);
    put_token(&mut event, TokenKind::Read, &fresh.read, fresh);
    Invocation(event)
}

/// Replaces the ids of the invocation and of its event.
pub fn replace_id(event: &mut Invocation<'_>, event_id: &str, digits: u64) {
    put_text(&mut event.0, &["id"], format!("{event_id}_{digits}"));
    put_text(&mut event.0, &["event", "event_id"], event_id.to_owned());
}

/// Replaces the ids of the file and of its version.
pub fn replace_file(event: &mut Invocation<'_>, file_id: &str, version_id: &str) {
    for source in [&["source"][..], &["event", "source"]] {
        if let Some(source) = event.0.below(Tape::TOP, source) {
            put_id(&mut event.0, source, &["id"], file_id);
            put_id(&mut event.0, source, &["file_version", "id"], version_id);
        }
    }
}

/// Replaces the text of a token and nothing else.
pub fn replace_token(event: &mut Invocation<'_>, kind: TokenKind, token: &Secret) {
    let names = ["token", kind.as_str(), "access_token"];
    put_text(&mut event.0, &names, token.expose().to_owned());
}

/// A time as events write it: RFC 3339 with seconds and an offset.
pub fn format_time(at: Timestamp, offset: Offset) -> String {
    at.to_zoned(offset.to_time_zone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// The UTC offset of a recorded time; UTC if it has none.
fn offset_of(recorded: Option<Tree<'_>>) -> Offset {
    recorded
        .and_then(Tree::as_str)
        .and_then(|text| jiff::fmt::temporal::Pieces::parse(text).ok())
        .and_then(|pieces| pieces.to_numeric_offset())
        .unwrap_or(Offset::UTC)
}

fn put_text(event: &mut Tape<'_>, names: &[&str], new: String) {
    if let Some(place) = event.below(Tape::TOP, names) {
        event.put(place, new);
    }
}

fn put_source(event: &mut Tape<'_>, source: CellIndex, fresh: &Fresh) {
    put_id(event, source, &["id"], &fresh.file_id);
    let version = ["file_version", "id"];
    put_id(event, source, &version, &fresh.file_version_id);
    if let Some(size) = fresh.size {
        replace_member(event, source, "size", || Leaf::Number(size.into()));
    }
}

fn put_id(event: &mut Tape<'_>, of: CellIndex, names: &[&str], id: &str) {
    let Some(place) = event.below(of, names) else {
        return;
    };
    let leaf = match (event.at(place), id.parse::<u64>()) {
        (Tree::Number(_), Ok(number)) => Leaf::Number(number.into()),
        _ => id.to_owned().into(),
    };
    event.put(place, leaf);
}

fn put_token(event: &mut Tape<'_>, kind: TokenKind, token: &Secret, fresh: &Fresh) {
    let Some(slot) = event.below(Tape::TOP, &["token", kind.as_str()]) else {
        return;
    };
    event.insert(slot, "access_token", token.expose().to_owned());
    let expires = fresh.created_at.as_second() + LIFETIME_SECONDS;
    replace_member(event, slot, "expires_in", || Leaf::Number(expires.into()));
    replace_member(event, slot, "restricted_to", || {
        kind.restricted_to(&fresh.file_id).into()
    });
}

fn replace_member<'a>(
    event: &mut Tape<'a>,
    of: CellIndex,
    name: &str,
    new: impl FnOnce() -> Leaf<'a>,
) {
    if let Some(place) = event.member(of, name) {
        event.put(place, new());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refreshed(old: &Value) -> Value {
        let event = Invocation::read(Tape::from_value(old)).expect("an event");
        refresh(event, &fresh()).0.into()
    }

    fn fresh() -> Fresh {
        Fresh {
            event_id: "11111111-2222-3333-4444-555555555555".to_owned(),
            digits: 77,
            created_at: Timestamp::from_second(1_800_000_000).expect("in range"),
            file_id: "42".to_owned(),
            file_version_id: "43".to_owned(),
            size: Some(9),
            read: Secret::new("new-read"),
            write: Secret::new("new-write"),
        }
    }

    #[test]
    fn ids_times_and_tokens_are_new_and_the_rest_is_kept() {
        let old = json!({
            "token": {
                "write": {"access_token": "REDACTED", "expires_in": 1, "restricted_to": "[]", "token_type": "bearer"},
                "read": {"access_token": "old"}
            },
            "id": "old_1", "created_at": "2018-10-29T11:29:09-07:00", "unknown": [1],
            "source": {"id": "1", "file_version": {"id": "2"}, "size": 1},
            "event": {"event_id": "old", "created_at": "2018-10-29T11:29:09-07:00", "source": {"id": "1"}}
        });
        assert_eq!(
            refreshed(&old),
            json!({
                "token": {
                    "write": {
                        "access_token": "new-write", "expires_in": 1_800_086_400,
                        "restricted_to": TokenKind::Write.restricted_to("42"), "token_type": "bearer"
                    },
                    "read": {"access_token": "new-read"}
                },
                "id": "11111111-2222-3333-4444-555555555555_77",
                "created_at": "2027-01-15T01:00:00-07:00", "unknown": [1],
                "source": {"id": "42", "file_version": {"id": "43"}, "size": 9},
                "event": {
                    "event_id": "11111111-2222-3333-4444-555555555555",
                    "created_at": "2027-01-15T01:00:00-07:00", "source": {"id": "42"}
                }
            })
        );
    }

    #[test]
    fn ids_that_were_numbers_stay_numbers() {
        let old = json!({
            "source": {"id": 1, "file_version": {"id": 2}},
            "token": {"write": {"access_token": ""}, "read": {"access_token": ""}}
        });
        assert_eq!(
            refreshed(&old)["source"],
            json!({"id": 42, "file_version": {"id": 43}})
        );
    }
}
