//! Follows the stream of the mock: each notice goes to the events that it belongs to, and a caller
//! can wait until everything up to a given notice has been handled.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::{
    mock::MockError,
    server_sent::{ServerSentEvents, fields},
};
use crate::domain::{
    call::{CallRecord, EventIds},
    notice::{Connection, Notice},
    outcome::{CaseName, Observed, Status, check::at},
    secret::redact,
};

/// Judged events whose late calls are still reported; older ones are forgotten.
const JUDGED_KEPT: usize = 512;
/// Connections and strays that are kept for the report.
const MAX_KEPT: usize = 20;

/// The events of a run that are in progress, and what else the mock saw.
#[derive(Debug)]
pub(super) struct EventTracker {
    inner: Mutex<Inner>,
    /// How far the stream has been read; `None` once it has ended.
    read: watch::Sender<Option<u64>>,
}

#[derive(Debug, Default)]
struct Inner {
    events: HashMap<String, Followed>,
    judged: VecDeque<String>,
    strays: Vec<String>,
    strays_left_out: usize,
    connections: VecDeque<Arc<Connection>>,
    lost_a_part: bool,
}

/// An event with the name of its case.
#[derive(Clone, Debug)]
struct Followed {
    case: CaseName,
    tracked: Arc<TrackedEvent>,
}

/// One event in progress.
#[derive(Debug)]
pub(super) struct TrackedEvent {
    sent_at: Timestamp,
    since: Instant,
    state: Mutex<EventState>,
    /// Notified when something happened.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct EventState {
    observed: Observed,
    judged: bool,
}

