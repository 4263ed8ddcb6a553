//! Making a captured event one that Box might have sent just now: new ids, times and tokens, all
//! else as it was.

use jiff::{Timestamp, tz::Offset};
use serde_json::{Map, Value, json};

use crate::domain::{
    secret::Secret,
    token::{LIFETIME_SECONDS, TokenKind},
};

/// What a refreshed event gets.
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

/// The event with what is `fresh` in its place. Members that the event does not have are not
/// invented, except tokens; ids that were numbers stay numbers.
pub fn refresh(mut event: Value, fresh: &Fresh) -> Value {
    let id = format!("{}_{}", fresh.event_id, fresh.digits);
    put_text(&mut event, "/id", &id);
    put_text(&mut event, "/event/event_id", &fresh.event_id);
    for pointer in ["/created_at", "/event/created_at"] {
        let offset = offset_of(event.pointer(pointer));
        put_text(&mut event, pointer, &format_time(fresh.created_at, offset));
    }
    for source in ["/source", "/event/source"] {
        put_id(&mut event, &format!("{source}/id"), &fresh.file_id);
        put_id(
            &mut event,
            &format!("{source}/file_version/id"),
            &fresh.file_version_id,
        );
        if let Some(size) = fresh.size
            && let Some(slot) = event.pointer_mut(&format!("{source}/size"))
        {
            *slot = json!(size);
        }
    }
    put_token(&mut event, TokenKind::Write, &fresh.write, fresh);
    put_token(&mut event, TokenKind::Read, &fresh.read, fresh);
    event
}

/// Replaces a token's text in place and leaves all else as it was recorded.
pub fn replace_token(event: &mut Value, kind: TokenKind, token: &Secret) {
    put_text(
        event,
        &format!("/token/{kind}/access_token"),
        token.expose(),
    );
}

/// A time as events write it: RFC 3339 with seconds and an offset.
pub fn format_time(at: Timestamp, offset: Offset) -> String {
    at.to_zoned(offset.to_time_zone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// The offset that a recorded time was written with, else UTC.
fn offset_of(recorded: Option<&Value>) -> Offset {
    recorded
        .and_then(Value::as_str)
        .and_then(|text| jiff::fmt::temporal::Pieces::parse(text).ok())
        .and_then(|pieces| pieces.to_numeric_offset())
        .unwrap_or(Offset::UTC)
}

fn put_text(event: &mut Value, pointer: &str, text: &str) {
    if let Some(slot) = event.pointer_mut(pointer) {
        *slot = json!(text);
    }
}

fn put_id(event: &mut Value, pointer: &str, id: &str) {
    let Some(slot) = event.pointer_mut(pointer) else {
        return;
    };
    *slot = match (slot.is_number(), id.parse::<u64>()) {
        (true, Ok(number)) => json!(number),
        _ => json!(id),
    };
}

fn put_token(event: &mut Value, kind: TokenKind, token: &Secret, fresh: &Fresh) {
    let Some(Value::Object(slot)) = event.pointer_mut(&format!("/token/{kind}")) else {
        return;
    };
    slot.insert("access_token".to_owned(), json!(token.expose()));
    let expires = fresh.created_at.as_second() + LIFETIME_SECONDS;
    replace_member(slot, "expires_in", json!(expires));
    replace_member(
        slot,
        "restricted_to",
        json!(kind.restricted_to(&fresh.file_id)),
    );
}

fn replace_member(members: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(slot) = members.get_mut(name) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            refresh(old, &fresh()),
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
        let old = json!({"source": {"id": 1, "file_version": {"id": 2}}});
        assert_eq!(
            refresh(old, &fresh()),
            json!({"source": {"id": 42, "file_version": {"id": 43}}})
        );
    }
}
