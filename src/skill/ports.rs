//! Ports: choose a free one for the skill, check that one is free, resolve a host name, and try a
//! connection.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    net::{TcpSocket, TcpStream, lookup_host},
    time::timeout,
};

use super::error::SkillError;

/// Ports that no system assigns by itself: they are below the ephemeral ranges of Linux (from
/// 32768) and macOS (from 49152). A program that is started binds its port some time after it was
/// chosen, and must not lose it to a connection that is opened meanwhile.
const FIRST_CHOSEN_PORT: u16 = 20_000;
const CHOSEN_PORTS: u16 = 12_000;

/// A port that is free on every address of this machine, for the variable `PORT`. The ports that one
/// process gets differ from each other, and most likely from those of another process.
///
/// # Errors
/// Where every port of the range is taken.
pub fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(101);
    for _ in 0..CHOSEN_PORTS {
        let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = u16::try_from(number % u32::from(CHOSEN_PORTS)).unwrap_or_default();
        let port = FIRST_CHOSEN_PORT + offset;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Whether a program may bind the port, also one that does not set `SO_REUSEADDR`. Nothing listens
/// meanwhile, so no connection is accepted by mistake.
fn is_free(port: u16) -> bool {
    let binds = |socket: io::Result<TcpSocket>, address: SocketAddr| {
        socket.and_then(|socket| socket.bind(address))
    };
    let v4 = binds(TcpSocket::new_v4(), (Ipv4Addr::UNSPECIFIED, port).into());
    let v6 = binds(TcpSocket::new_v6(), (Ipv6Addr::UNSPECIFIED, port).into());
    // A machine may have one family alone.
    let is_taken = |bound: &io::Result<()>| matches!(bound, Err(error) if error.kind() == io::ErrorKind::AddrInUse);
    (v4.is_ok() || v6.is_ok()) && !is_taken(&v4) && !is_taken(&v6)
}

/// Makes sure that nothing listens on `host:port` (of a name: on any of its addresses).
///
/// # Errors
/// [`SkillError::PortTaken`] where something accepts there, and [`SkillError::Lookup`] for a name
/// without an address.
pub async fn refuse_taken(host: &str, port: u16) -> Result<(), SkillError> {
    for address in addresses(host, port).await? {
        if accepts(address).await {
            return Err(SkillError::PortTaken(format!("{host}:{port}")));
        }
    }
    Ok(())
}

/// Every address of `host`, and for a name or address of this machine both families: a server
/// that binds `localhost` may listen on either.
pub(super) async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, SkillError> {
    let loopback = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    if host == "127.0.0.1" || host == "localhost" {
        return Ok(loopback.to_vec());
    }
    lookup_host((host, port))
        .await
        .map(Iterator::collect)
        .map_err(|error| SkillError::Lookup {
            address: format!("{host}:{port}"),
            error,
        })
}

/// Whether something accepts connections at `address`.
pub(super) async fn accepts(address: SocketAddr) -> bool {
    /// A listener on this machine answers at once.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
    let connecting = TcpStream::connect(address);
    matches!(timeout(CONNECT_TIMEOUT, connecting).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, net::TcpListener};

    use super::*;

    #[test]
    fn chosen_ports_are_outside_the_ephemeral_range_and_differ() {
        let ports: HashSet<u16> = (0..50).map(|_| free_port().expect("a port")).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| (20_000..32_000).contains(port)));
    }

    #[test]
    fn a_port_that_is_bound_on_any_address_is_not_free() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            // A machine may lack a family.
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let port = listener.local_addr().expect("it has an address").port();
            assert!(!is_free(port), "{address}");
        }
    }
}
