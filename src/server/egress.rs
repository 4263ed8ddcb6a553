//! How hosts that are not Box's are reached from the port: straight, through the proxy that the
//! user had set before, or not at all.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::Url;

use super::port::{NoteKind, Scheme};
use crate::{
    domain::{
        hosts::{HostPort, is_loopback_address},
        secret::Secret,
    },
    env::Environment,
};

/// The way out.
#[derive(Clone, Debug)]
pub struct Egress {
    allowed: bool,
    /// The user's own proxies, for `http` and for `https` targets.
    clear: Option<Arc<Upstream>>,
    tls: Option<Arc<Upstream>>,
    /// Hosts that the user reaches without a proxy: suffixes, or `*`.
    direct: Arc<[String]>,
}

/// The user's own proxy.
#[derive(Debug)]
enum Upstream {
    Http {
        at: HostPort,
        port: u16,
        authorization: Option<Secret>,
    },
    /// Set, but of a kind that is not spoken here.
    Unsupported(String),
}

/// Why another host was not reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0} is not a host of Box's, and --no-egress is set")]
    NoEgress(HostPort),
    #[error(
        "{0} is on the machine of the mock, and only clients on the same machine are led there"
    )]
    Loopback(HostPort),
    #[error("{0} is not a host of Box's, and clients from the internet are not led to others")]
    FromOutside(HostPort),
    #[error("could not reach {host}: {error}")]
    Unreachable { host: HostPort, error: io::Error },
    #[error("could not reach {0} within {seconds} s", seconds = .1.as_secs())]
    TimedOut(HostPort, Duration),
    #[error("could not reach {host} through the proxy {proxy}: {reason}")]
    Proxy {
        host: HostPort,
        proxy: String,
        reason: String,
    },
}

impl Refusal {
    /// What the client is answered.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoEgress(_) | Self::Loopback(_) | Self::FromOutside(_) => StatusCode::FORBIDDEN,
            Self::Unreachable { .. } | Self::Proxy { .. } => StatusCode::BAD_GATEWAY,
            Self::TimedOut(..) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What it is in the log.
    pub(super) fn kind(&self) -> NoteKind {
        match self {
            Self::NoEgress(_) | Self::Loopback(_) | Self::FromOutside(_) => NoteKind::EgressRefused,
            _ => NoteKind::EgressFailed,
        }
    }
}

impl Egress {
    /// No other host is reached; loopback still is, for it leaves nothing.
    pub fn none() -> Self {
        Self {
            allowed: false,
            ..Self::direct()
        }
    }

    /// Every host is reached straight.
    pub fn direct() -> Self {
        Self {
            allowed: true,
            clear: None,
            tls: None,
            direct: Arc::new([]),
        }
    }

