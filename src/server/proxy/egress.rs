//! How hosts that are not Box's are reached from the port: directly, through the user's own HTTP
//! proxy, or not at all. Which proxy holds for which host is decided in `env::proxy`.

use std::{io, net::SocketAddr, time::Duration};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{
    address::{is_near_client, is_of_this_machine},
    trust::TrustedRoots,
};
use crate::{
    domain::hosts::{HostPort, is_loopback, is_loopback_address},
    env::{
        Environment,
        proxy::{Intercept, Proxies, UnusableProxy},
    },
    server::handler::{ReportKind, Scheme},
};

/// Which other hosts may be reached, and how.
#[derive(Clone, Debug)]
pub struct Egress {
    reach: Reach,
    proxies: Proxies,
    trust: TrustedRoots,
    /// The port that this process listens on: no proxy on this machine.
    own_port: Option<u16>,
}

/// Which other hosts may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    All,
    ThisMachine,
    Nothing,
}

/// Why another host was not reached.
#[derive(Debug, thiserror::Error)]
pub(in crate::server) enum Refusal {
    #[error("{0} is not a Box host, and --no-egress is set")]
    NoEgress(HostPort),
    #[error("this endpoint does not forward to {0}")]
    NoProxy(HostPort),
    #[error("{0} is on the machine of the mock, and only clients on the same machine may reach it")]
    Loopback(HostPort),
    #[error("{0} is not a Box host, and clients from the internet may not reach other hosts")]
    FromOutside(HostPort),
    #[error("could not reach {host}: {error}")]
    Unreachable { host: HostPort, error: io::Error },
    #[error("could not reach {host}: {reason}")]
    Failed { host: HostPort, reason: String },
    #[error("could not reach {0} within {seconds} s", seconds = .1.as_secs())]
    TimedOut(HostPort, Duration),
    #[error("could not reach {host}: {error}")]
    UnusableProxy {
        host: HostPort,
        error: UnusableProxy,
    },
    #[error("could not reach {host} through the proxy {proxy}: {reason}")]
    Proxy {
        host: HostPort,
        proxy: String,
        reason: String,
    },
}

