//! The bytes of a connection: a TCP socket or TLS over another stream, with bytes that were read
//! ahead, watched by the idle tracker while hyper reads and writes.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::tracker::IdleTracker;

/// The stream of a connection.
#[derive(Debug)]
pub(super) struct Stream {
    /// Bytes that were read already: to see what they are, or behind a CONNECT.
    ahead: Bytes,
    transport: Transport,
    /// Set while hyper has the stream.
    tracker: Option<Arc<IdleTracker>>,
}

#[derive(Debug)]
enum Transport {
    Tcp(TcpStream),
    /// TLS over a stream, which may itself run inside a tunnel.
    Tls(Box<TlsStream<Stream>>),
}

trait ReadWrite: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> ReadWrite for T {}

impl Stream {
    pub(super) fn tcp(socket: TcpStream) -> Self {
        Self::over(Transport::Tcp(socket))
    }

    pub(super) fn tls(tls: TlsStream<Self>) -> Self {
        Self::over(Transport::Tls(Box::new(tls)))
    }

    fn over(transport: Transport) -> Self {
        Self {
            ahead: Bytes::new(),
            transport,
            tracker: None,
        }
    }

    /// Puts bytes back that were read from the stream.
    pub(super) fn unread(&mut self, bytes: Bytes) {
        self.ahead = if self.ahead.is_empty() {
            bytes
        } else {
            [bytes, std::mem::take(&mut self.ahead)].concat().into()
        };
    }

    /// The first byte, left in its place; none where the peer has ended the stream.
    pub(super) async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        const SIZE_OF_CLIENT_HELLO: usize = 2048;
        if self.ahead.is_empty() {
            let mut buffer = Vec::with_capacity(SIZE_OF_CLIENT_HELLO);
            self.read_buf(&mut buffer).await?;
            self.ahead = buffer.into();
        }
        Ok(self.ahead.first().copied())
    }

    /// The same stream, reporting to `tracker`. Hyper cannot shut it down: how it ends is decided
    /// when hyper is done.
    pub(super) fn tracked(self, tracker: Arc<IdleTracker>) -> Self {
        Self {
            tracker: Some(tracker),
            ..self
        }
    }

    /// The same stream, reporting to no tracker.
    pub(super) fn untracked(self) -> Self {
        Self {
            tracker: None,
            ..self
        }
    }

    /// The socket at the bottom.
    pub(super) fn socket(&self) -> &TcpStream {
        match &self.transport {
            Transport::Tcp(socket) => socket,
            Transport::Tls(tls) => tls.get_ref().0.socket(),
        }
    }

    fn transport(&mut self) -> Pin<&mut dyn ReadWrite> {
        match &mut self.transport {
            Transport::Tcp(socket) => Pin::new(socket),
            Transport::Tls(tls) => Pin::new(&mut **tls),
        }
    }

    /// Whether the tracker keeps back what hyper writes, and how many bytes it took.
    fn keep_back(&self, bytes: &[u8]) -> Option<usize> {
        self.tracker.as_ref()?.keep_back(bytes)
    }

    fn has_written<T>(&self, written: &Poll<io::Result<T>>) {
        if let Some(tracker) = &self.tracker {
            tracker.has_written(written.is_pending());
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = if self.ahead.is_empty() {
            self.transport().poll_read(context, buffer)
        } else {
            let taken = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..taken]);
            self.ahead.advance(taken);
            if self.ahead.is_empty() {
                self.ahead = Bytes::new();
            }
            Poll::Ready(Ok(()))
        };
        if let Some(tracker) = &self.tracker {
            let arrived = buffer.filled().len() - before;
            if arrived > 0 {
                tracker.has_read(arrived);
            } else if read.is_pending() && tracker.take_body_wanted() {
                acknowledge(self.socket());
            }
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(kept) = self.keep_back(bytes) {
            return Poll::Ready(Ok(kept));
        }
        let written = self.transport().poll_write(context, bytes);
        self.has_written(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        if let Some(kept) = first.and_then(|bytes| self.keep_back(bytes)) {
            return Poll::Ready(Ok(kept));
        }
        let written = self.transport().poll_write_vectored(context, slices);
        self.has_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Tcp(socket) => socket.is_write_vectored(),
            Transport::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.transport().poll_flush(context);
        if let Some(tracker) = &self.tracker
            && matches!(flushed, Poll::Ready(Ok(())))
        {
            tracker.has_flushed();
        }
        self.has_written(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.tracker.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.transport().poll_shutdown(context)
    }
}

/// Acknowledges at once what has arrived. Clients that send head and body one after the other
/// (Python's requests through a proxy) do not send the body before the head is acknowledged, which
/// otherwise takes 40 ms.
#[cfg(target_os = "linux")]
fn acknowledge(socket: &TcpStream) {
    // Without it the body comes a little later.
    let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
}

/// Other systems have no way to ask for it.
#[cfg(not(target_os = "linux"))]
fn acknowledge(_: &TcpStream) {}
