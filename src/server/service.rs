//! What happens to one request before and after the handler: which host it is for, tunnels and
//! forwarding for hosts that are not Box's, and the delay and the cuts of delivery advice.

use std::{
    error::Error as StdError,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use http::{Method, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use hyper::{
    body::{Body, Incoming},
    service::Service,
};
use tokio::net::TcpStream;

use super::{
    forward,
    port::{Handler, NoteKind, Origin, Reply, Scheme, Shared},
    watch::{InFlight, Watch},
    wire::{Outgoing, RequestBody, WireBody},
};
use crate::{domain::hosts::HostPort, mock_box::wire_faults::WireFaults};

/// What is known about a stream before any request on it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    pub(super) scheme: Scheme,
    /// The name in the TLS handshake.
    pub(super) sni: Option<Arc<str>>,
    /// What a CONNECT around this stream named.
    tunnel: Option<HostPort>,
    /// How many tunnels this stream runs in.
    depth: usize,
}

impl Link {
    pub(super) fn direct(peer: SocketAddr) -> Self {
        Self {
            peer,
            scheme: Scheme::Clear,
            sni: None,
            tunnel: None,
            depth: 0,
        }
    }

    /// The link inside a tunnel to `target`.
    pub(super) fn inside(&self, target: HostPort) -> Self {
        Self {
            tunnel: Some(target),
            depth: self.depth + 1,
            ..Self::direct(self.peer)
        }
    }

    /// The host that the client means, as far as the stream itself says.
    pub(super) fn meant(&self) -> Option<String> {
        match (&self.sni, &self.tunnel) {
            (Some(name), _) => Some(name.to_string()),
            (None, tunnel) => tunnel.as_ref().map(|target| target.host.to_string()),
        }
    }
}

/// What a connection becomes after a CONNECT.
#[derive(Debug)]
pub(super) enum Tunnel {
    /// A Box host: what comes out of the tunnel is served here.
    Here(HostPort),
    /// Another host, reached.
    There(TcpStream),
}

/// A fault ends the connection before the answer's head.
#[derive(Debug)]
pub(super) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut off by a fault")
    }
}

impl StdError for CutOff {}

/// The service of one connection.
pub(super) struct HttpService<H> {
    shared: Arc<Shared<H>>,
    link: Arc<Link>,
    watch: Arc<Watch>,
    tunnel: Arc<Mutex<Option<Tunnel>>>,
}

/// What goes out, or the end of the connection in its place.
type Delivered = Result<Response<Outgoing>, CutOff>;

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A delivery: most can be made at once.
#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and boxing it is what this spares"
)]
pub(super) enum Answering {
    /// The answer is being made. Nothing is left once it was.
    Making(Later<Response<WireBody>>, Option<InFlight>),
    /// Nothing is left once it was taken.
    Now(Option<Delivered>),
    Later(Later<Delivered>),
}

impl Future for Answering {
    type Output = Delivered;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Delivered> {
        loop {
            match &mut *self {
                Self::Making(making, in_flight) => {
                    let answer = ready!(making.as_mut().poll(context));
                    let Some(in_flight) = in_flight.take() else {
                        return Poll::Pending;
                    };
                    *self = deliver(answer, in_flight);
                }
                Self::Now(delivered) => return delivered.take().map_or(Poll::Pending, Poll::Ready),
                Self::Later(delivery) => return delivery.as_mut().poll(context),
            }
        }
    }
}

impl<H: Handler> HttpService<H> {
    pub(super) fn new(shared: Arc<Shared<H>>, link: Link, watch: Arc<Watch>) -> Self {
        Self {
            shared,
            link: Arc::new(link),
            watch,
            tunnel: Arc::default(),
        }
    }

    /// What a CONNECT on this connection was answered with, if there was one.
    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        self.tunnel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl<H: Handler> Service<Request<Incoming>> for HttpService<H> {
    type Response = Response<Outgoing>;
    type Error = CutOff;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let in_flight = self.watch.request(length_with_body(&request));
        let patience = self.shared.options.timeouts.stalled;
        let request = request.map(|body| RequestBody::new(body, patience));
        if request.method() == Method::CONNECT {
            let shared = Arc::clone(&self.shared);
            let link = Arc::clone(&self.link);
            let place = Arc::clone(&self.tunnel);
            return Answering::Later(Box::pin(async move {
                let answer = match connect(&shared, &link, &request).await {
                    Ok(tunnel) => {
                        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
                        Response::new(WireBody::empty())
                    }
                    Err((status, reason)) => refused(&shared, status, &reason),
                };
                deliver(answer, in_flight).await
            }));
        }
        match route(&self.shared, &self.link, request) {
            Reply::Now(answer) => deliver(answer, in_flight),
            Reply::Later(making) => Answering::Making(making, Some(in_flight)),
        }
    }
}

/// Waits out the delay of the delivery advice, and puts the rest of it on the body.
fn deliver(answer: Response<WireBody>, in_flight: InFlight) -> Answering {
    let (mut head, body) = answer.into_parts();
    let delivery: WireFaults = head.extensions.remove().unwrap_or_default();
    let delay = delivery.delay;
    let send = move || {
        let body = Outgoing::new(body, delivery, in_flight).ok_or(CutOff)?;
        Ok(Response::from_parts(head, body))
    };
    match delay {
        None => Answering::Now(Some(send())),
        Some(delay) => Answering::Later(Box::pin(async move {
            tokio::time::sleep(delay).await;
            send()
        })),
    }
}

