//! One request before and after the handler: the host that it is for, tunnels and forwarding for
//! hosts that are not Box's, and the delay of wire faults.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Method, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use hyper::body::Incoming;
use tokio::{net::TcpStream, time::sleep};

use super::{
    context::{Context, Link},
    outgoing::Outgoing,
    target::{absolute_form, host_header, length_with_body},
    tracker::{IdleTracker, InFlight},
};
use crate::{
    domain::{cassette::deck::Connect, hosts::HostPort},
    mock_box::wire_faults::WireFaults,
    server::{
        body::{RequestBody, ResponseBody},
        handler::{Origin, ReportKind, RequestHandler, Scheme},
        proxy::{
            cassette::{Providers, plain_text},
            egress::Refusal,
            forward::forward,
        },
    },
};

/// What a connection becomes after a CONNECT.
#[derive(Debug)]
pub(super) enum Tunnel {
    /// A Box host: what is inside the tunnel is served here.
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

/// What answers the requests of one connection.
pub(super) struct Service<H> {
    context: Arc<Context<H>>,
    link: Link,
    tracker: Arc<IdleTracker>,
    tunnel: Mutex<Option<Tunnel>>,
}

impl<H: RequestHandler> Service<H> {
    pub(super) fn new(
        context: Arc<Context<H>>,
        link: Link,
        tracker: Arc<IdleTracker>,
    ) -> Arc<Self> {
        Arc::new(Self {
            context,
            link,
            tracker,
            tunnel: Mutex::default(),
        })
    }

    /// The tunnel that a CONNECT on this connection opened, if there was one.
    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        self.tunnel().take()
    }

    /// Nothing panics while holding this lock.
    fn tunnel(&self) -> MutexGuard<'_, Option<Tunnel>> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request. It counts as being answered from this call on, not from the first poll.
    pub(super) fn respond(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Outgoing>, CutOff>> + use<H> {
        let in_flight = self.tracker.request(length_with_body(&request));
        let stalled = self.context.options.timeouts.stalled;
        let request = request.map(|body| RequestBody::new(body, stalled));
        let this = Arc::clone(self);
        async move { deliver(this.answer(request).await, in_flight).await }
    }

    /// The answer: the handler's, or that of the host that is meant. What is not for the handler is
    /// rare and boxed, so that the future of every other request stays small.
    async fn answer(&self, request: Request<RequestBody>) -> Response<ResponseBody> {
        if request.method() == Method::CONNECT {
            return Box::pin(self.open_tunnel(&request)).await;
        }
        let bad = |reason| self.context.refuse(StatusCode::BAD_REQUEST, reason);
        match absolute_form(request.uri()) {
            Err(reason) => bad(reason),
            Ok(Some((scheme, target))) => {
                Box::pin(self.answer_as_proxy(scheme, target, request)).await
            }
            Ok(None) => match self.host_of(&request) {
                Err(reason) => bad(reason),
                Ok(authority) => {
                    if let Some(target) = self.provider(authority.as_ref()) {
                        let scheme = self.link.scheme;
                        return Box::pin(self.answer_for_provider(scheme, target, request)).await;
                    }
                    let origin = Origin {
                        peer: self.link.peer,
                        scheme: self.link.scheme,
                        authority,
                        via_proxy: self.link.tunnel.is_some(),
                    };
                    Arc::clone(&self.context.handler)
                        .call(origin, request)
                        .await
                }
            },
        }
    }

    /// The provider that a request in origin form is for, in a run with cassettes: the target of the
    /// tunnel, or the host that a redirected socket was meant for.
    fn provider(&self, named: Option<&HostPort>) -> Option<HostPort> {
        self.context.options.deck.as_ref()?;
        let is_other = |target: &HostPort| !target.is_box() && !target.is_loopback();
        if let Some(tunnel) = &self.link.tunnel {
            return Some(tunnel.clone()).filter(is_other);
        }
        let port = named.and_then(|named| named.port);
        let of_handshake = self.link.sni.as_deref().map(|name| HostPort {
            host: name.into(),
            port,
        });
        of_handshake.as_ref().or(named).cloned().filter(is_other)
    }

    /// Answers a call to a provider from a cassette, or records it.
    async fn answer_for_provider(
        &self,
        scheme: Scheme,
        target: HostPort,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        let options = &self.context.options;
        let Some(deck) = &options.deck else {
            return self
                .context
                .refuse(StatusCode::NOT_FOUND, "no cassette is used");
        };
        let handler = Arc::clone(&self.context.handler);
        let providers = Providers {
            deck,
            egress: &options.egress,
            limit: options.timeouts.connect,
            report: Arc::new(move |report| handler.report(report)),
        };
        let peer = self.link.peer;
        providers.answer(peer, scheme, target, request).await
    }

    /// What cassettes say of a connection to another host; without cassettes it goes there.
    fn connect(&self, target: &HostPort) -> Connect {
        let deck = self.context.options.deck.as_ref();
        deck.filter(|_| !target.is_loopback())
            .map_or(Connect::Through, |deck| deck.connect(&target.host))
    }

    /// The host of a request in origin form.
    fn host_of(&self, request: &Request<RequestBody>) -> Result<Option<HostPort>, &'static str> {
        let by_sni = || HostPort::parse(self.link.sni.as_deref()?);
        let named = host_header(request)?;
        Ok(named.or_else(|| self.link.tunnel.clone()).or_else(by_sni))
    }

