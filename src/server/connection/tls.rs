//! TLS on a connection: the handshake, and why one failed.

use std::{io, sync::Arc};

use tokio_rustls::LazyConfigAcceptor;

use super::{context::Link, stream::Stream};
use crate::{
    domain::hosts::{is_box, is_loopback},
    server::{certificate_authority::CertificateAuthority, handler::Scheme},
};

/// The first byte of a TLS handshake record.
pub(super) const HANDSHAKE: u8 = 0x16;

/// Accepts TLS on a stream. The link then knows the scheme and the name that the client asked for,
/// also where the handshake fails after its first message.
pub(super) async fn accept(
    certificates: &Arc<CertificateAuthority>,
    stream: Stream,
    link: &mut Link,
) -> io::Result<Stream> {
    let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
    let start = acceptor.await?;
    link.scheme = Scheme::Tls;
    link.sni = start.client_hello().server_name().map(Arc::from);
    let tls = start.into_stream(certificates.server_config()).await?;
    Ok(Stream::tls(tls))
}

/// A client that insists on HTTP/2, as those of gRPC do, and what to do about it.
pub(super) fn http2_alone(host: &str) -> String {
    format!(
        "the client speaks only HTTP/2 to {host}, and the mock HTTP/1.1; SDKs that use gRPC often have \
         a REST transport too"
    )
}

/// The reason of a failed handshake in words that say what to do.
pub(super) fn why_failed(error: &io::Error, host: Option<&str>) -> String {
    use rustls::{AlertDescription as Alert, Error as Tls};
    // Only in a run with cassettes there is a certificate for another host.
    let is_provider = host.is_some_and(|host| !is_box(host) && !is_loopback(host));
    let host = host.unwrap_or("this host");
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Tls>())
    {
        Some(Tls::AlertReceived(
            alert @ (Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate),
        )) => {
            let why = if is_provider {
                "it pins the certificate of that service, or has a list of authorities of its own, and \
                 its calls cannot be recorded or answered from a cassette"
            } else {
                "it was not given the mock's authority"
            };
            format!("the client does not trust the certificate for {host} ({alert:?}): {why}")
        }
        Some(Tls::AlertReceived(alert)) => {
            format!("the client refused TLS for {host}: {alert:?}")
        }
        Some(Tls::General(text)) if text.contains("certificate") => {
            format!("no certificate can be made for {host}: it is not a Box host")
        }
        Some(Tls::NoApplicationProtocol) => http2_alone(host),
        Some(tls) => format!("the TLS handshake for {host} failed: {tls}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            format!(
                "the client ended the TLS handshake for {host}; clients do that when they do not \
                 trust the certificate"
            )
        }
        None => format!("the TLS handshake for {host} failed: {error}"),
    }
}
