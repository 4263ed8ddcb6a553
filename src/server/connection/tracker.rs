//! What a connection is doing, and since when: shared between its stream, its requests and the task
//! that drives it, so that one timer per connection serves every time-out, and a fault can end it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{mock_box::wire_faults::End, server::options::Timeouts};

/// Which limit a connection has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Idle,
    Head,
    Unread,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between requests.
    Idle,
    /// In the middle of a head.
    Head,
    /// A request is being answered.
    Busy,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Since when. Set when a deadline is first asked for: most phases are over before.
    since: Option<Instant>,
    /// Since when the peer takes no byte of what is being written.
    unread_since: Option<Instant>,
    /// A fault's end, to be carried out when what was written so far has left.
    cut: Option<End>,
    cut_is_due: bool,
    /// Every answer has left, and no request is being answered: what is written now is hyper's own
    /// answer to a head that it could not read.
    quiet: bool,
    /// A request's body is to come, and its client may be waiting too.
    body_wanted: bool,
    /// Bytes that have arrived since the present head began.
    arrived: u64,
    /// Hyper's own answer, kept back so that Box's form of it can be sent instead.
    kept_back: Vec<u8>,
}

/// The states of one connection.
#[derive(Debug)]
pub(super) struct IdleTracker {
    timeouts: Timeouts,
    state: Mutex<State>,
}

impl IdleTracker {
    /// The tracker of a new connection; `mid_head` when bytes of the first head have arrived already.
    pub(super) fn new(timeouts: Timeouts, mid_head: bool) -> Arc<Self> {
        Arc::new(Self {
            timeouts,
            state: Mutex::new(State {
                phase: if mid_head { Phase::Head } else { Phase::Idle },
                since: None,
                unread_since: None,
                cut: None,
                cut_is_due: false,
                quiet: true,
                body_wanted: false,
                arrived: 0,
                kept_back: Vec::new(),
            }),
        })
    }

    /// Nothing panics while holding this lock; if it did, the state would still be whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head has been read: it is being answered until the guard goes. `length` is that
    /// of the whole request in bytes, where it has a body: what has not arrived of it is to come.
    pub(super) fn request(self: &Arc<Self>, length: Option<u64>) -> InFlight {
        let mut state = self.state();
        state.body_wanted = length.is_some_and(|length| state.arrived < length);
        state.phase = Phase::Busy;
        state.quiet = false;
        drop(state);
        InFlight(Arc::clone(self))
    }

    /// Asks for the connection to be ended once what was written so far has left.
    pub(super) fn cut(&self, end: End) {
        self.state().cut = Some(end);
    }

    /// The end that a fault asked for, when its time has come.
    pub(super) fn due_cut(&self) -> Option<End> {
        let state = self.state();
        state.cut.filter(|_| state.cut_is_due)
    }

    /// The end that a fault asked for, whether or not what was written has left.
    pub(super) fn asked_cut(&self) -> Option<End> {
        self.state().cut
    }

    /// Whether no request is being read or answered and every answer has left.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Idle && state.quiet
    }

    /// Whether a head has begun to arrive and is not whole.
    pub(super) fn is_mid_head(&self) -> bool {
        self.state().phase == Phase::Head
    }

    /// Hyper's own answer to a head it could not read, which was kept back.
    pub(super) fn take_kept_back(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().kept_back)
    }

    /// When the connection will have been in its state for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let mut state = self.state();
        let limit = match state.phase {
            Phase::Idle => Some(self.timeouts.idle),
            Phase::Head => Some(self.timeouts.head),
            Phase::Busy => None,
        };
        let of_phase = limit.map(|limit| *state.since.get_or_insert_with(Instant::now) + limit);
        let of_writing = state
            .unread_since
            .map(|since| since + self.timeouts.stalled);
        match (of_phase, of_writing) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Which limit has been passed, if any.
    pub(super) fn expired(&self) -> Option<Expired> {
        let now = Instant::now();
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        let state = self.state();
        Some(match state.phase {
            _ if state.unread_since.is_some() => Expired::Unread,
            Phase::Head => Expired::Head,
            Phase::Idle | Phase::Busy => Expired::Idle,
        })
    }

    /// Whether the client may be waiting to send a body; asked once for each request.
    pub(super) fn take_body_wanted(&self) -> bool {
        std::mem::take(&mut self.state().body_wanted)
    }

    pub(super) fn has_read(&self, bytes: usize) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.since = None;
            state.arrived = 0;
        }
        state.arrived += bytes as u64;
    }

    /// Keeps hyper's own answer to a malformed head back: the number of bytes taken, or none where
    /// the bytes belong to an answer.
    pub(super) fn keep_back(&self, bytes: &[u8]) -> Option<usize> {
        const MAX_KEPT_BACK: usize = 1024;
        let mut state = self.state();
        if !state.quiet {
            return None;
        }
        let free = MAX_KEPT_BACK.saturating_sub(state.kept_back.len());
        let kept = &bytes[..bytes.len().min(free)];
        state.kept_back.extend_from_slice(kept);
        Some(bytes.len())
    }

    /// `is_pending` where the peer takes no byte.
    pub(super) fn has_written(&self, is_pending: bool) {
        let mut state = self.state();
        if is_pending {
            state.unread_since.get_or_insert_with(Instant::now);
        } else {
            state.unread_since = None;
        }
    }

    pub(super) fn has_flushed(&self) {
        let mut state = self.state();
        state.cut_is_due = state.cut.is_some();
        state.quiet = state.phase != Phase::Busy;
    }
}

/// A request that is being answered; the connection is idle when this goes.
#[derive(Debug)]
pub(super) struct InFlight(Arc<IdleTracker>);

impl InFlight {
    /// Asks for the connection to be ended once what was written so far has left.
    pub(super) fn cut(&self, end: End) {
        self.0.cut(end);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.phase = Phase::Idle;
        state.since = None;
    }
}