    /// As the user's own variables say: `HTTPS_PROXY`, `HTTP_PROXY` (lower case only, as curl
    /// has it), `ALL_PROXY` and `NO_PROXY`, in either case.
    pub fn of(environment: &Environment) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| environment.var(name));
        let upstream = |names: &[&str]| first(names).map(|text| Arc::new(Upstream::parse(text)));
        let direct = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        Self {
            allowed: true,
            clear: upstream(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            tls: upstream(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            direct: direct
                .split(',')
                .map(|name| name.trim().trim_start_matches("*.").trim_start_matches('.'))
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
        }
    }

    /// The same without a proxy at `address`, where this port itself listens: a shell that was led
    /// to a mock has it as its proxy, and may start the next one.
    pub(super) fn not_through(mut self, address: SocketAddr) -> Self {
        let is_itself = |upstream: &Arc<Upstream>| match &**upstream {
            Upstream::Http { at, port, .. } => at.is_loopback() && *port == address.port(),
            Upstream::Unsupported(_) => false,
        };
        self.clear = self.clear.filter(|upstream| !is_itself(upstream));
        self.tls = self.tls.filter(|upstream| !is_itself(upstream));
        self
    }

    fn upstream(&self, scheme: Scheme, target: &HostPort) -> Option<&Upstream> {
        let is_direct = target.is_loopback()
            || self.direct.iter().any(|name| {
                name == "*"
                    || target.host == *name
                    || target
                        .host
                        .strip_suffix(name.as_str())
                        .is_some_and(|rest| rest.ends_with('.'))
            });
        let proxy = match scheme {
            Scheme::Clear => &self.clear,
            Scheme::Tls => &self.tls,
        };
        proxy.as_deref().filter(|_| !is_direct)
    }

    /// Whether this client may be led to that host at all. Only names are looked at; addresses
    /// follow when they are known.
    fn permit(&self, peer: SocketAddr, target: &HostPort) -> Result<(), Refusal> {
        if target.is_loopback() {
            return if is_loopback_address(peer.ip()) {
                Ok(())
            } else {
                Err(Refusal::Loopback(target.clone()))
            };
        }
        if !self.allowed {
            return Err(Refusal::NoEgress(target.clone()));
        }
        if !is_near(peer) {
            return Err(Refusal::FromOutside(target.clone()));
        }
        Ok(())
    }

    /// A stream of bytes to `target`, for a CONNECT.
    pub(super) async fn tunnel(
        &self,
        peer: SocketAddr,
        target: &HostPort,
        port: u16,
        patience: Duration,
    ) -> Result<TcpStream, Refusal> {
        self.permit(peer, target)?;
        let reach = async {
            match self.upstream(Scheme::Tls, target) {
                None => straight(peer, target, port).await,
                Some(upstream) => upstream.tunnel(target, port).await,
            }
        };
        match timeout(patience, reach).await {
            Ok(reached) => reached,
            Err(_) => Err(Refusal::TimedOut(target.clone(), patience)),
        }
    }

    /// A stream to send a clear request for `target` on. The second value says whether it leads
    /// to a proxy, which wants the absolute form, and with which credentials.
    pub(super) async fn clear(
        &self,
        peer: SocketAddr,
        target: &HostPort,
        patience: Duration,
    ) -> Result<(TcpStream, Option<ForProxy>), Refusal> {
        self.permit(peer, target)?;
        let reach = async {
            match self.upstream(Scheme::Clear, target) {
                None => {
                    let port = target.port.unwrap_or(80);
                    Ok((straight(peer, target, port).await?, None))
                }
                Some(upstream) => {
                    let (stream, authorization) = upstream.dial(target).await?;
                    Ok((stream, Some(ForProxy(authorization.cloned()))))
                }
            }
        };
        match timeout(patience, reach).await {
            Ok(reached) => reached,
            Err(_) => Err(Refusal::TimedOut(target.clone(), patience)),
        }
    }
}

/// What a request needs on its way through the user's own proxy: its credentials, if any.
#[derive(Debug)]
pub(super) struct ForProxy(pub(super) Option<Secret>);

