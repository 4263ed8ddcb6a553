//! Ports: find a free one for the skill, check that one is free, resolve a host name, and try a
//! connection.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::error::SkillError;

/// A port that nobody listens on now, for the variable `PORT`.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Makes sure that nothing listens on `host:port` (of a name: on any of its addresses).
///
/// # Errors
/// [`SkillError::Taken`] where something accepts there, and [`SkillError::Lookup`] for a name
/// without an address.
pub async fn refuse_taken(host: &str, port: u16) -> Result<(), SkillError> {
    for address in addresses(host, port).await? {
        if accepts(address).await {
            return Err(SkillError::Taken(format!("{host}:{port}")));
        }
    }
    Ok(())
}

/// Every address of `host`, and for a name or address of this machine both families: a server
/// that binds `localhost` may listen on either.
pub(super) async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, SkillError> {
    let here = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    if host == "127.0.0.1" || host == "localhost" {
        return Ok(here.to_vec());
    }
    lookup_host((host, port))
        .await
        .map(Iterator::collect)
        .map_err(|error| SkillError::Lookup {
            address: format!("{host}:{port}"),
            error,
        })
}

/// Whether something takes connections at `address`.
pub(super) async fn accepts(address: SocketAddr) -> bool {
    const A_LISTENER_ANSWERS_AT_ONCE: Duration = Duration::from_secs(1);
    let connecting = TcpStream::connect(address);
    matches!(
        timeout(A_LISTENER_ANSWERS_AT_ONCE, connecting).await,
        Ok(Ok(_))
    )
}
