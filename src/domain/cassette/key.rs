//! What calls are matched by: method, URL and body, without the parts that differ in each call.

use std::{borrow::Cow, fmt};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    exchange::ProviderRequest,
    multipart::{boundary, find, with_texts},
    redaction::REDACTED,
    volatile::{is_nonce, is_volatile_parameter, without_times_and_uuids},
};
use crate::domain::{
    hex,
    secret::{is_secret_name, is_secret_parameter},
};

/// The replacement of a value without a meaning.
const IGNORED: &str = "<any>";
/// Headers that belong to the meaning of a call: AWS and SOAP name the operation there.
const MEANINGFUL_HEADERS: [&str; 2] = ["x-amz-target", "soapaction"];

/// A part of calls that is not matched, from `--cassette-ignore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// A value of a JSON body, by its JSON pointer.
    Member(String),
    /// A header.
    Header(String),
    /// A query parameter.
    Query(String),
}

impl std::str::FromStr for Ignored {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_ascii_lowercase());
        let parsed = match text.split_once(':') {
            Some(("header", name)) => named(name).map(Self::Header),
            Some(("query", name)) => named(name).map(Self::Query),
            _ if text.starts_with('/') => Some(Self::Member(text.to_owned())),
            _ => None,
        };
        parsed.ok_or_else(|| {
            "expected a JSON pointer into the body, header:NAME or query:NAME; try /id or query:v"
                .to_owned()
        })
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(pointer) => write!(formatter, "{pointer}"),
            Self::Header(name) => write!(formatter, "header:{name}"),
            Self::Query(name) => write!(formatter, "query:{name}"),
        }
    }
}

/// A call without the parts that differ each time. Equal forms are equal calls.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NormalForm {
    pub(super) method: String,
    /// Scheme, host and path.
    pub(super) target: String,
    /// Parameters in the order of their names.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// The body of a normal form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Json(Value),
    Text(String),
    /// The digest and the length of bytes that are not text.
    Bytes(String, usize),
}

/// The digest of a normal form.
pub(super) type Key = [u8; 32];

impl NormalForm {
    /// The form of a call as a cassette holds it: redacted and with placeholders.
    pub(super) fn of_request(request: &ProviderRequest, ignored: &[Ignored]) -> Self {
        let (target, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let query = query.split('#').next().unwrap_or_default();
        let is_ignored = |wanted: Ignored| ignored.contains(&wanted);
        let mut headers: Vec<(String, String)> = MEANINGFUL_HEADERS
            .into_iter()
            .filter(|name| !is_ignored(Ignored::Header((*name).to_owned())))
            .filter_map(|name| Some((name.to_owned(), request.header(name)?.to_owned())))
            .collect();
        headers.sort();
        Self {
            method: request.method.to_ascii_uppercase(),
            target: without_times_and_uuids(&without_default_port(target)),
            query: parameters(query, ignored),
            headers,
            body: body(request, ignored),
        }
    }

    pub(super) fn key(&self) -> Key {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(&self.method);
        add(&self.target);
        for (name, value) in self.query.iter().chain(&self.headers) {
            add(name);
            add(value);
        }
        match &self.body {
            Body::Json(value) => add(&canonical(value)),
            Body::Text(text) => add(text),
            Body::Bytes(digest, _) => add(digest),
        }
        hash.finalize().into()
    }
}

/// Lower-case scheme and host without the scheme's own port, and the path, which is at least `/`.
fn without_default_port(target: &str) -> String {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let default = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default).unwrap_or(&host);
    let path = if path.is_empty() { "/" } else { path };
    format!("{scheme}://{host}{path}")
}

fn parameters(query: &str, ignored: &[Ignored]) -> Vec<(String, String)> {
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_ignored = ignored.contains(&Ignored::Query(name.to_ascii_lowercase()));
            let value = if is_ignored || is_volatile_parameter(name) || is_hidden(name, value) {
                IGNORED.to_owned()
            } else {
                without_times_and_uuids(value)
            };
            (name.to_owned(), value)
        })
        .collect();
    parameters.sort();
    parameters
}

/// Whether the value is a secret that was or would be redacted. A placeholder for a token counts.
fn is_hidden(name: &str, value: &str) -> bool {
    is_secret_parameter(name) && !value.starts_with("{{")
}

fn body(request: &ProviderRequest, ignored: &[Ignored]) -> Body {
    let content_type = request.header("content-type").unwrap_or_default();
    let bytes = without_boundary(&request.body, content_type);
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Body::Bytes(hex::encode(&Sha256::digest(&bytes)), bytes.len());
    };
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let pairs = parameters(text, ignored);
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
        return Body::Text(pairs.collect::<Vec<_>>().join("&"));
    }
    if text.trim_start().starts_with(['{', '['])
        && let Ok(mut value) = serde_json::from_str::<Value>(text)
    {
        for it in ignored {
            if let Ignored::Member(pointer) = it
                && let Some(member) = value.pointer_mut(pointer)
            {
                *member = IGNORED.into();
            }
        }
        plain(&mut value);
        return Body::Json(value);
    }
    Body::Text(without_times_and_uuids(text))
}