/// An address that leads to this machine alone, or to what only this machine is told: all of
/// loopback, the unspecified address, which connects to it too, and the link, where clouds answer
/// with the machine's own credentials.
fn is_own(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let is_of_the_link = match ip {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    ip.is_loopback() || ip.is_unspecified() || is_of_the_link
}

/// A client on this machine or in a network around it (a container, a virtual machine): whoever
/// binds the port beyond loopback does not mean to serve the internet as a proxy.
fn is_near(peer: SocketAddr) -> bool {
    const UNIQUE_LOCAL: (u16, u16) = (0xfe00, 0xfc00);
    const LINK_LOCAL: (u16, u16) = (0xffc0, 0xfe80);
    match peer.ip().to_canonical() {
        std::net::IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        std::net::IpAddr::V6(address) => {
            let first = address.segments()[0];
            address.is_loopback()
                || [UNIQUE_LOCAL, LINK_LOCAL]
                    .iter()
                    .any(|(mask, prefix)| first & mask == *prefix)
        }
    }
}

async fn straight(peer: SocketAddr, target: &HostPort, port: u16) -> Result<TcpStream, Refusal> {
    let unreachable = |error| Refusal::Unreachable {
        host: target.clone(),
        error,
    };
    let addresses = lookup_host((target.host.as_str(), port))
        .await
        .map_err(unreachable)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        // A public name may well point at 127.0.0.1.
        if is_own(address) && !is_loopback_address(peer.ip()) {
            return Err(Refusal::Loopback(target.clone()));
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it small messages wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(unreachable(last))
}

impl Upstream {
    fn parse(text: &str) -> Self {
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let parsed = Url::parse(&with_scheme).ok();
        let parts = parsed.as_ref().and_then(|url| {
            let at = HostPort::parse(url.host_str()?)?;
            (url.scheme() == "http").then_some((url, at))
        });
        let Some((url, at)) = parts else {
            let scheme = with_scheme.split("://").next().unwrap_or_default();
            return Self::Unsupported(scheme.to_owned());
        };
        let authorization = (!url.username().is_empty()).then(|| {
            let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
            let mut pair = decode(url.username());
            pair.push(b':');
            pair.extend(decode(url.password().unwrap_or_default()));
            Secret::new(format!("Basic {}", STANDARD.encode(pair)))
        });
        Self::Http {
            at,
            port: url.port_or_known_default().unwrap_or(80),
            authorization,
        }
    }

    async fn dial(&self, target: &HostPort) -> Result<(TcpStream, Option<&Secret>), Refusal> {
        let failed = |proxy: String, reason: String| Refusal::Proxy {
            host: target.clone(),
            proxy,
            reason,
        };
        match self {
            Self::Unsupported(scheme) => Err(failed(
                format!("{scheme}://…"),
                "only proxies that are spoken to in http:// are supported".to_owned(),
            )),
            Self::Http {
                at,
                port,
                authorization,
            } => {
                let stream = TcpStream::connect((at.host.as_str(), *port))
                    .await
                    .map_err(|error| failed(format!("{}:{port}", at.host), error.to_string()))?;
                // Without it small messages wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                Ok((stream, authorization.as_ref()))
            }
        }
    }

    async fn tunnel(&self, target: &HostPort, port: u16) -> Result<TcpStream, Refusal> {
        let (mut stream, authorization) = self.dial(target).await?;
        let named = HostPort {
            port: Some(port),
            ..target.clone()
        };
        let credentials = authorization.map_or_else(String::new, |secret| {
            format!("proxy-authorization: {}\r\n", secret.expose())
        });
        let ask = format!("CONNECT {named} HTTP/1.1\r\nhost: {named}\r\n{credentials}\r\n");
        let refused = |reason: String| Refusal::Proxy {
            host: target.clone(),
            proxy: self.name(),
            reason,
        };
        let head = async {
            stream.write_all(ask.as_bytes()).await?;
            read_head(&mut stream).await
        };
        let head = head.await.map_err(|error| refused(error.to_string()))?;
        let line = head.lines().next().unwrap_or_default();
        let status = line.split(' ').nth(1).unwrap_or_default();
        if line.starts_with("HTTP/1.") && status.starts_with('2') {
            Ok(stream)
        } else {
            Err(refused(format!("it answered `{}`", line.escape_debug())))
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Http { at, port, .. } => format!("{}:{port}", at.host),
            Self::Unsupported(scheme) => format!("{scheme}://…"),
        }
    }
}

/// The head of a proxy's answer, byte by byte: what follows it belongs to the tunnel.
async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    const LONGEST: usize = 16 * 1024;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST {
            return Err(io::Error::other("its answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clients_elsewhere_are_not_led_to_what_is_this_machines_own() {
        let patience = Duration::from_secs(5);
        let neighbour = SocketAddr::from(([192, 168, 7, 7], 4000));
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
        ] {
            let target = HostPort::parse(host).expect("a host");
            let egress = Egress::direct();
            let led = egress.tunnel(neighbour, &target, 9, patience);
            let refused = led.await.expect_err(host);
            assert!(matches!(refused, Refusal::Loopback(_)), "{host}: {refused}");
        }
    }

    #[tokio::test]
    async fn clients_from_the_internet_are_led_nowhere() {
        let target = HostPort::parse("example.org").expect("a host");
        let stranger = SocketAddr::from(([203, 0, 113, 7], 4000));
        let egress = Egress::direct();
        let led = egress.tunnel(stranger, &target, 443, Duration::from_secs(5));
        let refused = led.await.expect_err("it is refused");
        assert!(matches!(refused, Refusal::FromOutside(_)), "{refused}");
    }
}
