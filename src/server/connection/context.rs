//! What a connection knows about its listener, and about its client before any request.

use std::{net::SocketAddr, sync::Arc};

use http::{Response, StatusCode};

use crate::{
    domain::hosts::HostPort,
    server::{
        body::ResponseBody,
        handler::{ConnectionReport, ReportKind, RequestHandler, Scheme},
        options::ListenerOptions,
    },
};

/// What all connections of a listener share.
pub(in crate::server) struct Context<H> {
    pub(in crate::server) handler: Arc<H>,
    pub(in crate::server) options: ListenerOptions,
    /// Where the listener listens.
    pub(in crate::server) address: SocketAddr,
}

impl<H: RequestHandler> Context<H> {
    pub(in crate::server) fn report(
        &self,
        peer: SocketAddr,
        kind: ReportKind,
        host: Option<&str>,
        text: impl Into<String>,
    ) {
        let host = host.map(str::to_owned);
        self.handler
            .report(ConnectionReport::new(Some(peer), kind, host, text));
    }

    pub(super) fn refuse(&self, status: StatusCode, reason: &str) -> Response<ResponseBody> {
        self.handler.refuse(status, reason).map(ResponseBody::from)
    }
}

/// What is known about a stream before any request on it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    pub(super) scheme: Scheme,
    /// The name in the TLS handshake.
    pub(super) sni: Option<Arc<str>>,
    /// The target of the CONNECT around this stream.
    pub(super) tunnel: Option<HostPort>,
    /// How many tunnels this stream runs in.
    pub(super) depth: usize,
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
    pub(super) fn host(&self) -> Option<String> {
        match (&self.sni, &self.tunnel) {
            (Some(name), _) => Some(name.to_string()),
            (None, tunnel) => tunnel.as_ref().map(|target| target.host.to_string()),
        }
    }
}
