//! Deliveries in clear to one host, over connections that stay open between events. TLS and proxies
//! are in `general`.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, SizeHint},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::answer::{Answer, Exchange, MAX_BODY, broke_off};
use crate::domain::text::innermost_cause;

/// An idle connection older than this is not used: the server may be about to close it, and an event
/// sent at that moment would be lost.
const MAX_IDLE: Duration = Duration::from_secs(1);

/// An answer with the connection that it came by.
type Sent = (
    SendRequest<ChunkedBody>,
    http::Response<hyper::body::Incoming>,
);

/// The idle connections to a Skill.
#[derive(Debug)]
pub(super) struct Pool {
    host: String,
    port: u16,
    host_header: String,
    /// The URL as a request names it.
    target: String,
    idle: Mutex<Vec<Idle>>,
}

/// Sends one request after the other over connections of a pool. It keeps its connection between
/// requests: returning it each time would write to memory that all senders share.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pool: &'a Pool,
    /// The URL as a request names it; an error, where no request can.
    target: Result<Uri, String>,
    /// The connection of the last request, if it can be reused.
    own: Option<Idle>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<ChunkedBody>,
    since: Instant,
}

impl Idle {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) > MAX_IDLE
    }
}

impl Pool {
    /// A pool for the host of `url`, whose scheme must be http; `None` where it has no host.
    pub(super) fn new(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let host_header = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Some(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            host_header,
            target,
            idle: Mutex::default(),
        })
    }

    /// The value of the `Host` header.
    pub(super) fn host_header(&self) -> &str {
        &self.host_header
    }

    /// A sender without a connection yet.
    pub(super) fn sender(&self) -> Sender<'_> {
        Sender {
            pool: self,
            target: Uri::try_from(self.target.as_str())
                .map_err(|error| format!("the skill's URL cannot be called: {error}")),
            own: None,
        }
    }

    async fn connect(&self) -> Result<SendRequest<ChunkedBody>, String> {
        let cannot =
            |reason: &dyn std::fmt::Display| format!("could not connect to the skill: {reason}");
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| cannot(&error))?;
        stream.set_nodelay(true).map_err(|error| cannot(&error))?;
        // Head and body in one buffer: for a small body that is cheaper than a vectored write.
        let (sender, connection) = http1::Builder::new()
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| cannot(&error))?;
        // An error of the connection is reported by its request.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender<'_> {
    /// Returns its connection to the pool.
    pub(super) fn release(&mut self) {
        if let Some(own) = self.own.take() {
            self.pool.lock().push(own);
        }
    }

    /// Posts at `now` and reads the answer to its end.
    pub(super) async fn post(
        &mut self,
        body: &Bytes,
        headers: &HeaderMap,
        now: Instant,
    ) -> Exchange {
        let (mut sender, response) = self.send(body, headers, now).await?;
        let (head, mut body) = response.into_parts();
        let status = head.status.as_u16();
        let mut answer = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broke_off(status, &error))?;
            if let Some(data) = frame.data_ref()
                && answer.len() < MAX_BODY
            {
                answer.extend_from_slice(data);
            }
        }
        // Kept only if it is ready for the next request at once.
        let is_ready = sender.ready().await.is_ok();
        let at = Instant::now();
        self.own = is_ready.then_some(Idle { sender, since: at });
        Ok(Answer {
            status,
            body: Bytes::from(answer),
            at,
        })
    }

    /// Sends over an idle connection, or over a new one. A request that got no byte on an idle
    /// connection is sent once more over another: the server may have closed it at that moment. A
    /// Skill that closes connections on purpose closes a new one too.
    async fn send(
        &mut self,
        body: &Bytes,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<Sent, String> {
        loop {
            let idle = self.own.take().or_else(|| self.pool.lock().pop());
            let is_new = idle.is_none();
            let mut sender = match idle {
                Some(idle) if idle.is_old(now) || idle.sender.is_closed() => continue,
                Some(idle) => idle.sender,
                None => self.pool.connect().await?,
            };
            let mut request = Request::new(ChunkedBody::from(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = self.target.clone()?;
            *request.headers_mut() = headers.clone();
            match sender.send_request(request).await {
                Ok(response) => return Ok((sender, response)),
                Err(error) if is_new || !is_closed(&error) => return Err(no_answer(&error)),
                Err(_) => {}
            }
        }
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// The sentence for a request that got no answer.
fn no_answer(error: &hyper::Error) -> String {
    if is_closed(error) {
        "the skill closed the connection without an answer".to_owned()
    } else {
        format!(
            "what the skill sent is not an HTTP answer: {}",
            innermost_cause(error)
        )
    }
}

/// Whether the connection was closed before a byte of the answer arrived.
fn is_closed(error: &hyper::Error) -> bool {
    let by_system = || {
        let source = std::error::Error::source(error);
        let kind = source.and_then(|source| Some(source.downcast_ref::<io::Error>()?.kind()));
        matches!(
            kind,
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
        )
    };
    error.is_incomplete_message() || error.is_canceled() || error.is_closed() || by_system()
}

/// Most events are a few kilobytes and so one chunk.
const CHUNK: usize = 64 * 1024;

/// The rest of a body that is not sent yet, given to hyper in chunks: hyper copies a body into the
/// buffer of the connection, and chunks keep that buffer below half a megabyte for a large event.
#[derive(Debug)]
struct ChunkedBody(Bytes);

impl From<Bytes> for ChunkedBody {
    fn from(body: Bytes) -> Self {
        Self(body)
    }
}

impl Body for ChunkedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = CHUNK.min(self.0.len());
        Poll::Ready((chunk > 0).then(|| Ok(Frame::data(self.0.split_to(chunk)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_large_body_is_sent_in_chunks_and_arrives_whole() {
        for length in [0, 1, CHUNK, 2 * CHUNK + 1] {
            let whole: Bytes = (0..=250).cycle().take(length).collect();
            let mut body = ChunkedBody::from(whole.clone());
            let mut got = Vec::new();
            while !body.is_end_stream() {
                assert_eq!(body.size_hint().exact(), Some((length - got.len()) as u64));
                let frame = body.frame().await.expect("a frame").expect("it is there");
                let chunk = frame.into_data().expect("data");
                assert!(chunk.len() <= CHUNK);
                got.extend_from_slice(&chunk);
            }
            assert!(body.frame().await.is_none());
            assert_eq!(got, whole);
        }
    }
}
