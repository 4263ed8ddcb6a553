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
    coalescer::Coalescer,
    mock::{Mock, MockError},
    server_sent::{ServerSentEvents, fields},
};
use crate::domain::{
    call::{CallRecord, EventIds},
    notice::{Connection, Notice},
    outcome::{CaseName, Observed, Reply, Status, at},
    secret::redact,
};

/// Judged events whose late calls are still reported; older ones are forgotten.
const JUDGED_KEPT: usize = 512;
/// Requests for the position of the stream that one call to the mock answers.
const MAX_BATCH: usize = 64;
/// Strays that are kept for the report.
const MAX_KEPT: usize = 20;

/// The events of a run that are in progress, and what else the mock saw.
#[derive(Debug)]
pub(super) struct EventTracker {
    mock: Arc<Mock>,
    inner: Mutex<Inner>,
    /// The number of the mock's newest notice.
    newest: Coalescer<(), Result<u64, MockError>>,
    /// How far the stream has been read; `None` once it has ended.
    read: watch::Sender<Option<u64>>,
}

#[derive(Debug, Default)]
struct Inner {
    events: HashMap<String, Followed>,
    judged: VecDeque<String>,
    strays: Vec<String>,
    strays_left_out: usize,
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
    /// Notified when a call to a provider was answered.
    provider_called: Notify,
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
            provider_called: Notify::new(),
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

    /// Waits until this many calls to providers were answered.
    pub(super) async fn provider_calls(&self, number: usize) {
        loop {
            let called = self.provider_called.notified();
            if self.with(|observed| observed.provider_calls()) >= number {
                return;
            }
            called.await;
        }
    }

    /// A call of a provider to the skill was answered.
    pub(super) fn called_back(&self, target: String, reply: Reply, at: f64) {
        let now = self.elapsed();
        self.with(|observed| observed.called_back(target, reply, at, now));
        self.changed.notify_one();
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
    /// A tracker for the stream of `mock` after notice `start`.
    pub(super) fn new(mock: Arc<Mock>, start: u64) -> Self {
        let newest = Coalescer::new(MAX_BATCH, |()| 0.0, {
            let mock = Arc::clone(&mock);
            move |requests: Vec<()>| {
                let mock = Arc::clone(&mock);
                async move {
                    let newest = mock.health().await.map(|health| health.next);
                    vec![newest; requests.len()]
                }
            }
        });
        Self {
            mock,
            inner: Mutex::default(),
            newest,
            read: watch::Sender::new(Some(start)),
        }
    }

    /// Starts to follow the event of `case`, which is about to be sent.
    pub(super) fn track(&self, event_id: String, case: CaseName, tracked: Arc<TrackedEvent>) {
        let followed = Followed { case, tracked };
        self.lock().events.insert(event_id, followed);
    }

    /// Notes that an event has its verdict. It is kept for a while, for late calls; then it is
    /// removed here and from the mock.
    ///
    /// # Errors
    /// Where the mock does not answer.
    pub(super) async fn judged(&self, event_id: &str) -> Result<(), MockError> {
        let forgotten: Vec<String> = {
            let mut inner = self.lock();
            inner.judged.push_back(event_id.to_owned());
            // In batches, so that one call to the mock removes many.
            if inner.judged.len() < 2 * JUDGED_KEPT {
                return Ok(());
            }
            let forgotten: Vec<String> = inner.judged.drain(..JUDGED_KEPT).collect();
            for id in &forgotten {
                inner.events.remove(id);
            }
            forgotten
        };
        self.mock.retire(&forgotten).await
    }

    /// What fails the run as a whole.
    ///
    /// # Errors
    /// Where the stream lost a part.
    pub(super) fn strays(&self) -> Result<Vec<String>, MockError> {
        let inner = self.lock();
        if inner.lost_a_part {
            return Err(self.mock.gap());
        }
        let mut strays = inner.strays.clone();
        if inner.strays_left_out > 0 {
            strays.push(format!("and {} more", inner.strays_left_out));
        }
        Ok(strays)
    }

    /// Whether there were calls or writes that belong to no event in progress.
    pub(super) fn has_strays(&self) -> bool {
        !self.lock().strays.is_empty()
    }

    /// Waits until everything that has happened until now has been handled.
    ///
    /// # Errors
    /// Where the mock does not answer, or its stream has ended.
    pub(super) async fn catch_up(&self) -> Result<(), MockError> {
        let newest = self.newest.ask(()).await;
        let newest = newest.unwrap_or_else(|| Err(self.mock.unexpected("it has stopped")))?;
        let mut read = self.read.subscribe();
        let reached = read
            .wait_for(|read| read.is_none_or(|read| read >= newest))
            .await;
        if reached.is_ok_and(|read| read.is_some()) {
            return Ok(());
        }
        Err(MockError::Unreachable {
            url: self.mock.url().clone(),
            reason: "its event stream ended".to_owned(),
        })
    }

    /// Reads the stream until it ends.
    pub(super) async fn follow(&self, stream: impl Stream<Item = Result<Bytes, reqwest::Error>>) {
        let mut stream = pin!(stream);
        let mut events = ServerSentEvents::default();
        while let Some(Ok(chunk)) = stream.next().await {
            events.push(&chunk);
            while let Some(text) = events.next() {
                let Some((number, kind, data)) = fields(text) else {
                    continue;
                };
                match Notice::read(kind, data) {
                    Ok(Some(Notice::Gap)) | Err(_) => {
                        self.lock().lost_a_part = true;
                    }
                    Ok(Some(notice)) => self.handle(notice),
                    Ok(None) => {}
                }
                self.read.send_replace(Some(number));
            }
        }
        self.read.send_replace(None);
    }

    fn handle(&self, notice: Notice) {
        match notice {
            Notice::Opened(opening) => {
                self.each(&opening.events, |followed, observed| {
                    observed.opened(opening.call, opening.operation, followed.tracked.elapsed());
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
            Notice::Connection(connection) => self.connected(&connection),
            // The mock's own pump is not part of a run.
            Notice::Placed(_) | Notice::Attempt(_) | Notice::Remark(_) | Notice::Gap => {}
        }
    }

    /// A connection that names no event belongs to all that are in progress.
    fn connected(&self, connection: &Arc<Connection>) {
        let in_progress: Vec<_> = {
            let inner = self.lock();
            let is_meant =
                |id: &str| connection.events.is_empty() || connection.events.contains(id);
            let events = inner.events.iter().filter(|(id, _)| is_meant(id));
            events
                .map(|(_, event)| Arc::clone(&event.tracked))
                .collect()
        };
        for tracked in in_progress {
            let (ms, now) = (tracked.ms(connection.at), tracked.elapsed());
            {
                let mut state = tracked.lock();
                if state.judged || ms < 0.0 {
                    continue;
                }
                state.observed.connected(Arc::clone(connection), ms, now);
            }
            tracked.changed.notify_one();
            if connection.provider.is_some() {
                tracked.provider_called.notify_one();
            }
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
