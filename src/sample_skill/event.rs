//! The members of an event that this skill uses, in every form in which Box and gateways send it.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use url::Url;

/// The members of an event that this skill uses. Ids become strings: Box refuses a card whose
/// `skill.id` is a number.
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) skill_id: String,
    pub(super) file_id: String,
    pub(super) file_version_id: Option<String>,
    pub(super) file_name: String,
    pub(super) read_token: String,
    pub(super) write_token: String,
    /// The service that transcribes recordings, where the skill's parameters name one.
    pub(super) speech_service: Option<Url>,
}

impl fmt::Debug for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Invocation")
            .field("id", &self.id)
            .field("file_id", &self.file_id)
            .finish_non_exhaustive()
    }
}

/// Why a body is not an event; the text of the 400.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

impl Invocation {
    /// Reads a request body: an event, or an API Gateway proxy event around one.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Refusal(format!("the body is not JSON: {error}")))?;
        let value = unwrap_proxy_event(value)?;
        if !value.is_object() {
            return Err(Refusal("the body is not a JSON object".to_owned()));
        }
        if let Some(kind) = value.get("type")
            && kind != "skill_invocation"
        {
            return Err(Refusal(format!("type is {kind}, not skill_invocation")));
        }
        Ok(Self {
            id: required(&value, "/id")?,
            skill_id: required(&value, "/skill/id")?,
            file_id: required(&value, "/source/id")?,
            file_version_id: id_at(&value, "/source/file_version/id"),
            file_name: id_at(&value, "/source/name").unwrap_or_default(),
            read_token: required(&value, "/token/read/access_token")?,
            write_token: required(&value, "/token/write/access_token")?,
            speech_service: speech_service(&value),
        })
    }
}

/// The service that `parameters.speech_service` names. It is invented, and its name ends in `.example`,
/// which no host has: an event must not send a file to somebody else.
fn speech_service(event: &Value) -> Option<Url> {
    let url = id_at(event, "/parameters/speech_service")?;
    let url = Url::parse(&url).ok()?;
    let is_invented = url
        .host_str()
        .is_some_and(|host| host.ends_with(".example"));
    (is_invented && url.scheme() == "https").then_some(url)
}

/// The event inside an API Gateway proxy event; another value is returned unchanged.
fn unwrap_proxy_event(value: Value) -> Result<Value, Refusal> {
    let Some(Value::String(body)) = value.get("body") else {
        return Ok(value);
    };
    let encoded = value
        .get("isBase64Encoded")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let inner = if encoded {
        BASE64_STANDARD
            .decode(body)
            .map_err(|_| Refusal("the proxy event's body is not base64".to_owned()))?
    } else {
        body.as_bytes().to_vec()
    };
    serde_json::from_slice(&inner)
        .map_err(|error| Refusal(format!("the proxy event's body is not JSON: {error}")))
}

fn required(value: &Value, pointer: &str) -> Result<String, Refusal> {
    id_at(value, pointer)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal(format!("not a skill event: {pointer} is missing")))
}

/// The string or integer at `pointer`, as a string.
fn id_at(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_speech_service_is_invented() {
        let service = |url: &str| {
            let mut event = smallest();
            event["parameters"] = json!({ "speech_service": url });
            let read = Invocation::read(event.to_string().as_bytes()).expect("an event");
            read.speech_service.map(String::from)
        };
        let url = "https://speech.harbour.example/v1";
        assert_eq!(service(url).as_deref(), Some(url));
        for url in [
            "https://speech.example.com/",
            "http://a.example/",
            "",
            "a.example",
        ] {
            assert_eq!(service(url), None, "{url}");
        }
    }

    fn smallest() -> Value {
        json!({
            "id": "inv_1",
            "skill": {"id": 137},
            "source": {"id": 42, "name": "a.txt"},
            "token": {
                "read": {"access_token": "read-token"},
                "write": {"access_token": "write-token"}
            }
        })
    }

    fn read(value: &Value) -> Result<Invocation, Refusal> {
        Invocation::read(value.to_string().as_bytes())
    }

    #[test]
    fn integer_ids_become_strings() {
        let invocation = read(&smallest()).expect("it is an event");
        assert_eq!(invocation.skill_id, "137");
        assert_eq!(invocation.file_id, "42");
        assert_eq!(invocation.file_version_id, None);
    }

    #[test]
    fn a_proxy_event_is_unwrapped_plain_and_base64() {
        let body = smallest().to_string();
        let plain = json!({"body": body, "isBase64Encoded": false, "headers": {}});
        assert_eq!(read(&plain).expect("plain").file_id, "42");
        let encoded = json!({"body": BASE64_STANDARD.encode(&body), "isBase64Encoded": true});
        assert_eq!(read(&encoded).expect("base64").file_id, "42");
    }

    #[test]
    fn a_body_that_is_not_an_event_is_refused_with_the_missing_member() {
        let mut event = smallest();
        event["token"]["write"] = json!({});
        assert_eq!(
            read(&event).expect_err("no write token"),
            Refusal("not a skill event: /token/write/access_token is missing".to_owned())
        );
        assert!(read(&json!([])).is_err());
        assert!(read(&json!({"type": "webhook_event"})).is_err());
        assert!(Invocation::read(b"{").is_err());
        assert!(Invocation::read(b"\xff").is_err());
    }

    #[test]
    fn debug_shows_no_token() {
        let shown = format!("{:?}", read(&smallest()).expect("it is an event"));
        assert!(!shown.contains("token"), "{shown}");
    }
}