impl Refusal {
    /// The status of the answer.
    pub(in crate::server) fn status(&self) -> StatusCode {
        match self {
            Self::NoEgress(_) | Self::NoProxy(_) | Self::Loopback(_) | Self::FromOutside(_) => {
                StatusCode::FORBIDDEN
            }
            Self::Unreachable { .. }
            | Self::Failed { .. }
            | Self::UnusableProxy { .. }
            | Self::Proxy { .. } => StatusCode::BAD_GATEWAY,
            Self::TimedOut(..) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Its kind in the log.
    pub(in crate::server) fn kind(&self) -> ReportKind {
        match self {
            Self::NoEgress(_) | Self::NoProxy(_) | Self::Loopback(_) | Self::FromOutside(_) => {
                ReportKind::EgressRefused
            }
            _ => ReportKind::EgressFailed,
        }
    }
}

impl Egress {
    /// No other host is reached, except those on this machine.
    pub fn none() -> Self {
        Self {
            reach: Reach::ThisMachine,
            ..Self::direct()
        }
    }

    /// No other host is reached, and nothing on this machine: for an endpoint behind a tunnel, whose
    /// clients all seem to be on this machine.
    pub fn no_proxy() -> Self {
        Self {
            reach: Reach::Nothing,
            ..Self::direct()
        }
    }

    /// Every host is reached without a proxy.
    pub fn direct() -> Self {
        Self {
            reach: Reach::All,
            proxies: Proxies::none(),
            trust: TrustedRoots::default(),
            own_port: None,
        }
    }

    /// Every host is reached, through the proxies of the user's variables where they apply to it.
    /// The certificates that the variables name are trusted.
    pub fn from_environment(environment: &Environment) -> Self {
        Self {
            proxies: Proxies::from_environment(environment),
            trust: TrustedRoots::from_environment(environment),
            ..Self::direct()
        }
    }

    /// The same, never through a proxy on this machine at `port`, where this process listens: a
    /// shell that points at a mock has the mock as its proxy, and may start another one.
    pub(in crate::server) fn not_through_own_port(self, port: u16) -> Self {
        Self {
            own_port: Some(port),
            ..self
        }
    }

    /// What is trusted where TLS is spoken from here.
    pub(super) fn trust(&self) -> &TrustedRoots {
        &self.trust
    }

    fn proxy_for(&self, scheme: Scheme, target: &HostPort) -> Result<Option<Intercept>, Refusal> {
        let found = self.proxies.for_target(scheme.as_str(), target);
        let proxy = found.map_err(|error| Refusal::UnusableProxy {
            host: target.clone(),
            error,
        })?;
        let is_this_process = |proxy: &Intercept| {
            let uri = proxy.uri();
            uri.host().is_some_and(is_loopback) && Some(proxy_port(proxy)) == self.own_port
        };
        Ok(proxy.filter(|proxy| !is_this_process(proxy)))
    }

    /// Whether this client may reach that host at all, by the host's name. Its addresses are
    /// checked when they are known.
    fn permit(&self, peer: SocketAddr, target: &HostPort) -> Result<(), Refusal> {
        if self.reach == Reach::Nothing {
            return Err(Refusal::NoProxy(target.clone()));
        }
        if target.is_loopback() {
            return if is_loopback_address(peer.ip()) {
                Ok(())
            } else {
                Err(Refusal::Loopback(target.clone()))
            };
        }
        if self.reach != Reach::All {
            return Err(Refusal::NoEgress(target.clone()));
        }
        if !is_near_client(peer) {
            return Err(Refusal::FromOutside(target.clone()));
        }
        Ok(())
    }

    /// A stream of bytes to `target`, at port 443 where it names none: for a CONNECT, or for TLS.
    pub(in crate::server) async fn tunnel(
        &self,
        peer: SocketAddr,
        target: &HostPort,
        limit: Duration,
    ) -> Result<TcpStream, Refusal> {
        self.permit(peer, target)?;
        let port = target.port.unwrap_or(443);
        let target = &HostPort {
            port: Some(port),
            ..target.clone()
        };
        let reach = async {
            match self.proxy_for(Scheme::Tls, target)? {
                None => connect(peer, target, port).await,
                Some(proxy) => open_tunnel(&proxy, target).await,
            }
        };
        match timeout(limit, reach).await {
            Ok(reached) => reached,
            Err(_) => Err(Refusal::TimedOut(target.clone(), limit)),
        }
    }

    /// A stream to send a clear request for `target` on, and the proxy at its other end, if any: a
    /// proxy wants the absolute form.
    pub(in crate::server) async fn clear(
        &self,
        peer: SocketAddr,
        target: &HostPort,
        limit: Duration,
    ) -> Result<(TcpStream, Option<Intercept>), Refusal> {
        self.permit(peer, target)?;
        let reach = async {
            Ok(match self.proxy_for(Scheme::Clear, target)? {
                None => {
                    let port = target.port.unwrap_or(80);
                    (connect(peer, target, port).await?, None)
                }
                Some(proxy) => (dial(&proxy, target).await?, Some(proxy)),
            })
        };
        match timeout(limit, reach).await {
            Ok(reached) => reached,
            Err(_) => Err(Refusal::TimedOut(target.clone(), limit)),
        }
    }
}

/// Connects without a proxy.
async fn connect(peer: SocketAddr, target: &HostPort, port: u16) -> Result<TcpStream, Refusal> {
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
        if is_of_this_machine(address) && !is_loopback_address(peer.ip()) {
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

/// Connects to a proxy on the way to `target`.
async fn dial(proxy: &Intercept, target: &HostPort) -> Result<TcpStream, Refusal> {
    let failed = |reason: String| proxy_failed(proxy, target, reason);
    if proxy.uri().scheme_str() != Some("http") {
        let reason = "the mock speaks to proxies over http:// only".to_owned();
        return Err(failed(reason));
    }
    // A URI has an IPv6 address in brackets, which a resolver does not accept.
    let host = proxy.uri().host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, proxy_port(proxy)))
        .await
        .map_err(|error| failed(error.to_string()))?;
    // Without it small messages wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Asks a proxy for a tunnel to `target`. Written out here because hyper-util's `Tunnel` reads past
/// the end of the proxy's answer and drops what the target has sent by then, as servers do that
/// speak first.
async fn open_tunnel(proxy: &Intercept, target: &HostPort) -> Result<TcpStream, Refusal> {
    let mut stream = dial(proxy, target).await?;
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.basic_auth() {
        request.extend_from_slice(b"proxy-authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let answer = async {
        stream.write_all(&request).await?;
        read_head(&mut stream).await
    };
    let failed = |reason: String| proxy_failed(proxy, target, reason);
    let head = answer.await.map_err(|error| failed(error.to_string()))?;
    let line = head.lines().next().unwrap_or_default();
    let status = line.split(' ').nth(1).unwrap_or_default();
    if line.starts_with("HTTP/1.") && status.starts_with('2') {
        Ok(stream)
    } else {
        Err(failed(format!("it answered `{}`", line.escape_debug())))
    }
}

fn proxy_failed(proxy: &Intercept, target: &HostPort, reason: String) -> Refusal {
    let authority = proxy.uri().authority();
    Refusal::Proxy {
        host: target.clone(),
        proxy: authority.map_or_else(String::new, ToString::to_string),
        reason,
    }
}

fn proxy_port(proxy: &Intercept) -> u16 {
    proxy.uri().port_u16().unwrap_or(80)
}

/// Reads the head of a proxy's answer, byte by byte: what follows it belongs to the tunnel.
async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    const MAX_HEAD: usize = 16 * 1024;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(io::Error::other("its answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clients_elsewhere_do_not_reach_what_is_this_machines_own() {
        let limit = Duration::from_secs(5);
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
            let reached = egress.tunnel(neighbour, &target, limit);
            let refused = reached.await.expect_err(host);
            assert!(matches!(refused, Refusal::Loopback(_)), "{host}: {refused}");
        }
    }

    #[tokio::test]
    async fn clients_from_the_internet_reach_no_other_host() {
        let target = HostPort::parse("example.org").expect("a host");
        let stranger = SocketAddr::from(([203, 0, 113, 7], 4000));
        let egress = Egress::direct();
        let reached = egress.tunnel(stranger, &target, Duration::from_secs(5));
        let refused = reached.await.expect_err("it is refused");
        assert!(matches!(refused, Refusal::FromOutside(_)), "{refused}");
    }
}