impl TrackedEvent {
    /// An event that is sent at `since`, when the clock shows `sent_at`.
    pub(super) fn new(sent_at: Timestamp, since: Instant) -> Self {
        Self {
            sent_at,
            since,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Milliseconds since it was sent.
    pub(super) fn elapsed(&self) -> f64 {
        self.ms_until(Instant::now())
    }

    /// Milliseconds from its sending to `then`.
    pub(super) fn ms_until(&self, then: Instant) -> f64 {
        then.saturating_duration_since(self.since).as_secs_f64() * 1000.0
    }

    /// Reads or changes what was observed.
    pub(super) fn with<T>(&self, access: impl FnOnce(&mut Observed) -> T) -> T {
        access(&mut self.lock().observed)
    }

    /// Takes what was observed for the verdict: whatever follows is late.
    pub(super) fn judge(&self) -> Observed {
        let mut state = self.lock();
        state.judged = true;
        std::mem::take(&mut state.observed)
    }

    fn ms(&self, at: Timestamp) -> f64 {
        at.duration_since(self.sent_at).as_secs_f64() * 1000.0
    }

    fn lock(&self) -> MutexGuard<'_, EventState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventTracker {
    pub(super) fn new(start: u64) -> Self {
        Self {
            inner: Mutex::default(),
            read: watch::Sender::new(Some(start)),
        }
    }

    /// Starts to follow the event of `case`, which is about to be sent.
    pub(super) fn track(&self, event_id: String, case: CaseName, tracked: Arc<TrackedEvent>) {
        let followed = Followed { case, tracked };
        self.lock().events.insert(event_id, followed);
    }

    /// Notes that an event has its verdict. It is kept for a while, for late calls. Returns the events
    /// that are now forgotten.
    pub(super) fn judged(&self, event_id: String) -> Vec<String> {
        let mut inner = self.lock();
        inner.judged.push_back(event_id);
        let mut forgotten = Vec::new();
        // In batches, so that one call to the mock removes many.
        if inner.judged.len() >= 2 * JUDGED_KEPT {
            forgotten.extend(inner.judged.drain(..JUDGED_KEPT));
            for id in &forgotten {
                inner.events.remove(id);
            }
        }
        forgotten
    }

    /// What fails the run as a whole.
    pub(super) fn strays(&self) -> Vec<String> {
        let inner = self.lock();
        let mut strays = inner.strays.clone();
        if inner.strays_left_out > 0 {
            strays.push(format!("and {} more", inner.strays_left_out));
        }
        strays
    }

    /// The connections without a call that the mock saw, each kind once.
    pub(super) fn connections(&self) -> Vec<Arc<Connection>> {
        let mut seen: Vec<Arc<Connection>> = Vec::new();
        for connection in &self.lock().connections {
            if !seen.iter().any(|known| known.text == connection.text) {
                seen.push(Arc::clone(connection));
            }
        }
        seen
    }

    /// Whether the stream has lost a part.
    pub(super) fn lost_a_part(&self) -> bool {
        self.lock().lost_a_part
    }

    /// Waits until everything up to notice `number` has been handled; false where the stream ended
    /// before.
    pub(super) async fn caught_up(&self, number: u64) -> bool {
        let mut read = self.read.subscribe();
        let reached = read
            .wait_for(|read| read.is_none_or(|read| read >= number))
            .await;
        reached.is_ok_and(|read| read.is_some())
    }

    /// Reads the stream until it ends.
    pub(super) async fn follow(
        &self,
        stream: impl Stream<Item = Result<Bytes, reqwest::Error>>,
        gap: impl Fn() -> MockError,
    ) -> Result<(), MockError> {
        let mut stream = pin!(stream);
        let mut events = ServerSentEvents::default();
        let mut result = Ok(());
        while let Some(Ok(chunk)) = stream.next().await {
            events.push(&chunk);
            while let Some(text) = events.next() {
                let Some((number, kind, data)) = fields(text) else {
                    continue;
                };
                match Notice::read(kind, data) {
                    Ok(Some(Notice::Gap)) | Err(_) => {
                        self.lock().lost_a_part = true;
                        result = Err(gap());
                    }
                    Ok(Some(notice)) => self.handle(notice),
                    Ok(None) => {}
                }
                self.read.send_replace(Some(number));
            }
        }
        self.read.send_replace(None);
        result
    }

    fn handle(&self, notice: Notice) {
        match notice {
            Notice::Opened(opening) => {
                self.each(&opening.events, |followed, observed| {
                    observed.opened(opening.call, followed.tracked.elapsed());
                    None
                });
            }
            Notice::Closed(record) => self.closed(&record),
            Notice::Written(written) => {
                let record = &written.record;
                self.each(&written.events, |Followed { case, tracked }, observed| {
                    let ms = tracked.ms(record.at);
                    observed.written(record, ms, tracked.elapsed());
                    let status = observed.writes.last().and_then(|write| write.status);
                    Some(format!(
                        "{case}: {} was written at {}, after its verdict",
                        status.map_or(record.op.as_str(), Status::as_str),
                        at(ms)
                    ))
                });
            }
            Notice::Connection(connection) => {
                let mut inner = self.lock();
                if inner.connections.len() == MAX_KEPT {
                    inner.connections.pop_front();
                }
                inner.connections.push_back(connection);
            }
            // The mock's own pump is not part of a run.
            Notice::Placed(_) | Notice::Attempt(_) | Notice::Remark(_) | Notice::Gap => {}
        }
    }

    fn closed(&self, record: &Arc<CallRecord>) {
        let ours = self.each(&record.events, |Followed { case, tracked }, observed| {
            let ms = tracked.ms(record.at);
            observed.closed(Arc::clone(record), ms, tracked.elapsed());
            record.is_refused_token().then(|| {
                format!(
                    "{case}: {} {} was refused with {} at {}, after its verdict",
                    record.method,
                    record.target,
                    record.status,
                    at(ms)
                )
            })
        });
        let unknown = record.token.as_ref().filter(|token| token.kind.is_none());
        if let Some(token) = unknown
            && !ours
            && record.is_refused_token()
        {
            self.stray(format!(
                "a call came with a token that the mock does not know ({}): {} {} was answered {}",
                match token.last4.as_str() {
                    "" => redact(""),
                    end => format!("…{end}"),
                },
                record.method,
                record.target,
                record.status
            ));
        }
    }

    /// Calls `observe` for each event that a notice belongs to; returns whether there was one. After
    /// the verdict of the event, the words that `observe` returns are kept as a stray.
    fn each(
        &self,
        event_ids: &EventIds,
        mut observe: impl FnMut(&Followed, &mut Observed) -> Option<String>,
    ) -> bool {
        let mut any = false;
        for id in event_ids.iter() {
            let Some(followed) = self.lock().events.get(id).cloned() else {
                continue;
            };
            let tracked = &followed.tracked;
            any = true;
            let late = {
                let mut state = tracked.lock();
                let words = observe(&followed, &mut state.observed);
                words.filter(|_| state.judged)
            };
            if let Some(words) = late {
                self.stray(words);
            }
            tracked.changed.notify_one();
        }
        any
    }

    fn stray(&self, words: String) {
        let mut inner = self.lock();
        if inner.strays.len() < MAX_KEPT {
            inner.strays.push(words);
        } else {
            inner.strays_left_out += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
