//! The call log: the last calls with both heads and the beginnings of both bodies, in a ring that
//! is bounded in number and bytes, and how many there were altogether. What is kept is cheap to
//! keep; it is redacted when somebody reads it.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::domain::{
    call::CallRecord,
    secret::{redact_header, redact_text},
    stats::Totals,
};

/// Calls that are kept at the most.
const MOST: usize = 1000;
/// Bytes that are kept at the most, about.
const MOST_BYTES: usize = 6 * 1024 * 1024;
/// Of each body.
const MOST_OF_A_BODY: usize = 64 * 1024;

/// The log.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// The number of the newest, from 1, in the order of their ends.
    newest: u64,
    totals: Totals,
}

/// One call with what was said on both sides.
#[derive(Debug)]
pub struct Entry {
    /// The call.
    pub record: Arc<CallRecord>,
    /// What the client sent.
    pub request: Side,
    /// What it was answered.
    pub answer: Side,
}

/// The head and the beginning of the body that one side sent.
#[derive(Debug, Default)]
pub struct Side {
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Beginning,
}

/// Headers in one piece, a line each. Those of a request are parts of the buffer that its
/// connection reads into: kept as they came, they would take the buffer from it.
#[derive(Debug, Default)]
pub struct Headers(Box<[u8]>);

impl From<&HeaderMap> for Headers {
    fn from(headers: &HeaderMap) -> Self {
        let length =
            |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 2;
        let mut lines = Vec::with_capacity(headers.iter().map(length).sum());
        for (name, value) in headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.push(b':');
            lines.extend_from_slice(value.as_bytes());
            // No value has one of its own.
            lines.push(b'\n');
        }
        Self(lines.into_boxed_slice())
    }
}

impl Headers {
    /// Names and values, as they came.
    fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let lines = self.0.split(|byte| *byte == b'\n');
        lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let text = String::from_utf8_lossy;
            Some((text(&line[..colon]), text(&line[colon + 1..])))
        })
    }
}

/// The beginning of a body.
#[derive(Debug, Default)]
pub struct Beginning {
    kept: Bytes,
    /// Its length, in bytes, as far as it went.
    length: u64,
}

impl Beginning {
    /// The beginning of a body that the mock made, and that is a buffer of its own: shared with
    /// whoever else has it.
    pub fn of_own(body: &Bytes) -> Self {
        Self {
            kept: body.slice(..body.len().min(MOST_OF_A_BODY)),
            length: body.len() as u64,
        }
    }

    /// The next bytes of the body.
    pub fn add(&mut self, bytes: &Bytes) {
        self.length += bytes.len() as u64;
        let room = MOST_OF_A_BODY - self.kept.len();
        if room == 0 || bytes.is_empty() {
            return;
        }
        let taken = &bytes[..bytes.len().min(room)];
        // Copied: what came from a socket may be a small part of a large buffer, which would be
        // kept whole.
        self.kept = if self.kept.is_empty() {
            Bytes::copy_from_slice(taken)
        } else {
            [&self.kept, taken].concat().into()
        };
    }
}

impl Calls {
    /// Adds a call that has ended.
    pub fn add(&self, entry: Entry) {
        // Made before the lock, which everybody waits for, and what goes is freed after it.
        let entry = Arc::new(entry);
        let gone = self.lock().add(entry);
        drop(gone);
    }

    /// Up to `most` calls after number `after`, each with its number.
    pub fn after(&self, after: u64, most: usize) -> Vec<(u64, Arc<Entry>)> {
        let ring = self.lock();
        let oldest = ring.newest - ring.entries.len() as u64;
        let skip = usize::try_from(after.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let first = oldest + skip.min(ring.entries.len()) as u64 + 1;
        let found = ring.entries.iter().skip(skip).take(most).cloned();
        (first..).zip(found).collect()
    }

    /// Forgets the calls; numbers and counts go on.
    pub fn clear(&self) {
        let mut ring = self.lock();
        ring.entries.clear();
        ring.bytes = 0;
    }

    /// How many there were since the start.
    pub fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Adds a call, and gives the one that has no room any more. Where a large one takes the room
    /// of several, it is the last of those.
    fn add(&mut self, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        self.totals.calls += 1;
        *self.totals.statuses.entry(entry.record.status).or_default() += 1;
        self.totals.faults += u64::from(entry.record.fault.is_some());
        self.bytes += entry.weight();
        self.entries.push_back(entry);
        self.newest += 1;
        let mut gone = None;
        while self.entries.len() > MOST || self.bytes > MOST_BYTES && self.entries.len() > 1 {
            gone = self.entries.pop_front();
            self.bytes -= gone.as_ref().map_or(0, |gone| gone.weight());
        }
        gone
    }
}

impl Entry {
    /// About how many bytes it holds.
    fn weight(&self) -> usize {
        const OWN: usize = 2048;
        let side = |side: &Side| side.headers.0.len() + side.body.kept.len();
        OWN + self.record.target.len() + side(&self.request) + side(&self.answer)
    }

