//! Requests in absolute form for hosts that are not Box's, from clients that speak to a proxy that
//! way: sent on, and answered as their host answers.

use std::{
    error::Error as StdError,
    fmt::Display,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version, header};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::egress::{Egress, Refusal};
use crate::{
    domain::hosts::HostPort,
    server::{body::ResponseBody, handler::Scheme},
};

/// Sends a request in absolute form on to its host, which is to be reached within `limit`, and gives
/// its answer back as it arrives.
///
/// `https` in absolute form is forwarded too: older axios sends `GET https://…` in clear to a proxy.
/// The host is then reached over TLS from here.
pub(in crate::server) async fn forward<B>(
    egress: &Egress,
    limit: Duration,
    peer: SocketAddr,
    scheme: Scheme,
    target: &HostPort,
    mut request: Request<B>,
) -> Result<Response<ResponseBody>, Refusal>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Send + 'static,
{
    let failed = |error: &dyn Display| Refusal::Failed {
        host: target.clone(),
        reason: error.to_string(),
    };
    strip_hop_by_hop(request.headers_mut());
    match scheme {
        Scheme::Clear => {
            let (stream, proxy) = egress.clear(peer, target, limit).await?;
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
            let stream = egress.tunnel(peer, target, limit).await?;
            into_origin_form(&mut request, target);
            let name =
                ServerName::try_from(target.host.to_string()).map_err(|error| failed(&error))?;
            let config = egress.trust().client_config().await;
            let connector = TlsConnector::from(config.map_err(|error| failed(&error))?);
            let tls = timeout(limit, connector.connect(name, stream))
                .await
                .map_err(|_| failed(&"the TLS handshake was not finished in time"))?
                .map_err(|error| failed(&error))?;
            exchange(tls, request).await.map_err(|error| failed(&error))
        }
    }
}

/// One request and its answer on a connection of their own.
async fn exchange<B>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<B>,
) -> hyper::Result<Response<ResponseBody>>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = Driver(tokio::spawn(async move {
        // The body of the answer sees how it ends.
        let _ = connection.await;
    }));
    let (mut head, body) = sender.send_request(request).await?.into_parts();
    strip_hop_by_hop(&mut head.headers);
    head.version = Version::HTTP_11;
    let body = Answer {
        body,
        _driver: driver,
    };
    Ok(Response::from_parts(head, ResponseBody::streaming(body)))
}

/// The task that moves the bytes of an exchange; it ends with its answer.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Another host's answer as it arrives.
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

fn into_origin_form<B>(request: &mut Request<B>, target: &HostPort) {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    if let Ok(host) = HeaderValue::from_str(&target.to_string()) {
        request.headers_mut().insert(header::HOST, host);
    }
}
