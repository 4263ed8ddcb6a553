//! The byte streams that a connection can be made of: a TCP socket, TLS over one, TLS inside a
//! tunnel, each with bytes that were read ahead to see what they are.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

/// A socket, or TLS over a stream.
#[derive(Debug)]
pub(super) enum Stream {
    /// The socket itself.
    Tcp(TcpStream),
    /// TLS over a stream, which may itself run inside a tunnel.
    Tls(Box<TlsStream<Peeked>>),
}

impl Stream {
    /// The socket at the bottom.
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Self::Tcp(socket) => socket,
            Self::Tls(tls) => tls.get_ref().0.stream.socket(),
        }
    }
}

/// A stream of which some bytes were read ahead.
#[derive(Debug)]
pub(super) struct Peeked {
    ahead: Bytes,
    stream: Stream,
}

impl Peeked {
    /// `stream` with the bytes that were already taken from it.
    pub(super) fn new(ahead: Bytes, stream: Stream) -> Self {
        Self { ahead, stream }
    }

    /// `stream` with further bytes that were taken from it.
    pub(super) fn around(ahead: Bytes, stream: Self) -> Self {
        let ahead = match (ahead.is_empty(), stream.ahead.is_empty()) {
            (_, true) => ahead,
            (true, false) => stream.ahead,
            (false, false) => [ahead, stream.ahead].concat().into(),
        };
        Self::new(ahead, stream.stream)
    }

    /// The first byte, left in its place; none where the peer has ended the stream.
    pub(super) async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        const A_CLIENT_HELLO: usize = 2048;
        if self.ahead.is_empty() {
            let mut buffer = Vec::with_capacity(A_CLIENT_HELLO);
            self.stream.read_buf(&mut buffer).await?;
            self.ahead = buffer.into();
        }
        Ok(self.ahead.first().copied())
    }

    /// The socket at the bottom.
    pub(super) fn socket(&self) -> &TcpStream {
        self.stream.socket()
    }
}

impl AsyncRead for Peeked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let taken = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..taken]);
        self.ahead.advance(taken);
        if self.ahead.is_empty() {
            self.ahead = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peeked {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_read(context, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(socket) => socket.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_flush(context),
            Self::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
