//! The call log: the last calls with their requests and answers, in a ring that is bounded in number
//! and bytes, and how many there were altogether.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::capture::Capture;
use crate::domain::{call::CallRecord, stats::Totals};

/// The most calls that are kept.
const MAX_CALLS: usize = 1000;
/// About the most bytes that are kept.
const MAX_BYTES: usize = 6 * 1024 * 1024;

/// The log.
#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The number of the newest, from 1, in the order of their ends.
    newest: u64,
    totals: Totals,
}

/// One call with its request and answer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The call.
    pub record: Arc<CallRecord>,
    /// The request and the answer.
    pub capture: Capture,
}

impl CallLog {
    /// Adds a call that has ended.
    pub(super) fn add(&self, entry: Entry) {
        // The removed call is freed after the lock, which all calls wait for.
        let gone = self.lock().add(entry);
        drop(gone);
    }

    /// Up to `most` calls after number `after`, each with its number.
    pub(super) fn after(&self, after: u64, most: usize) -> Vec<(u64, Entry)> {
        let ring = self.lock();
        let oldest = ring.newest - ring.entries.len() as u64;
        let skip = usize::try_from(after.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let first = oldest + skip.min(ring.entries.len()) as u64 + 1;
        let found = ring.entries.iter().skip(skip).take(most).cloned();
        (first..).zip(found).collect()
    }

    /// Forgets the calls; numbers and counts continue.
    pub(super) fn clear(&self) {
        let mut ring = self.lock();
        ring.entries.clear();
        ring.bytes = 0;
    }

    /// How many there were since the start.
    pub(super) fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Adds a call, and returns the one that was removed for it. If a large one replaces several,
    /// it is the last of those.
    fn add(&mut self, entry: Entry) -> Option<Entry> {
        self.totals.calls += 1;
        *self.totals.statuses.entry(entry.record.status).or_default() += 1;
        self.totals.faults += u64::from(entry.record.fault.is_some());
        self.bytes += entry.weight();
        self.entries.push_back(entry);
        self.newest += 1;
        let mut gone = None;
        while self.entries.len() > MAX_CALLS || self.bytes > MAX_BYTES && self.entries.len() > 1 {
            gone = self.entries.pop_front();
            self.bytes -= gone.as_ref().map_or(0, Entry::weight);
        }
        gone
    }
}

impl Entry {
    /// About how many bytes it holds.
    fn weight(&self) -> usize {
        const OWN: usize = 2048;
        OWN + self.record.target.len() + self.capture.weight()
    }

    /// The call as it may be shown: its record with `request` and `answer`, secrets redacted.
    pub fn to_json(&self, number: u64) -> Value {
        let mut object = json!({ "number": number });
        if let (Value::Object(all), Ok(Value::Object(record))) =
            (&mut object, serde_json::to_value(&*self.record))
        {
            all.extend(record);
        }
        object["request"] = self.capture.request();
        object["answer"] = self.capture.answer();
        object
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method, header};
    use jiff::Timestamp;

    use super::{super::capture::MAX_BODY, *};
    use crate::domain::{call::EventIds, operation::Operation};

    fn entry(body: &[u8]) -> Entry {
        let token = HeaderValue::from_static("Bearer 0123456789abcdef");
        let mut capture = Capture::default();
        capture.set_request(
            &HeaderMap::from_iter([(header::AUTHORIZATION, token)]),
            body,
        );
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
            capture,
        }
    }

    #[test]
    fn entry_shows_the_request_and_the_answer() {
        let shown = entry(b"{}").to_json(3);
        assert_eq!(shown["number"], 3);
        assert_eq!(shown["target"], "/2.0/files/7");
        let authorization = &shown["request"]["headers"]["authorization"];
        assert_eq!(authorization, "Bearer [redacted …cdef]");
        assert_eq!(shown["request"]["body"], "{}");
        assert_eq!(shown["answer"], json!({"headers": {}, "bytes": 0}));
    }

    #[test]
    fn ring_is_bounded_in_number_and_bytes_and_numbers_continue() {
        let calls = CallLog::default();
        for _ in 0..MAX_CALLS + 5 {
            calls.add(entry(b"{}"));
        }
        let numbers = |after| -> Vec<u64> {
            let found = calls.after(after, 2);
            found.iter().map(|(number, _)| *number).collect()
        };
        assert_eq!(numbers(0), [6, 7]);
        assert_eq!(numbers(1004), [1005]);
        assert_eq!(numbers(9999), [0; 0]);
        for _ in 0..MAX_CALLS {
            calls.add(entry(&vec![b'x'; MAX_BODY]));
        }
        let ring = calls.lock();
        assert!(ring.bytes <= MAX_BYTES && ring.entries.len() > 90);
        assert_eq!(ring.totals.calls, 2005);
    }
}