/// Leaves out the parts of a JSON value that differ in each call.
fn plain(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_times_and_uuids(text),
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let is_text = member.is_string();
                if is_nonce(name) || is_text && is_secret_name(name) && !is_placeholder(member) {
                    *member = IGNORED.into();
                } else {
                    plain(member);
                }
            }
        }
        _ => {}
    }
}

fn is_placeholder(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("{{"))
}

/// A multipart body with a fixed boundary, without what changes by nature in its parts of text.
fn without_boundary<'b>(body: &'b [u8], content_type: &str) -> Cow<'b, [u8]> {
    let texts = with_texts(body, content_type, |name, text| match name {
        Some(name) if is_nonce(name) || is_hidden(name, text) => IGNORED.to_owned(),
        _ => without_times_and_uuids(text),
    });
    let (Some(body), Some(boundary)) = (texts, boundary(content_type)) else {
        return body.into();
    };
    let mut plain = Vec::with_capacity(body.len());
    let mut rest = &body[..];
    while let Some(at) = find(rest, boundary.as_bytes()) {
        plain.extend_from_slice(&rest[..at]);
        plain.extend_from_slice(REDACTED.as_bytes());
        rest = &rest[at + boundary.len()..];
    }
    plain.extend_from_slice(rest);
    plain.into()
}

/// JSON with the members of objects in the order of their names.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter().map(|(name, value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items = items.iter().map(canonical);
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str, content_type: &str, body: &str, ignored: &[&str]) -> Key {
        let ignored: Vec<Ignored> = ignored
            .iter()
            .map(|text| text.parse().expect("it is one"))
            .collect();
        let request = ProviderRequest {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.to_owned().into(),
        };
        NormalForm::of_request(&request, &ignored).key()
    }

    #[test]
    fn calls_that_differ_by_nature_alone_are_equal() {
        let url = "https://ml.example/v1";
        let json = "application/json";
        for (one, other) in [
            (
                key("https://ML.example:443/v1?b=2&a=1", json, "", &[]),
                key("https://ml.example/v1?a=1&b=2", json, "", &[]),
            ),
            (
                key(
                    "https://ml.example/v1?X-Amz-Date=1&sig=a&key=b",
                    json,
                    "",
                    &[],
                ),
                key(
                    "https://ml.example/v1?X-Amz-Date=2&sig=c&key=d",
                    json,
                    "",
                    &[],
                ),
            ),
            (
                key(
                    url,
                    json,
                    r#"{"a": 1, "at": "2026-01-02T03:04:05Z", "nonce": "x"}"#,
                    &[],
                ),
                key(
                    url,
                    json,
                    r#"{"nonce":"y","at":"2025-01-02T03:04:05Z","a":1}"#,
                    &[],
                ),
            ),
            (
                key(
                    url,
                    "multipart/form-data; boundary=abc",
                    "--abc\r\nx\r\n--abc--",
                    &[],
                ),
                key(
                    url,
                    "multipart/form-data; boundary=\"xyzzy\"",
                    "--xyzzy\r\nx\r\n--xyzzy--",
                    &[],
                ),
            ),
            (
                key(
                    url,
                    "application/x-www-form-urlencoded",
                    "b=1&client_secret=x",
                    &[],
                ),
                key(
                    url,
                    "application/x-www-form-urlencoded",
                    "client_secret=y&b=1",
                    &[],
                ),
            ),
            (
                key(
                    "https://ml.example/v1?v=1",
                    json,
                    r#"{"id": 1}"#,
                    &["/id", "query:V"],
                ),
                key(
                    "https://ml.example/v1?v=2",
                    json,
                    r#"{"id": 2}"#,
                    &["/id", "query:V"],
                ),
            ),
        ] {
            assert_eq!(one, other);
        }
    }

    #[test]
    fn calls_that_mean_something_else_differ() {
        let json = "application/json";
        let base = key("https://ml.example/v1?a=1", json, r#"{"a": 1}"#, &[]);
        for other in [
            key("https://ml.example/v2?a=1", json, r#"{"a": 1}"#, &[]),
            key("https://ml.example/v1?a=2", json, r#"{"a": 1}"#, &[]),
            key("https://ml.example/v1?a=1", json, r#"{"a": 2}"#, &[]),
            key("http://ml.example/v1?a=1", json, r#"{"a": 1}"#, &[]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn what_is_ignored_is_read_and_written() {
        for text in ["/a/b", "header:x-amz-target", "query:v"] {
            let ignored: Ignored = text.parse().expect("it is one");
            assert_eq!(ignored.to_string(), text);
        }
        for text in ["", "v", "header:", "cookie:a"] {
            assert!(text.parse::<Ignored>().is_err(), "{text}");
        }
    }
}
