//! Connections in clear to one Skill, kept open between events. There is one host, so a list of
//! idle connections is all there is to keep; TLS and proxies are for the general client.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::{Answer, Exchange, MOST_OF_A_REPLY, load::Load};

/// After so long a server may be about to close a connection that nobody uses; an event that is
/// sent into that moment would be lost.
const LONGEST_IDLE: Duration = Duration::from_secs(1);

/// An answer with the connection that it came by.
type Sent = (SendRequest<Load>, http::Response<hyper::body::Incoming>);

/// The connections to a Skill.
#[derive(Debug)]
pub(super) struct Pool {
    host: String,
    port: u16,
    named: String,
    /// The URL as a request names it.
    target: String,
    idle: Mutex<Vec<Idle>>,
}

/// Who sends one request after the other by connections of a pool. What it sends with is its own:
/// to count who else has it, or to put it back each time, all would write to the same memory.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pool: &'a Pool,
    /// The URL as a request names it; an error, where no request can.
    target: Result<Uri, String>,
    /// The connection of the last request, where it can go on.
    own: Option<Idle>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Load>,
    since: Instant,
}

impl Idle {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) > LONGEST_IDLE
    }
}

impl Pool {
    /// Connections to the host of `url`, which must be http; `None` where it has none.
    pub(super) fn new(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let named = match url.port() {
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
            named,
            target,
            idle: Mutex::default(),
        })
    }

    /// The host, as its header names it.
    pub(super) fn named(&self) -> &str {
        &self.named
    }

    /// Who sends by it.
    pub(super) fn sender(&self) -> Sender<'_> {
        Sender {
            pool: self,
            target: Uri::try_from(self.target.as_str())
                .map_err(|error| format!("the skill's URL cannot be called: {error}")),
            own: None,
        }
    }

    async fn connect(&self) -> Result<SendRequest<Load>, String> {
        let cannot =
            |reason: &dyn std::fmt::Display| format!("could not connect to the skill: {reason}");
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| cannot(&error))?;
        stream.set_nodelay(true).map_err(|error| cannot(&error))?;
        // Head and body in one piece of memory: of an event that is less than what the system takes
        // for a list of two.
        let (sender, connection) = http1::Builder::new()
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| cannot(&error))?;
        // What ends it is seen by the request that it carries.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender<'_> {
    /// Leaves its connection to the others.
    pub(super) fn rest(&mut self) {
        if let Some(own) = self.own.take() {
            self.pool.lock().push(own);
        }
    }

    /// Posts at `now`, and reads the answer to its end.
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
            let frame = frame.map_err(|error| {
                format!(
                    "the skill answered {status}, but broke off in the middle: {}",
                    super::cause(&error)
                )
            })?;
            if let Some(data) = frame.data_ref()
                && answer.len() < MOST_OF_A_REPLY
            {
                answer.extend_from_slice(data);
            }
        }
        // Only where the connection can go on at once is it worth keeping.
        let can_go_on = sender.ready().await.is_ok();
        let at = Instant::now();
        self.own = can_go_on.then_some(Idle { sender, since: at });
        Ok(Answer {
            status,
            body: Bytes::from(answer),
            at,
        })
    }

    /// Sends by an idle connection, else by a new one. A request that got nothing at all on an idle
    /// connection goes out once more by another: the server closed it in that moment, as it may. A
    /// Skill that closes on purpose does so on a new one too.
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
            let mut request = Request::new(Load::from(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = self.target.clone()?;
            *request.headers_mut() = headers.clone();
            match sender.send_request(request).await {
                Ok(response) => return Ok((sender, response)),
                Err(error) if is_new || !is_closed(&error) => return Err(sentence(&error)),
                Err(_) => {}
            }
        }
    }
}

impl Drop for Sender<'_> {
    fn drop(&mut self) {
        self.rest();
    }
}

/// What became of a request that got no answer, for a newcomer.
fn sentence(error: &hyper::Error) -> String {
    if is_closed(error) {
        "the skill closed the connection without an answer".to_owned()
    } else {
        format!(
            "what the skill sent is no HTTP answer: {}",
            super::cause(error)
        )
    }
}

/// Whether the connection was closed before anything of an answer came.
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
