//! TLS on a connection: the handshake, and why one failed.

use std::{io, sync::Arc};

use tokio_rustls::LazyConfigAcceptor;

use super::{context::Link, stream::Stream};
use crate::server::{certificate_authority::CertificateAuthority, handler::Scheme};

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

/// The reason of a failed handshake in words that say what to do.
pub(super) fn why_failed(error: &io::Error, host: Option<&str>) -> String {
    use rustls::{AlertDescription as Alert, Error as Tls};
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
        )) => format!(
            "the client does not trust the certificate for {host} ({alert:?}): it was not given \
             the mock's authority"
        ),
        Some(Tls::AlertReceived(alert)) => {
            format!("the client refused TLS for {host}: {alert:?}")
        }
        Some(Tls::General(text)) if text.contains("certificate") => {
            format!("no certificate can be made for {host}: it is not a Box host")
        }
        Some(Tls::NoApplicationProtocol) => {
            format!("the client speaks only HTTP/2 to {host}, and the mock HTTP/1.1")
        }
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
