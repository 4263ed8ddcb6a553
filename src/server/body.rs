//! Bodies: what an answer may be made of, and a request's body with its limit and its time-out.

use std::{
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
    time::{Sleep, sleep},
};

use crate::domain::text::innermost_cause;

/// A body that is produced while it is sent: server-sent events, another host's answer.
pub type Streaming = Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>;

/// The body of an answer.
pub struct ResponseBody(Kind);

enum Kind {
    Bytes(Bytes),
    File(FileBody),
    Streaming(Streaming),
}

impl ResponseBody {
    /// No body: `Content-Length: 0`.
    pub fn empty() -> Self {
        Self(Kind::Bytes(Bytes::new()))
    }

    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }

    /// `length` bytes of `file` from its current position, read from disk as the client takes them.
    /// If the file turns out to be shorter, the connection is closed.
    pub fn file(file: File, length: u64) -> Self {
        Self(Kind::File(FileBody {
            file,
            left: length,
            buffer: BytesMut::new(),
        }))
    }

    /// A body that is produced while it is sent.
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

impl Default for ResponseBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(formatter, "ResponseBody({length} bytes)"),
            None => formatter.write_str("ResponseBody(streaming)"),
        }
    }
}

impl Body for ResponseBody {
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
    /// The connection ended, or the body is malformed (a broken chunk).
    #[error("the request's body ended early: {}", innermost_cause(.0))]
    Broken(#[source] hyper::Error),
}

/// A request's body. It is read only on demand, and a client that stops sending in the middle is
/// disconnected after a time-out.
pub struct RequestBody {
    incoming: Incoming,
    timeout: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, timeout: Duration) -> Self {
        Self {
            incoming,
            timeout,
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
        let timeout = self.timeout;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyError::Stalled(timeout))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