    /// Answers a request in absolute form: Box's hosts and this listener are served here.
    async fn answer_as_proxy(
        &self,
        scheme: Scheme,
        target: HostPort,
        mut request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        let own_port = self.context.address.port();
        let is_this_listener = target.is_loopback() && target.port == Some(own_port);
        if target.is_box() || is_this_listener {
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
            let origin = Origin {
                peer: self.link.peer,
                scheme,
                authority: Some(target),
                via_proxy: true,
            };
            return Arc::clone(&self.context.handler)
                .call(origin, request)
                .await;
        }
        match self.connect(&target) {
            Connect::Through => {}
            Connect::Here => {
                let path = request.uri().path_and_query().cloned();
                *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
                return self.answer_for_provider(scheme, target, request).await;
            }
            Connect::Refuse(reason) => return self.refuse_provider(&target, reason),
        }
        let options = &self.context.options;
        let timeout = options.timeouts.connect;
        let peer = self.link.peer;
        match forward(&options.egress, timeout, peer, scheme, &target, request).await {
            Ok(answer) => {
                self.note_other_host(&target);
                answer
            }
            Err(refusal) => self.refuse_other_host(&target, &refusal),
        }
    }

    /// Answers a CONNECT; where it succeeds, `self.tunnel` is set.
    async fn open_tunnel(&self, request: &Request<RequestBody>) -> Response<ResponseBody> {
        let opened = match self.connect_target(request) {
            Err(reason) => return self.context.refuse(StatusCode::BAD_REQUEST, reason),
            Ok(target) if target.is_box() => Tunnel::Here(target),
            Ok(target) if self.connect(&target) == Connect::Here => Tunnel::Here(target),
            Ok(target) => {
                if let Connect::Refuse(reason) = self.connect(&target) {
                    return self.refuse_provider(&target, reason);
                }
                let options = &self.context.options;
                let timeout = options.timeouts.connect;
                match options
                    .egress
                    .tunnel(self.link.peer, &target, timeout)
                    .await
                {
                    Err(refusal) => return self.refuse_other_host(&target, &refusal),
                    Ok(remote) => {
                        self.note_other_host(&target);
                        Tunnel::There(remote)
                    }
                }
            }
        };
        *self.tunnel() = Some(opened);
        Response::new(ResponseBody::empty())
    }

    /// The target of a CONNECT: a Box host, or another host with a port.
    fn connect_target(&self, request: &Request<RequestBody>) -> Result<HostPort, &'static str> {
        /// No client needs a proxy through a proxy through a proxy.
        const MAX_DEPTH: usize = 3;
        if self.link.depth >= MAX_DEPTH {
            return Err("too many tunnels in tunnels");
        }
        let authority = request.uri().authority();
        let target = authority
            .and_then(|authority| HostPort::parse(authority.as_str()))
            .ok_or("a CONNECT must name host:port")?;
        let length = request.headers().get(header::CONTENT_LENGTH);
        if length.is_some_and(|length| length != "0")
            || request.headers().contains_key(header::TRANSFER_ENCODING)
        {
            return Err("a CONNECT has no body");
        }
        if target.port.is_none() && !target.is_box() {
            return Err("a CONNECT must name host:port");
        }
        Ok(target)
    }

    fn note_other_host(&self, target: &HostPort) {
        if !target.is_loopback() {
            let text = format!("a client reached {target} through the proxy");
            let peer = self.link.peer;
            self.context
                .report(peer, ReportKind::OtherHost, Some(&target.host), text);
        }
    }

    /// The answer where no cassette holds a call to the host.
    fn refuse_provider(&self, target: &HostPort, reason: String) -> Response<ResponseBody> {
        let answer = plain_text(StatusCode::BAD_GATEWAY, &reason);
        let (peer, kind) = (self.link.peer, ReportKind::ProviderMissing);
        self.context.report(peer, kind, Some(&target.host), reason);
        answer
    }

    fn refuse_other_host(&self, target: &HostPort, refusal: &Refusal) -> Response<ResponseBody> {
        let reason = refusal.to_string();
        let peer = self.link.peer;
        self.context
            .report(peer, refusal.kind(), Some(&target.host), reason.as_str());
        plain_text(refusal.status(), &reason)
    }
}

/// Waits out the delay of wire faults, and puts the others on the body.
async fn deliver(
    answer: Response<ResponseBody>,
    in_flight: InFlight,
) -> Result<Response<Outgoing>, CutOff> {
    let (mut head, body) = answer.into_parts();
    let faults: WireFaults = head.extensions.remove().unwrap_or_default();
    if let Some(delay) = faults.delay {
        Box::pin(sleep(delay)).await;
    }
    let body = Outgoing::new(body, faults, in_flight).ok_or(CutOff)?;
    Ok(Response::from_parts(head, body))
}
