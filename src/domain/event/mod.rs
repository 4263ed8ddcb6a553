//! The `skill_invocation` event: read in every variation that really occurs, refreshed, written
//! as Box writes it.
//!
//! An [`Event`] keeps the exact bytes it was read from and every member that it does not know.
//! Its rules are from `docs/box/events.md`.

pub mod delivery;
pub mod edit;
pub mod envelope;
pub mod gateway;
pub mod invocation;
pub mod redaction;
pub mod refresh;
pub mod signature;
pub mod synthesis;
pub mod wire;

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

use self::invocation::{Invocation, problem};
use super::{
    diagnostic::Diagnostic,
    json::{
        pointer::Pointer,
        tree::{Tape, Tree},
    },
};

/// A skill invocation event, as it was captured or made: its exact bytes and what they say.
#[derive(Clone, PartialEq)]
pub struct Event {
    body: Bytes,
    invocation: Invocation<'static>,
}

/// An event with the headers of its capture.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// The event.
    pub event: Event,
    /// The headers of an API Gateway proxy event, as captured; empty for a bare event.
    pub headers: Vec<(String, String)>,
}

impl Captured {
    /// Reads an event, bare or inside an API Gateway proxy event, from a parsed document and the
    /// bytes it was parsed from. For a bare event these bytes are kept as they are.
    ///
    /// # Errors
    /// Why it is not an event: a diagnostic that points into `value`.
    pub fn read(value: Tree<'_>, bytes: Bytes) -> Result<Self, Box<Diagnostic>> {
        let Some(unwrapped) = envelope::unwrap(value) else {
            return Ok(Self {
                event: Event::read(value.to_tape(), bytes)?,
                headers: Vec::new(),
            });
        };
        let envelope::Unwrapped { headers, body } = unwrapped?;
        let in_body = |message: String| {
            problem(
                Pointer::ROOT.key("body"),
                format!("the body of this API Gateway event {message}"),
                "the JSON of a skill_invocation event, as a string",
            )
        };
        let inner = Tape::read(&body).map_err(|error| in_body(format!("is not JSON: {error}")))?;
        let event = Event::read(inner, body.clone()).map_err(|found| {
            in_body(format!(
                "is not a skill_invocation event: {}",
                found.message
            ))
        })?;
        Ok(Self { event, headers })
    }

    /// The captured header `name`, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Event {
    /// An event from its parsed JSON and its exact bytes.
    ///
    /// # Errors
    /// As [`Invocation::read`].
    pub fn read(tape: Tape<'_>, body: Bytes) -> Result<Self, Box<Diagnostic>> {
        let invocation = Invocation::read(tape)?.into_owned();
        Ok(Self { body, invocation })
    }

    /// An event that was made or edited here; its bytes are written as Box writes them.
    ///
    /// # Errors
    /// As [`Invocation::read`].
    pub fn from_value(value: &Value) -> Result<Self, Box<Diagnostic>> {
        let body = Bytes::from(wire::encode(value));
        Self::read(Tape::from_value(value), body)
    }

    /// The exact bytes: as read, or as [`wire::encode`] wrote them.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Its parsed members.
    pub fn invocation(&self) -> &Invocation<'static> {
        &self.invocation
    }
}

/// Leaves the bytes out, because they contain tokens.
impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.invocation.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn minimal() -> Value {
        json!({
            "id": "a_1",
            "skill": {"id": "1"},
            "source": {"id": "2", "name": "a.txt", "size": 3},
            "token": {"read": {"access_token": "r"}, "write": {"access_token": "w"}}
        })
    }

    fn read(value: &Value) -> Result<Captured, Box<Diagnostic>> {
        Captured::read(Tape::from_value(value).tree(), value.to_string().into())
    }

    #[test]
    fn the_minimal_body_of_unit_tests_is_an_event() {
        let captured = read(&minimal()).expect("an event");
        assert_eq!(captured.event.invocation().file_id(), "2");
    }

    #[test]
    fn integer_ids_read_as_text_and_stay_numbers() {
        let mut event = minimal();
        event["skill"]["id"] = json!(1234);
        event["source"]["id"] = json!(56);
        let captured = read(&event).expect("an event");
        let invocation = captured.event.invocation();
        assert_eq!(invocation.file_id(), "56");
        let id = invocation.tree().below(&["source", "id"]);
        assert_eq!(id.and_then(Tree::as_i64), Some(56));
    }

    #[test]
    fn a_bare_event_keeps_its_exact_bytes() {
        let text = Bytes::from_static(
            br#"{ "source":{"id":"2"}, "x":1.50, "token":{"read":{"access_token":"r"},"write":{"access_token":"w"}} }"#,
        );
        let value: Value = serde_json::from_slice(&text).expect("it is JSON");
        let captured =
            Captured::read(Tape::from_value(&value).tree(), text.clone()).expect("an event");
        assert_eq!(captured.event.body(), &text);
    }

    #[test]
    fn a_proxy_event_gives_its_body_and_headers() {
        let body = minimal().to_string();
        let wrapped = json!({
            "body": body, "isBase64Encoded": false,
            "headers": {"box-delivery-timestamp": "2026-01-01T00:00:00Z"}
        });
        let captured = read(&wrapped).expect("an event");
        assert_eq!(captured.event.body().as_ref(), body.as_bytes());
        assert_eq!(
            captured.header("Box-Delivery-Timestamp"),
            Some("2026-01-01T00:00:00Z")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut event = minimal();
        event["token"]["write"] = json!({});
        let found = read(&event).expect_err("no event");
        assert_eq!(found.pointer.as_str(), "/token/write/access_token");
        assert!(found.message.contains("token.write.access_token"));

        let other = read(&json!({"type": "webhook_event"})).expect_err("no event");
        assert_eq!(other.pointer.as_str(), "/type");
    }

    #[test]
    fn debug_output_holds_no_token() {
        let mut event = minimal();
        event["token"]["read"]["access_token"] = json!("a-very-secret-token");
        let captured = read(&event).expect("an event");
        assert!(!format!("{captured:?}").contains("very-secret"));
    }
}
