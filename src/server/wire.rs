//! Bodies on the wire: what an answer may be made of, a request's body with its time-out, and
//! the carrying out of delivery advice (slow, cut) on the bytes of an answer.

use std::{
    error::Error as StdError,
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{
    fs::File,
    io::{AsyncRead, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

use super::watch::InFlight;
use crate::mock_box::wire_faults::{Cut, CutPoint, End, WireFaults};

/// A body that is made up as it goes: server-sent events, another host's answer.
pub type Streaming = Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>;

/// The body of an answer.
pub struct WireBody(Kind);

enum Kind {
    Bytes(Bytes),
    File(FileBody),
    Streaming(Streaming),
}

impl WireBody {
    /// No body: `Content-Length: 0`.
    pub fn empty() -> Self {
        Self(Kind::Bytes(Bytes::new()))
    }

    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }

    /// `length` bytes of `file` from where it stands, read from disk as the client takes them.
    /// A file that turns out shorter breaks the connection off.
    pub fn file(file: File, length: u64) -> Self {
        Self(Kind::File(FileBody {
            file,
            left: length,
            buffer: BytesMut::new(),
        }))
    }

    /// A body that is made up as it goes.
    pub fn streaming(body: impl Body<Data = Bytes, Error = io::Error> + Send + 'static) -> Self {
        Self(Kind::Streaming(Box::pin(body)))
    }

    /// Its bytes, where they are in memory.
    ///
    /// # Errors
    /// The body as it was, where they are not.
    pub fn into_bytes(self) -> Result<Bytes, Self> {
        match self.0 {
            Kind::Bytes(bytes) => Ok(bytes),
            _ => Err(self),
        }
    }

    /// Its length in bytes, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }
}

impl Default for WireBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for WireBody {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl fmt::Debug for WireBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(formatter, "WireBody({length} bytes)"),
            None => formatter.write_str("WireBody(streaming)"),
        }
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().0 {
            Kind::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::File(file) => file.poll_chunk(context),
            Kind::Streaming(body) => body.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::File(file) => file.left == 0,
            Kind::Streaming(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::File(file) => SizeHint::with_exact(file.left),
            Kind::Streaming(body) => body.size_hint(),
        }
    }
}

/// A part of a file, in chunks.
struct FileBody {
    file: File,
    left: u64,
    buffer: BytesMut,
}

impl FileBody {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        const CHUNK: usize = 64 * 1024;
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK));
        self.buffer.resize(wanted, 0);
        let mut buffer = ReadBuf::new(&mut self.buffer);
        let read = ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer));
        let filled = buffer.filled().len();
        Poll::Ready(Some(match read {
            Err(error) => Err(error),
            Ok(()) if filled == 0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was sent",
            )),
            Ok(()) => {
                self.left -= filled as u64;
                self.buffer.truncate(filled);
                Ok(Frame::data(std::mem::take(&mut self.buffer).freeze()))
            }
        }))
    }
}

/// Why a request's body did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// No byte came for the time that is allowed.
    #[error("no byte of the request's body arrived for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The connection ended, or what came was no valid body (a broken chunk).
    #[error("the request's body broke off: {}", innermost(.0))]
    Broken(#[source] hyper::Error),
}

/// What stands at the bottom of a chain of errors: hyper's own words are about its inside.
fn innermost(error: &dyn StdError) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A request's body: nothing of it is read before it is asked for, and a client that stops
/// sending in the middle is given up after a time.
pub struct RequestBody {
    incoming: Incoming,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, patience: Duration) -> Self {
        Self {
            incoming,
            patience,
            waiting: None,
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RequestBody({:?})", self.incoming.size_hint())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)));
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyError::Stalled(patience))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// An answer's body on its way out, under its delivery advice.
pub(super) struct Outgoing {
    body: WireBody,
    /// Bytes that were taken from the body and may not go out yet.
    held: Bytes,
    pace: Option<Pace>,
    cut: Option<(u64, End)>,
    in_flight: InFlight,
}

impl Outgoing {
    /// Gives nothing where the connection is to end before the head.
    pub(super) fn new(body: WireBody, delivery: WireFaults, in_flight: InFlight) -> Option<Self> {
        let cut = match delivery.cut {
            None => None,
            Some(Cut { at, end }) => match (at, body.length()) {
                (CutPoint::BeforeHead, _) | (CutPoint::Half, Some(0)) => {
                    in_flight.cut(end);
                    return None;
                }
                (CutPoint::Half, length) => Some((length.unwrap_or(0) / 2, end)),
                // A cut at or behind the end would cut nothing.
                (CutPoint::Bytes(bytes), length) => {
                    let last = length.map_or(u64::MAX, |length| length.saturating_sub(1));
                    Some((bytes.min(last), end))
                }
            },
        };
        Some(Self {
            body,
            held: Bytes::new(),
            pace: delivery.rate.map(|rate| Pace::new(rate.get())),
            cut,
            in_flight,
        })
    }

    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        while self.held.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.held = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let mut allowed = self.held.len();
        if let Some((left, _)) = self.cut {
            allowed = usize::try_from(left).map_or(allowed, |left| left.min(allowed));
        }
        if let Some(pace) = &mut self.pace {
            allowed = ready!(pace.poll_allowed(context, allowed));
        }
        let data = self.held.split_to(allowed);
        if let Some((left, _)) = &mut self.cut {
            *left -= data.len() as u64;
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Some((0, end)) = this.cut {
            // The driver ends the connection when what was written so far has left.
            this.in_flight.cut(end);
            return Poll::Pending;
        }
        if this.pace.is_none() && this.cut.is_none() {
            return Pin::new(&mut this.body).poll_frame(context);
        }
        this.poll_held(context)
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.held.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.held.is_empty() {
            return self.body.size_hint();
        }
        let held = self.held.len() as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(rest.lower() + held);
        hint
    }
}

/// Lets bytes through at a steady rate.
struct Pace {
    rate: u64,
    started: Option<Instant>,
    sent: u64,
    waiting: Pin<Box<Sleep>>,
}

impl Pace {
    fn new(rate: u64) -> Self {
        Self {
            rate,
            started: None,
            sent: 0,
            waiting: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// How many of `wanted` bytes may go now: what an eighth of a second allows, once the bytes
    /// before have had their time.
    fn poll_allowed(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        if wanted == 0 {
            return Poll::Ready(0);
        }
        let started = *self.started.get_or_insert_with(Instant::now);
        let milliseconds = u128::from(self.sent) * 1000 / u128::from(self.rate);
        let due = u64::try_from(milliseconds)
            .ok()
            .and_then(|milliseconds| started.checked_add(Duration::from_millis(milliseconds)));
        if let Some(due) = due.filter(|due| *due > Instant::now()) {
            self.waiting.set(sleep_until(due));
            ready!(self.waiting.as_mut().poll(context));
        }
        let slice = usize::try_from(self.rate / 8).unwrap_or(usize::MAX).max(1);
        let allowed = wanted.min(slice);
        self.sent += allowed as u64;
        Poll::Ready(allowed)
    }
}
