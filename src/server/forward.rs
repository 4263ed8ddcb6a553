//! Traffic for hosts that are not Box's: bytes through a tunnel, and single requests in absolute
//! form from clients that speak to a proxy that way.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header,
};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::TcpStream,
    sync::OnceCell,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    port::{Handler, NoteKind, Scheme, Shared},
    stream::Peeked,
    wire::{RequestBody, WireBody},
};
use crate::domain::hosts::HostPort;

/// Why a request was not forwarded: the answer and the reason.
type Refused = (StatusCode, String);

/// Moves bytes both ways until both sides have ended. Nothing is looked at: the host keeps its
/// own certificate.
pub(super) async fn relay(mut client: Peeked, mut remote: TcpStream) {
    // A side that breaks off ends the tunnel; both sides see it by themselves.
    let _ = copy_bidirectional(&mut client, &mut remote).await;
}

/// Sends a request in absolute form on to its host, and gives its answer back as it comes.
///
/// Clients that speak TLS to their proxy's origin this way (older axios sends `GET https://…` in
/// clear to a proxy) are served too: the host is then reached over TLS from here.
pub(super) async fn request<H: Handler>(
    shared: &Shared<H>,
    peer: SocketAddr,
    scheme: Scheme,
    target: &HostPort,
    request: Request<RequestBody>,
) -> Result<Response<WireBody>, Refused> {
    let answer = send(shared, peer, scheme, target, request).await;
    match &answer {
        Ok(_) if target.is_loopback() => {}
        Ok(_) => {
            let text = format!("a client reached {target} through the proxy");
            shared.note(peer, NoteKind::OtherHost, Some(&target.host), text);
        }
        Err((kind, (_, reason))) => shared.note(peer, *kind, Some(&target.host), reason.as_str()),
    }
    answer.map_err(|(_, refused)| refused)
}

async fn send<H: Handler>(
    shared: &Shared<H>,
    peer: SocketAddr,
    scheme: Scheme,
    target: &HostPort,
    mut request: Request<RequestBody>,
) -> Result<Response<WireBody>, (NoteKind, Refused)> {
    let patience = shared.options.timeouts.connect;
    let egress = &shared.options.egress;
    let refusal =
        |refusal: super::egress::Refusal| (refusal.kind(), (refusal.status(), refusal.to_string()));
    let failed = |error: &dyn std::fmt::Display| {
        let reason = format!("could not reach {target}: {error}");
        (NoteKind::EgressFailed, (StatusCode::BAD_GATEWAY, reason))
    };
    strip_hop_by_hop(request.headers_mut());
    match scheme {
        Scheme::Clear => {
            let (stream, proxy) = egress
                .clear(peer, target, patience)
                .await
                .map_err(refusal)?;
            match proxy {
                None => into_origin_form(&mut request, target),
                Some(proxy) => {
                    if let Some(value) = proxy.basic_auth() {
                        let headers = request.headers_mut();
                        headers.insert(header::PROXY_AUTHORIZATION, value.clone());
                    }
                }
            }
            exchange(stream, request)
                .await
                .map_err(|error| failed(&error))
        }
        Scheme::Tls => {
            let port = target.port.unwrap_or(443);
            let stream = egress
                .tunnel(peer, target, port, patience)
                .await
                .map_err(refusal)?;
            into_origin_form(&mut request, target);
            let name =
                ServerName::try_from(target.host.to_string()).map_err(|error| failed(&error))?;
            let connector = TlsConnector::from(roots().await.map_err(|error| failed(&error))?);
            let tls = timeout(patience, connector.connect(name, stream))
                .await
                .map_err(|_| failed(&"the TLS handshake was not finished in time"))?
                .map_err(|error| failed(&error))?;
            exchange(tls, request).await.map_err(|error| failed(&error))
        }
    }
}

/// One request and its answer on a connection of their own.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<RequestBody>,
) -> hyper::Result<Response<WireBody>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = Driver(tokio::spawn(async move {
        // How it ends is seen by the answer's body.
        let _ = connection.await;
    }));
    let (mut head, body) = sender.send_request(request).await?.into_parts();
    strip_hop_by_hop(&mut head.headers);
    head.version = Version::HTTP_11;
    let body = Answer {
        body,
        _driver: driver,
    };
    Ok(Response::from_parts(head, WireBody::streaming(body)))
}

/// The task that moves the bytes of an exchange; it ends with its answer.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Another host's answer as it comes.
struct Answer {
    body: Incoming,
    _driver: Driver,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Takes out what belongs to one connection and not to the message (RFC 9110 §7.6.1).
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    const ALWAYS: [&str; 8] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in ALWAYS {
        headers.remove(name);
    }
}

fn into_origin_form(request: &mut Request<RequestBody>, target: &HostPort) {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    if let Ok(host) = HeaderValue::from_str(&target.to_string()) {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// What the system trusts, read once, when it is first needed: it takes a while.
async fn roots() -> io::Result<Arc<ClientConfig>> {
    static CONFIG: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();
    let load = || async {
        let config = tokio::task::spawn_blocking(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        });
        let config = config.await.map_err(io::Error::other)?;
        config.map(Arc::new).map_err(io::Error::other)
    };
    CONFIG.get_or_try_init(load).await.cloned()
}
