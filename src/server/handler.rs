//! What a listener needs from the program behind it: an answer to each request, and a place to
//! report what happens on connections. Sockets and HTTP are for `listener` and `connection`.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use super::body::{RequestBody, ResponseBody};
use crate::domain::{hosts::HostPort, notice::ProviderCall};

/// Answers the requests that arrive at a listener.
pub trait RequestHandler: Send + Sync + 'static {
    /// Answers one request. It is called when the head is in and before any of the body is read;
    /// its target is in origin form, whatever form it came in. Wire faults
    /// ([`crate::mock_box::wire_faults::WireFaults`]) go into the answer's extensions. The future is
    /// dropped when the client goes away.
    fn call(
        self: Arc<Self>,
        origin: Origin,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Response<ResponseBody>> + Send;

    /// The answer to something that is refused before it is a request to Box: a malformed head,
    /// another host under `--no-egress`.
    fn refuse(&self, status: StatusCode, reason: &str) -> Response<Bytes>;

    /// Reports what happened on a connection apart from its requests.
    fn report(&self, report: ConnectionReport);
}

/// Where a request came from and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub peer: SocketAddr,
    /// In clear or over TLS.
    pub scheme: Scheme,
    /// The host that the client meant: of the absolute form, else the Host header, else the
    /// CONNECT target or the SNI name. None where an HTTP/1.0 client named none.
    pub authority: Option<HostPort>,
    /// Whether the client used the listener as a proxy (CONNECT or absolute form).
    pub via_proxy: bool,
}

/// In clear or over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Clear,
    /// `https`
    Tls,
}

impl Scheme {
    /// The scheme of a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "http",
            Self::Tls => "https",
        }
    }
}

/// One line for the log about a connection, with the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionReport {
    /// The client's address; none for the listener itself.
    pub peer: Option<SocketAddr>,
    /// What happened.
    pub kind: ReportKind,
    /// The host that the client meant, as far as it is known.
    pub host: Option<String>,
    /// What happened and why, in a sentence without a full stop.
    pub text: String,
    /// The call to a provider, in a run with cassettes.
    pub provider: Option<ProviderCall>,
    /// The event that it belongs to, where that is known.
    pub event_id: Option<Arc<str>>,
}

impl ConnectionReport {
    /// A report without a call.
    pub fn new(
        peer: Option<SocketAddr>,
        kind: ReportKind,
        host: Option<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            peer,
            kind,
            host,
            text: text.into(),
            provider: None,
            event_id: None,
        }
    }
}

/// What happened on a connection, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// A TLS handshake failed: the client does not trust the certificate, closed the connection, sent
    /// garbage, or wants a host that is not Box's.
    TlsFailed,
    /// The bytes are not HTTP, or a head is broken or too large.
    Malformed,
    /// A head, a handshake or an answer was not finished in time.
    TimedOut,
    /// A client reached another host through the proxy.
    OtherHost,
    /// A client wanted another host and was refused.
    EgressRefused,
    /// Another host could not be reached.
    EgressFailed,
    /// A call to a provider was answered, from a cassette or by the provider.
    Provider,
    /// No cassette holds a call to a provider.
    ProviderMissing,
    /// No connection could be accepted for a moment (too many open files).
    AcceptFailed,
}

impl ReportKind {
    /// Its name in the stream of notices.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsFailed => "tls-failed",
            Self::Malformed => "malformed",
            Self::TimedOut => "timed-out",
            Self::OtherHost => "other-host",
            Self::EgressRefused => "egress-refused",
            Self::EgressFailed => "egress-failed",
            Self::Provider => "provider",
            Self::ProviderMissing => "provider-missing",
            Self::AcceptFailed => "accept-failed",
        }
    }
}
