//! What a connection is doing, and since when: shared between its socket, its service and its
//! driver, so that one timer per connection serves every time-out, and a fault can end it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::stream::Peeked;
use crate::mock_box::wire_faults::End;

/// How long a connection may stay in each of its states.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a request's head to its last; also for a TLS handshake.
    pub head: Duration,
    /// Without a byte of a request's body arriving, or of an answer being taken.
    pub stalled: Duration,
    /// Between two requests, and before the first.
    pub idle: Duration,
    /// For reaching another host through the proxy.
    pub connect: Duration,
    /// What is in flight at shutdown is given this long.
    pub grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            stalled: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            connect: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}

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
    /// Since when; nothing where nobody has asked, for most phases are over before.
    since: Option<Instant>,
    /// Since when the peer takes no byte of what is being written.
    unread_since: Option<Instant>,
    /// A fault's end, to be carried out when what was written so far has left.
    cut: Option<End>,
    cut_is_due: bool,
    /// Everything that was answered has left, and no request is being answered: whatever is
    /// written now is hyper's own word on a head it could not read.
    quiet: bool,
    /// A request's body is to come, and its client may be waiting too.
    body_wanted: bool,
    /// Bytes that have arrived since the present head began.
    arrived: u64,
    /// That word, kept back so that the answer can be given in Box's form.
    kept_back: Vec<u8>,
}

/// The shared view of one connection.
#[derive(Debug)]
pub(super) struct Watch {
    timeouts: Timeouts,
    state: Mutex<State>,
}

impl Watch {
    /// A watch over a connection; `mid_head` when bytes of the first head have arrived already.
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

    /// Nothing panics while holding this lock; were it so, the state would still be whole.
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

    fn take_body_wanted(&self) -> bool {
        std::mem::take(&mut self.state().body_wanted)
    }

    fn has_read(&self, bytes: usize) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.since = None;
            state.arrived = 0;
        }
        state.arrived += bytes as u64;
    }

    /// Keeps hyper's own answer back; gives the number of bytes taken.
    fn keep_back(&self, bytes: &[u8]) -> Option<usize> {
        const AN_ANSWER_OF_HYPER: usize = 1024;
        let mut state = self.state();
        if !state.quiet {
            return None;
        }
        let room = AN_ANSWER_OF_HYPER.saturating_sub(state.kept_back.len());
        let kept = &bytes[..bytes.len().min(room)];
        state.kept_back.extend_from_slice(kept);
        Some(bytes.len())
    }

    fn has_written<T>(&self, written: &Poll<io::Result<T>>) {
        let mut state = self.state();
        match written {
            Poll::Pending => {
                state.unread_since.get_or_insert_with(Instant::now);
            }
            Poll::Ready(_) => state.unread_since = None,
        }
    }

    fn has_flushed(&self) {
        let mut state = self.state();
        state.cut_is_due = state.cut.is_some();
        state.quiet = state.phase != Phase::Busy;
    }
}

/// A request that is being answered; the connection is idle when this goes.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Watch>);

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

/// A stream that tells its watch what it sees.
#[derive(Debug)]
pub(super) struct Watched {
    stream: Peeked,
    watch: Arc<Watch>,
}

impl Watched {
    pub(super) fn new(stream: Peeked, watch: Arc<Watch>) -> Self {
        Self { stream, watch }
    }

    pub(super) fn into_inner(self) -> Peeked {
        self.stream
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let arrived = buffer.filled().len() - before;
        if arrived > 0 {
            self.watch.has_read(arrived);
        } else if read.is_pending() && self.watch.take_body_wanted() {
            acknowledge(self.stream.socket());
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(kept) = self.watch.keep_back(bytes) {
            return Poll::Ready(Ok(kept));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch.has_written(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        if let Some(kept) = first.and_then(|bytes| self.watch.keep_back(bytes)) {
            return Poll::Ready(Ok(kept));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch.has_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.watch.has_flushed();
        }
        self.watch.has_written(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Acknowledges at once what has arrived. Clients that send head and body one after the other
/// (Python's requests through a proxy) do not send the body before the head is acknowledged, which
/// else takes 40 ms.
#[cfg(target_os = "linux")]
fn acknowledge(socket: &TcpStream) {
    // Without it the body comes a little later.
    let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
}

/// Other systems have no way to ask for it.
#[cfg(not(target_os = "linux"))]
fn acknowledge(_: &TcpStream) {}
