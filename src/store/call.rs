//! A call between its head and the end of its answer. Its opening and its end are published, the end
//! also when the client disconnects before it.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use super::{call_log::Entry, capture::Capture, shared::Shared};
use crate::{
    domain::{
        call::{CallRecord, EventIds},
        notice::{Notice, Opening},
        secret::redact_target,
    },
    mock_box::{Admission, Admitted, Answer, Body, Head, errors, faults::Strike, model::ids},
};

/// A call that is open. Dropping it closes it.
#[derive(Debug)]
pub struct OpenCall {
    shared: Arc<Shared>,
    record: CallRecord,
    /// The notice of its opening, until it is published.
    opening: Option<Opening>,
    token_event: Option<Arc<str>>,
    file_event: Option<Arc<str>>,
    /// What is known of an admitted call, until it is decided.
    admitted: Option<Admitted>,
    /// The answer to a call that was not admitted, until it is sent.
    refusal: Option<Box<Answer>>,
    strike: Option<Box<Strike>>,
    capture: Capture,
    since: Instant,
}

impl OpenCall {
    pub(super) fn new(
        shared: Arc<Shared>,
        head: &Head,
        admission: Admission,
        call: u64,
        at: Timestamp,
        file_event: Option<Arc<str>>,
        strike: Option<Strike>,
    ) -> Self {
        let seen = admission.seen;
        let target = match head.target.query() {
            None => SmolStr::new(head.target.path()),
            Some(_) => redact_target(head.target.as_str()).into(),
        };
        let (admitted, refusal) = match admission.outcome {
            Ok(admitted) => (Some(admitted), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let mut open = Self {
            opening: None,
            record: CallRecord {
                call,
                at,
                method: head.method.clone(),
                host: head.host().into(),
                target,
                operation: seen.operation,
                status: 0,
                ms: 0.0,
                token: seen.token,
                events: EventIds::default(),
                file_id: seen.file_id,
                code: None,
                message: None,
                fault: None,
                note: None,
            },
            token_event: seen.token_event,
            file_event,
            admitted,
            refusal,
            strike: strike.map(Box::new),
            capture: Capture::default(),
            since: Instant::now(),
            shared,
        };
        open.opening = Some(Opening {
            call,
            at,
            operation: seen.operation,
            events: open.events(),
        });
        open
    }

    /// Publishes that it is open, before anything is waited for. A call that is answered at once does
    /// not need this: its end publishes both.
    pub fn publish_open(&mut self) {
        if let Some(opening) = self.opening.take() {
            self.shared.notices.publish(Notice::Opened(opening));
        }
    }

    /// When its head was in.
    pub(super) fn at(&self) -> Timestamp {
        self.record.at
    }

    /// The call as it was admitted.
    ///
    /// # Errors
    /// The refusal, where it was not. It is returned once.
    pub fn admitted(&mut self) -> Result<&Admitted, Box<Answer>> {
        match &mut self.admitted {
            Some(admitted) => Ok(admitted),
            None => Err(self.refusal.take().unwrap_or_else(|| Box::new(twice()))),
        }
    }

    /// The same, to be decided. It is given once.
    pub(super) fn take_admitted(&mut self) -> Result<Admitted, Answer> {
        self.admitted.take().ok_or_else(twice)
    }

    /// The events the call belongs to: that of its token, or else of its file; both where it is
    /// refused, since either side may have taken the wrong one.
    pub fn events(&self) -> EventIds {
        let with_file = self.token_event.is_none() || self.record.is_refused_token();
        let file_event = self.file_event.clone().filter(|_| with_file);
        EventIds::new(self.token_event.clone(), file_event)
    }

    /// The answer of a fault that replaces Box's.
    pub(super) fn struck_answer(&self) -> Option<Answer> {
        let strike = self.strike.as_ref()?;
        Some(strike.on(strike.answer.clone()?))
    }

    /// One of Box's answers, with the changes of a fault.
    pub(super) fn struck(&self, answer: Answer) -> Answer {
        match &self.strike {
            None => answer,
            Some(strike) => strike.on(answer),
        }
    }

    /// Sets the file that the call is about, when its body names it.
    pub(super) fn set_file(&mut self, file_id: SmolStr, event: Option<Arc<str>>) {
        self.record.file_id = Some(file_id);
        self.file_event = event;
    }

    /// Records the request.
    pub fn capture_request(&mut self, headers: &HeaderMap, body: &Body) {
        let body = match body {
            Body::Memory(bytes) => &**bytes,
            _ => &[],
        };
        self.capture.set_request(headers, body);
    }

    /// Records the head of the answer.
    pub fn capture_head(&mut self, headers: &HeaderMap) {
        self.capture.set_answer_head(headers);
    }

    /// Records a part of the answer's body.
    pub fn capture_part(&mut self, bytes: &Bytes) {
        self.capture.add_answer_part(bytes);
    }

    /// Records the answer's body, where it is whole and in memory.
    pub fn capture_body(&mut self, bytes: &Bytes) {
        self.capture.set_answer_body(bytes);
    }

    /// Records the answer.
    pub fn set_answer(&mut self, answer: &mut Answer) {
        self.record.status = answer.status.as_u16();
        if let Some((code, message)) = answer.refusal() {
            self.record.code = Some(code.to_owned());
            self.record.message = Some(message.to_owned());
        }
        self.record.note = answer.note.take();
        self.record.fault = answer.fault.as_deref().map(str::to_owned);
    }

    /// The id that Box would give this request: the same in the header and in an error's body.
    pub fn request_id(&self) -> SmolStr {
        let number = self.record.call;
        let id = u128::from(ids::mix(number)) << 16 | u128::from(number & 0xffff);
        format_smolstr!("{id:020x}")
    }
}

/// The answer to a call that is decided twice, which does not happen.
fn twice() -> Answer {
    errors::internal("a call was carried out twice")
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.record.ms = self.since.elapsed().as_secs_f64() * 1000.0;
        self.record.events = self.events();
        let record = Arc::new(taken(&mut self.record));
        self.shared.call_log.add(Entry {
            record: Arc::clone(&record),
            capture: std::mem::take(&mut self.capture),
        });
        let closed = Notice::Closed(record);
        match self.opening.take() {
            Some(opening) => {
                let opened = Notice::Opened(opening);
                self.shared.notices.publish_both(opened, closed);
            }
            None => self.shared.notices.publish(closed),
        }
    }
}

/// The record, moved out of the call.
fn taken(record: &mut CallRecord) -> CallRecord {
    CallRecord {
        method: std::mem::take(&mut record.method),
        host: std::mem::take(&mut record.host),
        target: std::mem::take(&mut record.target),
        token: record.token.take(),
        events: std::mem::take(&mut record.events),
        file_id: record.file_id.take(),
        code: record.code.take(),
        message: record.message.take(),
        fault: record.fault.take(),
        note: record.note.take(),
        ..*record
    }
}