    /// The call as it may be told: its record with `request` and `answer`, secrets redacted.
    pub fn to_json(&self, number: u64) -> Value {
        let mut object = json!({ "number": number });
        if let (Value::Object(all), Ok(Value::Object(record))) =
            (&mut object, serde_json::to_value(&*self.record))
        {
            all.extend(record);
        }
        object["request"] = self.request.to_json();
        object["answer"] = self.answer.to_json();
        object
    }
}

impl Side {
    fn to_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in self.headers.iter() {
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
        let mut object = json!({ "headers": headers, "bytes": self.body.length });
        let is_cut = self.body.length > self.body.kept.len() as u64;
        if !self.body.kept.is_empty() {
            let (key, value) = self.body.told(is_cut);
            object[key] = Value::from(value);
        }
        if is_cut {
            object["truncated"] = Value::from(true);
        }
        object
    }
}

impl Beginning {
    /// Text under `body`, other bytes under `body_base64`.
    fn told(&self, is_cut: bool) -> (&'static str, String) {
        let text = match std::str::from_utf8(&self.kept) {
            Ok(text) => Some(text),
            // The cut may go through a character.
            Err(error) if is_cut && error.error_len().is_none() => {
                std::str::from_utf8(&self.kept[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        match text {
            Some(text) => ("body", redact_text(text)),
            None => ("body_base64", STANDARD.encode(&self.kept)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, header};
    use jiff::Timestamp;

    use super::*;
    use crate::domain::call::{EventIds, Operation};

    fn entry(body: &[u8]) -> Entry {
        let mut request = Side::default();
        request.body.add(&Bytes::copy_from_slice(body));
        let token = HeaderValue::from_static("Bearer 0123456789abcdef");
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token);
        headers.append(header::ACCEPT, HeaderValue::from_static("a: b"));
        headers.append(header::ACCEPT, HeaderValue::from_static("c"));
        request.headers = Headers::from(&headers);
        Entry {
            record: Arc::new(CallRecord {
                call: 1,
                at: Timestamp::UNIX_EPOCH,
                method: Method::PUT,
                host: "127.0.0.1".into(),
                target: "/2.0/files/7".into(),
                operation: Operation::Cards,
                status: 200,
                ms: 1.0,
                token: None,
                events: EventIds::default(),
                file_id: None,
                code: None,
                message: None,
                fault: None,
                note: None,
            }),
            request,
            answer: Side::default(),
        }
    }

    #[test]
    fn what_is_told_is_redacted() {
        let body = br#"{"access_token":"0123456789abcdef","n":1}"#;
        let told = entry(body).to_json(3);
        assert_eq!(told["number"], 3);
        assert_eq!(
            told["request"]["headers"]["authorization"],
            "Bearer [redacted …cdef]"
        );
        assert_eq!(told["request"]["headers"]["accept"], "a: b, c");
        let body = r#"{"access_token":"[redacted …cdef]","n":1}"#;
        assert_eq!(told["request"]["body"], body);
        assert_eq!(told["request"]["bytes"], 41);
        assert!(told["request"].get("truncated").is_none());
    }

    #[test]
    fn of_a_large_body_the_beginning_is_kept_and_bytes_are_told_as_such() {
        let large = "é".repeat(MOST_OF_A_BODY);
        let mut told = entry(&large.as_bytes()[1..]);
        told.request.body = Beginning::default();
        told.request.body.add(&Bytes::from_static(b"x"));
        told.request.body.add(&Bytes::from(large.clone()));
        let side = told.to_json(1)["request"].clone();
        assert_eq!(side["truncated"], true);
        assert_eq!(side["bytes"], 2 * MOST_OF_A_BODY + 1);
        assert_eq!(
            side["body"].as_str().map(str::len),
            Some(MOST_OF_A_BODY - 1)
        );
        let side = entry(&[0xff, 0xfe]).to_json(1)["request"].clone();
        assert_eq!(side["body_base64"], "//4=");
    }

    #[test]
    fn the_ring_is_bounded_in_number_and_bytes_and_numbers_go_on() {
        let calls = Calls::default();
        for _ in 0..MOST + 5 {
            calls.add(entry(b"{}"));
        }
        let numbers = |after| -> Vec<u64> {
            let found = calls.after(after, 2);
            found.iter().map(|(number, _)| *number).collect()
        };
        assert_eq!(numbers(0), [6, 7]);
        assert_eq!(numbers(1004), [1005]);
        assert_eq!(numbers(9999), [0; 0]);
        for _ in 0..MOST {
            calls.add(entry(&vec![b'x'; MOST_OF_A_BODY]));
        }
        let ring = calls.lock();
        assert!(ring.bytes <= MOST_BYTES && ring.entries.len() > 90);
        assert_eq!(ring.totals.calls, 2005);
    }
}
