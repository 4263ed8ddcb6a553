//! The API Gateway proxy event that skills receive on Lambda: unwrapping and wrapping one, and
//! reading the answer of such a skill.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    json::{
        pointer::Pointer,
        tree::{Items, Members, Tree},
    },
};

/// What was inside a proxy event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped {
    /// The headers, as captured.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Bytes,
}

/// Unwraps a proxy event; `None` where `value` is not one (it has no `body` string).
pub fn unwrap(value: Tree<'_>) -> Option<Result<Unwrapped, Box<Diagnostic>>> {
    let body = value.get("body")?.as_str()?;
    let is_base64 = value.get("isBase64Encoded") == Some(Tree::Bool(true));
    let decoded = if is_base64 {
        match STANDARD.decode(body) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => {
                return Some(Err(Box::new(Diagnostic {
                    severity: Severity::Error,
                    code: "not-an-event",
                    message: format!("`isBase64Encoded` is true but the body is not: {error}"),
                    pointer: Pointer::ROOT.key("body"),
                    found: None,
                    expected: Some("base64".to_owned()),
                    help: None,
                })));
            }
        }
    } else {
        Bytes::copy_from_slice(body.as_bytes())
    };
    Some(Ok(Unwrapped {
        headers: headers_of(value),
        body: decoded,
    }))
}

/// The headers of a proxy event: `headers`, and those that only `multiValueHeaders` has, as a load
/// balancer sends them.
fn headers_of(value: Tree<'_>) -> Vec<(String, String)> {
    let members = |name| value.get(name).and_then(Tree::as_object);
    let single = members("headers").into_iter().flat_map(Members::iter);
    let mut headers: Vec<(String, String)> = single
        .filter_map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned())))
        .collect();
    let known = headers.len();
    let multi = members("multiValueHeaders")
        .into_iter()
        .flat_map(Members::iter);
    for (name, values) in multi {
        let is_known = |(known, _): &(String, String)| known.eq_ignore_ascii_case(name);
        if headers[..known].iter().any(is_known) {
            continue;
        }
        let values = values.as_array().into_iter().flat_map(Items::iter);
        headers
            .extend(values.filter_map(|value| Some((name.to_owned(), value.as_str()?.to_owned()))));
    }
    headers
}

/// Wraps a delivery in a proxy event (REST API, payload version 1.0). A body that is not UTF-8 is sent
/// as base64, as API Gateway does.
pub fn wrap<N: AsRef<str>, V: AsRef<str>>(headers: &[(N, V)], body: &[u8]) -> Value {
    let (text, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let single: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.as_ref().to_owned(), json!(value.as_ref())))
        .collect();
    let multi: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.as_ref().to_owned(), json!([value.as_ref()])))
        .collect();
    json!({
        "resource": "/",
        "path": "/",
        "httpMethod": "POST",
        "headers": single,
        "multiValueHeaders": multi,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "resourcePath": "/", "httpMethod": "POST", "path": "/", "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "Box-Skills-Client/0.1"}
        },
        "body": text,
        "isBase64Encoded": is_base64
    })
}

/// The status inside a proxy answer, `{"statusCode":200,…}`. A function that returns anything else has
/// crashed or answers in another form; the error says which.
///
/// # Errors
/// Why the body is not a proxy answer, in a sentence.
pub fn unwrap_answer(body: &[u8]) -> Result<u16, String> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| format!("the function's answer is not JSON: {error}"))?;
    if let Some(message) = value.get("errorMessage").and_then(Value::as_str) {
        return Err(format!("the function failed: {message}"));
    }
    value
        .get("statusCode")
        .and_then(|status| match status {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|status| u16::try_from(status).ok()),
        })
        .ok_or_else(|| "the function's answer has no `statusCode`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::tree::Tape;

    #[test]
    fn wrapping_and_unwrapping_keep_bytes_and_headers() {
        let headers = vec![("box-signature-version".to_owned(), "1".to_owned())];
        for body in [&b"{\"a\":\"\\/\"}"[..], &[0xff, 0xfe]] {
            let unwrapped = unwrap(Tape::from_value(&wrap(&headers, body)).tree())
                .expect("proxy")
                .expect("whole");
            assert_eq!(unwrapped.body.as_ref(), body);
            assert_eq!(unwrapped.headers, headers);
        }
    }

    #[test]
    fn headers_that_only_have_many_values_are_read() {
        let value = json!({
            "headers": {"A": "1"},
            "multiValueHeaders": {"a": ["2"], "B": ["3", "4"]},
            "body": "{}"
        });
        let unwrapped = unwrap(Tape::from_value(&value).tree())
            .expect("proxy")
            .expect("whole");
        let headers = unwrapped.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(headers, [("A", "1"), ("B", "3"), ("B", "4")]);
    }

    #[test]
    fn an_answer_gives_its_status_or_says_why_not() {
        assert_eq!(unwrap_answer(br#"{"statusCode":201,"body":""}"#), Ok(201));
        assert_eq!(unwrap_answer(br#"{"statusCode":"200"}"#), Ok(200));
        assert_eq!(
            unwrap_answer(br#"{"errorMessage":"boom","errorType":"Error"}"#),
            Err("the function failed: boom".to_owned())
        );
        assert!(unwrap_answer(b"null").is_err());
        assert!(unwrap_answer(b"<html>").is_err());
    }
}
