//! Following the mock's stream: what happens is handed to the events it belongs to, and whoever
//! waits can be sure to have seen everything up to a given moment.

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

use super::mock::MockError;
use crate::domain::{
    call::{CallRecord, EventIds},
    notice::{Connection, Notice},
    outcome::{CaseName, Observed, Status, check::at},
    secret::redact,
};

/// Judged events of which late calls are still told; older ones are forgotten.
const JUDGED_KEPT: usize = 512;
/// Connections and strays that are kept to be told.
const MOST_TOLD: usize = 20;

/// All events of a run that are under way, and what else the mock saw.
#[derive(Debug)]
pub(super) struct Watch {
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

/// An event of which the stream tells.
#[derive(Clone, Debug)]
struct Followed {
    case: CaseName,
    tracked: Arc<Tracked>,
}

/// One event under way.
#[derive(Debug)]
pub(super) struct Tracked {
    sent_at: Timestamp,
    since: Instant,
    state: Mutex<TrackedState>,
    /// Rings when something happened.
    pub(super) bell: Notify,
}

#[derive(Debug, Default)]
struct TrackedState {
    observed: Observed,
    judged: bool,
}

impl Tracked {
    /// An event that is sent at `since`, which is `sent_at` on the clock.
    pub(super) fn new(sent_at: Timestamp, since: Instant) -> Self {
        Self {
            sent_at,
            since,
            state: Mutex::default(),
            bell: Notify::new(),
        }
    }

    /// Milliseconds since it was sent.
    pub(super) fn elapsed(&self) -> f64 {
        self.at(Instant::now())
    }

    /// Milliseconds from its sending to `then`.
    pub(super) fn at(&self, then: Instant) -> f64 {
        then.saturating_duration_since(self.since).as_secs_f64() * 1000.0
    }

    /// Looks at or changes what was seen.
    pub(super) fn with<T>(&self, see: impl FnOnce(&mut Observed) -> T) -> T {
        see(&mut self.lock().observed)
    }

    /// Ends it: what comes from now on is late.
    pub(super) fn judge(&self) -> Observed {
        let mut state = self.lock();
        state.judged = true;
        // What comes late needs no memory of what came in time.
        std::mem::take(&mut state.observed)
    }

    fn ms(&self, at: Timestamp) -> f64 {
        at.duration_since(self.sent_at).as_secs_f64() * 1000.0
    }

    fn lock(&self) -> MutexGuard<'_, TrackedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub(super) fn new(start: u64) -> Self {
        Self {
            inner: Mutex::default(),
            read: watch::Sender::new(Some(start)),
        }
    }

    /// Begins to follow the event of `case` that is about to be sent.
    pub(super) fn track(&self, event_id: String, case: CaseName, tracked: Arc<Tracked>) {
        let followed = Followed { case, tracked };
        self.lock().events.insert(event_id, followed);
    }

    /// An event is judged: it is kept for a while, for what comes late. Gives the events that are
    /// now forgotten.
    pub(super) fn judged(&self, event_id: String) -> Vec<String> {
        let mut inner = self.lock();
        inner.judged.push_back(event_id);
        let mut forgotten = Vec::new();
        // In batches, so that the mock is asked once for many.
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

    /// What the mock saw of connections that became no call, each kind of it once.
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

    /// Waits until everything up to notice `number` has been handed on; false where the stream
    /// has ended before.
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
        let mut events = ServerSent::default();
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
                    Ok(Some(notice)) => self.hand_on(notice),
                    Ok(None) => {}
                }
                self.read.send_replace(Some(number));
            }
        }
        self.read.send_replace(None);
        result
    }

    fn hand_on(&self, notice: Notice) {
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
                if inner.connections.len() == MOST_TOLD {
                    inner.connections.pop_front();
                }
                inner.connections.push_back(connection);
            }
            // The mock's own pump is no part of a run.
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

    /// Hands something to each event it belongs to; says whether there was one. What comes after
    /// a verdict is noted as a stray, where `tell` has words for it.
    fn each(
        &self,
        event_ids: &EventIds,
        mut tell: impl FnMut(&Followed, &mut Observed) -> Option<String>,
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
                let words = tell(&followed, &mut state.observed);
                words.filter(|_| state.judged)
            };
            if let Some(words) = late {
                self.stray(words);
            }
            tracked.bell.notify_one();
        }
        any
    }

    fn stray(&self, words: String) {
        let mut inner = self.lock();
        if inner.strays.len() < MOST_TOLD {
            inner.strays.push(words);
        } else {
            inner.strays_left_out += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Server-sent events out of the chunks of a stream.
#[derive(Debug, Default)]
struct ServerSent {
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that were given out already.
    used: usize,
}

impl ServerSent {
    fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.extend_from_slice(chunk);
    }

    /// The lines of the next whole event or comment.
    fn next(&mut self) -> Option<&str> {
        let rest = &self.buffer[self.used..];
        let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
        self.used += end + 2;
        Some(std::str::from_utf8(&rest[..end]).unwrap_or_default())
    }
}

/// Number, kind and data of an event; a comment has none.
fn fields(text: &str) -> Option<(u64, &str, &str)> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map(str::trim_start)
    };
    let number = field("id:")?.parse().unwrap_or(0);
    Some((number, field("event:")?, field("data:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_across_chunks_and_comments() {
        let mut events = ServerSent::default();
        events.push(b": connected\n\nid: 7\nevent: ga");
        assert_eq!(events.next().map(fields), Some(None));
        assert_eq!(events.next(), None);
        events.push(b"p\ndata: {}\n\nid: 8\nevent: call\ndata: {\"a\":1}\n\n");
        let found = events.next().and_then(fields);
        assert_eq!(found, Some((7, "gap", "{}")));
        let found = events.next().and_then(fields);
        assert_eq!(found, Some((8, "call", "{\"a\":1}")));
        assert_eq!(events.next(), None);
    }
}
