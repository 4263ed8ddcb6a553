//! The `skill_invocation` event: read in every variation that really occurs, refreshed, written
//! as Box writes it.
//!
//! An [`Event`] keeps the exact bytes it was read from and every member that it does not know.
//! Facts §1 is where its rules come from.

pub mod edit;
pub mod envelope;
pub mod redaction;
pub mod refresh;
pub mod signature;
pub mod synthesis;
pub mod wire;

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

use super::{
    diagnostic::{Diagnostic, Severity},
    json::{pointer::Pointer, tree::Tree},
    secret::{Secret, redact_json},
    token::TokenKind,
};

/// A skill invocation event, as it was captured or made.
#[derive(Clone, PartialEq)]
pub struct Event {
    body: Bytes,
    value: Value,
}

/// A token as an event carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventToken {
    /// The bearer token.
    pub access_token: Secret,
    /// When it expires, in Unix seconds: `expires_in` is an absolute time there.
    pub expires_at: Option<i64>,
}

/// An event with what stood around it in the capture.
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
    /// What keeps it from being an event: a diagnostic that points into `value`.
    pub fn read(value: Value, bytes: Bytes) -> Result<Self, Box<Diagnostic>> {
        let Some(unwrapped) = envelope::unwrap(&value) else {
            return Ok(Self {
                event: Event::read(value, bytes)?,
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
        let inner: Value = serde_json::from_slice(&body)
            .map_err(|error| in_body(format!("is not JSON: {error}")))?;
        let event = Event::read(inner, body)
            .map_err(|found| in_body(format!("is no skill_invocation event: {}", found.message)))?;
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
    /// Takes an event from its parsed value and its bytes.
    ///
    /// # Errors
    /// A diagnostic where a member is missing that no Skill can do without: `source.id` and both
    /// tokens (the minimal body of facts §1 has no more).
    pub fn read(value: Value, body: Bytes) -> Result<Self, Box<Diagnostic>> {
        check_shape(&value)?;
        Ok(Self { body, value })
    }

    /// Takes an event that was made or edited here, and writes its bytes as Box would.
    ///
    /// # Errors
    /// As [`Event::read`].
    pub fn from_value(value: Value) -> Result<Self, Box<Diagnostic>> {
        check_shape(&value)?;
        let body = Bytes::from(wire::encode(&value));
        Ok(Self { body, value })
    }

    /// The exact bytes: as read, or as [`wire::encode`] wrote them.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The whole event. It holds tokens: never print it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The whole event, to be made another.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The event with its tokens and keys redacted, to be shown.
    pub fn redacted(&self) -> Value {
        let mut value = self.value.clone();
        redact_json(&mut value);
        value
    }

    /// The invocation's id; empty in a body without one.
    pub fn id(&self) -> String {
        self.text(&["id"]).unwrap_or_default()
    }

    /// The id of the Skill.
    pub fn skill_id(&self) -> Option<String> {
        self.text(&["skill", "id"])
    }

    /// The id of the file.
    pub fn file_id(&self) -> String {
        self.text(&["source", "id"]).unwrap_or_default()
    }

    /// The name of the file.
    pub fn file_name(&self) -> Option<String> {
        self.text(&["source", "name"])
    }

    /// The size of the file in bytes.
    pub fn file_size(&self) -> Option<u64> {
        self.value.pointer("/source/size").and_then(Value::as_u64)
    }

    /// The id of the file's version.
    pub fn file_version_id(&self) -> Option<String> {
        self.text(&["source", "file_version", "id"])
    }

    /// The id of the folder the file lies in.
    pub fn parent_id(&self) -> Option<String> {
        self.text(&["source", "parent", "id"])
    }

    /// What happened: `ITEM_UPLOAD`, `ITEM_COPY`, `ITEM_MOVE`.
    pub fn event_type(&self) -> Option<String> {
        self.text(&["event", "event_type"])
    }

    /// The read or the write token.
    pub fn token(&self, kind: TokenKind) -> Option<EventToken> {
        let token = self.value.pointer(&format!("/token/{kind}"))?;
        Some(EventToken {
            access_token: Secret::new(token.get("access_token")?.as_str()?),
            expires_at: token.get("expires_in").and_then(Value::as_i64),
        })
    }

    /// The id or name at the end of these keys as text: Box's test events have numbers where
    /// others have strings.
    fn text(&self, keys: &[&str]) -> Option<String> {
        let mut found = &self.value;
        for key in keys {
            found = found.get(key)?;
        }
        id_text(found)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Event({})", self.redacted())
    }
}

/// A string, or a whole number as its digits.
pub fn id_text(value: &Value) -> Option<String> {
    Tree::of(value).as_id()
}

fn check_shape(value: &Value) -> Result<(), Box<Diagnostic>> {
    if !value.is_object() {
        return Err(problem(
            Pointer::ROOT,
            "this is no skill_invocation event".to_owned(),
            "an object with source, token and skill",
        ));
    }
    if let Some(kind) = value.get("type")
        && kind != "skill_invocation"
    {
        return Err(problem(
            Pointer::ROOT.key("type"),
            "this is no skill_invocation event: its `type` says otherwise".to_owned(),
            "\"skill_invocation\"",
        ));
    }
    let id = value.pointer("/source/id").and_then(id_text);
    if !id.is_some_and(|id| is_id(&id)) {
        return Err(missing(
            "/source/id",
            "the id of the file, as Box gives it: digits",
        ));
    }
    for kind in [TokenKind::Read, TokenKind::Write] {
        let pointer = format!("/token/{kind}/access_token");
        if !value.pointer(&pointer).is_some_and(Value::is_string) {
            return Err(missing(&pointer, "a token, or \"REDACTED\""));
        }
    }
    Ok(())
}

/// Ids go into paths and file names: letters, digits, `_` and `-` alone.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn missing(pointer: &str, expected: &str) -> Box<Diagnostic> {
    let dotted = pointer.trim_start_matches('/').replace('/', ".");
    problem(
        Pointer::parse(pointer).unwrap_or_default(),
        format!("this is no skill_invocation event: `{dotted}` is missing or wrong"),
        expected,
    )
}

fn problem(pointer: Pointer, message: String, expected: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic {
        severity: Severity::Error,
        code: "not-an-event",
        message,
        pointer,
        found: None,
        expected: Some(expected.to_owned()),
        help: None,
    })
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
        Captured::read(value.clone(), value.to_string().into())
    }

    #[test]
    fn the_minimal_body_of_unit_tests_is_an_event() {
        let captured = read(&minimal()).expect("an event");
        assert_eq!(captured.event.file_id(), "2");
        assert_eq!(captured.event.file_size(), Some(3));
    }

    #[test]
    fn integer_ids_read_as_text_and_stay_numbers() {
        let mut event = minimal();
        event["skill"]["id"] = json!(1234);
        event["source"]["id"] = json!(56);
        let captured = read(&event).expect("an event");
        assert_eq!(captured.event.file_id(), "56");
        assert_eq!(captured.event.skill_id().as_deref(), Some("1234"));
        assert!(captured.event.value()["source"]["id"].is_number());
    }

    #[test]
    fn a_bare_event_keeps_its_exact_bytes() {
        let text = Bytes::from_static(
            br#"{ "source":{"id":"2"}, "x":1.50, "token":{"read":{"access_token":"r"},"write":{"access_token":"w"}} }"#,
        );
        let value: Value = serde_json::from_slice(&text).expect("it is JSON");
        let captured = Captured::read(value, text.clone()).expect("an event");
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