fn refused<H: Handler>(shared: &Shared<H>, status: StatusCode, reason: &str) -> Response<WireBody> {
    shared.handler.refuse(status, reason).map(WireBody::from)
}

/// To the handler, or to the host that is meant.
fn route<H: Handler>(
    shared: &Arc<Shared<H>>,
    link: &Link,
    mut request: Request<RequestBody>,
) -> Reply {
    let bad = |reason| Reply::Now(refused(shared, StatusCode::BAD_REQUEST, reason));
    let absolute = match absolute_form(request.uri()) {
        Ok(absolute) => absolute,
        Err(reason) => return bad(reason),
    };
    let Some((scheme, target)) = absolute else {
        let authority = match host_header(&request) {
            Ok(named) => named.or_else(|| link.tunnel.clone()).or_else(|| {
                let name = link.sni.as_deref()?;
                HostPort::parse(name)
            }),
            Err(reason) => return bad(reason),
        };
        let origin = Origin {
            peer: link.peer,
            scheme: link.scheme,
            authority,
            via_proxy: link.tunnel.is_some(),
        };
        return shared.handler.call(origin, request);
    };
    let is_this_port = target.is_loopback() && target.port == Some(shared.address.port());
    if !target.is_box() && !is_this_port {
        let (shared, peer) = (Arc::clone(shared), link.peer);
        return Reply::later(async move {
            match forward::request(&shared, peer, scheme, &target, request).await {
                Ok(answer) => answer,
                Err((status, reason)) => refused(&shared, status, &reason),
            }
        });
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let origin = Origin {
        peer: link.peer,
        scheme,
        authority: Some(target),
        via_proxy: true,
    };
    shared.handler.call(origin, request)
}

/// How long a request with a body is, head and all, in bytes, as clients write it who waste none;
/// nothing for one without a body.
fn length_with_body(request: &Request<Incoming>) -> Option<u64> {
    const AROUND_THE_TARGET: usize = "  HTTP/1.1\r\n\r\n".len();
    const AROUND_A_VALUE: usize = ": \r\n".len();
    if request.body().is_end_stream() {
        return None;
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |it| it.as_str().len());
    let lines = request.headers().iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + AROUND_A_VALUE);
    let head = request.method().as_str().len() + target + AROUND_THE_TARGET + lines.sum::<usize>();
    // One in chunks says its length last.
    let body = request.body().size_hint().exact().unwrap_or(u64::MAX);
    Some(body.saturating_add(head as u64))
}

/// The scheme and host of an absolute-form target; nothing for an origin form.
fn absolute_form(uri: &Uri) -> Result<Option<(Scheme, HostPort)>, &'static str> {
    let Some(authority) = uri.authority() else {
        return Ok(None);
    };
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Clear,
        Some("https") => Scheme::Tls,
        _ => return Err("the request's target has a scheme that is neither http nor https"),
    };
    // Credentials in a target are for the origin; no client of Box's sends any.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    HostPort::parse(host)
        .map(|target| Some((scheme, target)))
        .ok_or("the request's target names no host")
}

/// The host of the Host header. Two of them, or one that can be no host, is a malformed head.
fn host_header<B>(request: &Request<B>) -> Result<Option<HostPort>, &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        return Ok(None);
    };
    if hosts.next().is_some() {
        return Err("the request has more than one Host header");
    }
    match host.to_str() {
        Ok("") => Ok(None),
        Ok(text) => HostPort::parse(text)
            .map(Some)
            .ok_or("the Host header names no host"),
        Err(_) => Err("the Host header names no host"),
    }
}

/// Decides what a CONNECT leads to, and reaches the host where it is not Box's.
async fn connect<H: Handler>(
    shared: &Shared<H>,
    link: &Link,
    request: &Request<RequestBody>,
) -> Result<Tunnel, (StatusCode, String)> {
    /// Nobody needs a proxy through a proxy through a proxy.
    const TUNNELS_IN_TUNNELS: usize = 3;
    let bad = |reason: &str| (StatusCode::BAD_REQUEST, reason.to_owned());
    if link.depth >= TUNNELS_IN_TUNNELS {
        return Err(bad("too many tunnels in tunnels"));
    }
    let target = request
        .uri()
        .authority()
        .and_then(|authority| HostPort::parse(authority.as_str()))
        .ok_or_else(|| bad("a CONNECT must name host:port"))?;
    let length = request.headers().get(header::CONTENT_LENGTH);
    if length.is_some_and(|length| length != "0")
        || request.headers().contains_key(header::TRANSFER_ENCODING)
    {
        return Err(bad("a CONNECT has no body"));
    }
    if target.is_box() {
        return Ok(Tunnel::Here(target));
    }
    let port = target
        .port
        .ok_or_else(|| bad("a CONNECT must name host:port"))?;
    let egress = &shared.options.egress;
    match egress
        .tunnel(link.peer, &target, port, shared.options.timeouts.connect)
        .await
    {
        Ok(remote) => {
            if !target.is_loopback() {
                let text = format!("a client reached {target} through the proxy");
                shared.note(link.peer, NoteKind::OtherHost, Some(&target.host), text);
            }
            Ok(Tunnel::There(remote))
        }
        Err(refusal) => {
            let reason = refusal.to_string();
            shared.note(link.peer, refusal.kind(), Some(&target.host), &reason);
            Err((refusal.status(), reason))
        }
    }
}
