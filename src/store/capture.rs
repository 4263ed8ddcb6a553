//! The request and the answer of a call: both heads and the beginnings of both bodies. Recording
//! them is cheap, since most are never read; they are redacted when they are read.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::domain::secret::{redact_header, redact_text};

/// The most of a body that is kept, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// Capacity for the head of an answer, in bytes; most need less.
const HEAD_OF_AN_ANSWER: usize = 192;

/// The request and the answer of a call. The copies are in one buffer, so that a call costs one
/// allocation, and its end frees one.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// The request's head, the beginning of its body, the answer's head. Copied, because those of the
    /// request are slices of the buffer that its connection reads into, which would be kept as a whole.
    copied: Vec<u8>,
    /// The offset in it at which the request's body begins.
    body_at: usize,
    /// The offset in it at which the answer's head begins.
    answer_at: usize,
    /// The length of the request's body, in bytes.
    request_length: u64,
    answer: Beginning,
}

/// The beginning of an answer's body.
#[derive(Clone, Debug, Default)]
struct Beginning {
    kept: Bytes,
    /// The bytes that were sent so far.
    length: u64,
}

impl Capture {
    /// The request. A body that was not read into memory is empty here.
    pub(super) fn set_request(&mut self, headers: &HeaderMap, body: &[u8]) {
        let kept = &body[..body.len().min(MAX_BODY)];
        self.copied = Vec::with_capacity(length(headers) + kept.len() + HEAD_OF_AN_ANSWER);
        write_lines(headers, &mut self.copied);
        self.body_at = self.copied.len();
        self.copied.extend_from_slice(kept);
        self.answer_at = self.copied.len();
        self.request_length = body.len() as u64;
    }

    /// The head of the answer.
    pub(super) fn set_answer_head(&mut self, headers: &HeaderMap) {
        self.copied.truncate(self.answer_at);
        self.copied.reserve_exact(length(headers));
        write_lines(headers, &mut self.copied);
    }

    /// The next part of the answer's body.
    pub(super) fn add_answer_part(&mut self, bytes: &Bytes) {
        self.answer.add(bytes);
    }

    /// The whole body of the answer, in a buffer of its own: shared, not copied.
    pub(super) fn set_answer_body(&mut self, body: &Bytes) {
        self.answer = Beginning {
            kept: body.slice(..body.len().min(MAX_BODY)),
            length: body.len() as u64,
        };
    }

    /// About how many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        self.copied.len() + self.answer.kept.len()
    }

    /// The request, secrets redacted.
    pub(super) fn request(&self) -> Value {
        let head = &self.copied[..self.body_at];
        shown(
            head,
            &self.copied[self.body_at..self.answer_at],
            self.request_length,
        )
    }

    /// The answer, secrets redacted.
    pub(super) fn answer(&self) -> Value {
        let head = &self.copied[self.answer_at..];
        shown(head, &self.answer.kept, self.answer.length)
    }
}

impl Beginning {
    /// The next bytes of the body.
    fn add(&mut self, bytes: &Bytes) {
        self.length += bytes.len() as u64;
        let left = MAX_BODY - self.kept.len();
        if left == 0 || bytes.is_empty() {
            return;
        }
        let taken = &bytes[..bytes.len().min(left)];
        // Copied: it may be a small part of a large buffer, which would be kept whole.
        self.kept = if self.kept.is_empty() {
            Bytes::copy_from_slice(taken)
        } else {
            [&self.kept, taken].concat().into()
        };
    }
}

fn length(headers: &HeaderMap) -> usize {
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 2;
    headers.iter().map(line).sum()
}

/// A line for each header.
fn write_lines(headers: &HeaderMap, to: &mut Vec<u8>) {
    for (name, value) in headers {
        to.extend_from_slice(name.as_str().as_bytes());
        to.push(b':');
        to.extend_from_slice(value.as_bytes());
        // A header's value cannot hold one.
        to.push(b'\n');
    }
}

/// Names and values.
fn lines(head: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let text = String::from_utf8_lossy;
        Some((text(&line[..colon]), text(&line[colon + 1..])))
    })
}

/// One side, of whose body of `length` bytes the beginning was kept.
fn shown(head: &[u8], kept: &[u8], length: u64) -> Value {
    let mut headers = Map::new();
    for (name, value) in lines(head) {
        let text = redact_header(&name, &value);
        match headers.get_mut(&*name) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&text);
            }
            _ => {
                headers.insert(name.into_owned(), Value::from(text));
            }
        }
    }
    let mut object = json!({ "headers": headers, "bytes": length });
    let is_cut = length > kept.len() as u64;
    if !kept.is_empty() {
        let (key, value) = body(kept, is_cut);
        object[key] = Value::from(value);
    }
    if is_cut {
        object["truncated"] = Value::from(true);
    }
    object
}

/// Text under `body`, other bytes under `body_base64`.
fn body(kept: &[u8], is_cut: bool) -> (&'static str, String) {
    let text = match std::str::from_utf8(kept) {
        Ok(text) => Some(text),
        // The cut may go through a character.
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(&kept[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    match text {
        Some(text) => ("body", redact_text(text)),
        None => ("body_base64", STANDARD.encode(kept)),
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn headers() -> HeaderMap {
        let token = HeaderValue::from_static("Bearer 0123456789abcdef");
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token);
        headers.append(header::ACCEPT, HeaderValue::from_static("a: b"));
        headers.append(header::ACCEPT, HeaderValue::from_static("c"));
        headers
    }

    fn request_with(body: &[u8]) -> Value {
        let mut capture = Capture::default();
        capture.set_request(&headers(), body);
        capture.request()
    }

    #[test]
    fn secrets_of_a_request_are_redacted() {
        let shown_request = request_with(br#"{"access_token":"0123456789abcdef","n":1}"#);
        let headers = json!({"authorization": "Bearer [redacted …cdef]", "accept": "a: b, c"});
        assert_eq!(shown_request["headers"], headers);
        let body = r#"{"access_token":"[redacted …cdef]","n":1}"#;
        assert_eq!(shown_request["body"], body);
        assert_eq!(shown_request["bytes"], 41);
        assert!(shown_request.get("truncated").is_none());
    }

    #[test]
    fn the_sides_are_kept_apart_and_the_last_head_counts() {
        let mut capture = Capture::default();
        capture.set_request(&headers(), b"abc");
        capture.set_answer_head(&headers());
        let kind = HeaderValue::from_static("text/plain");
        capture.set_answer_head(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]));
        capture.set_answer_body(&Bytes::from_static(b"de"));
        assert_eq!(capture.request()["body"], "abc");
        let answer = json!({"headers": {"content-type": "text/plain"}, "bytes": 2, "body": "de"});
        assert_eq!(capture.answer(), answer);
    }

    #[test]
    fn only_the_beginning_of_a_large_body_is_kept() {
        let large = "é".repeat(MAX_BODY);
        let side = request_with(&large.as_bytes()[1..MAX_BODY + 2]);
        assert_eq!(side["truncated"], true);
        assert!(
            side.get("body").is_none(),
            "it begins in the middle of a character"
        );

        let mut capture = Capture::default();
        capture.add_answer_part(&Bytes::from_static(b"x"));
        capture.add_answer_part(&Bytes::from(large.clone()));
        let side = capture.answer();
        assert_eq!(side["truncated"], true);
        assert_eq!(side["bytes"], 2 * MAX_BODY + 1);
        let kept = side["body"].as_str().map(str::len);
        assert_eq!(kept, Some(MAX_BODY - 1));
        assert_eq!(request_with(&[0xff, 0xfe])["body_base64"], "//4=");
    }
}
