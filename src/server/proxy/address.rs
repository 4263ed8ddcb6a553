//! Which clients are near, and which addresses belong to this machine alone.

use std::net::{IpAddr, SocketAddr};

/// Whether a client is on this machine or in a network around it (a container, a virtual machine).
/// A user who listens beyond loopback does not mean to serve the internet as a proxy.
pub(super) fn is_near_client(peer: SocketAddr) -> bool {
    match peer.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Whether an address is that of this machine, or of services that only this machine may use:
/// loopback, the unspecified address, which connects to it too, and the local link, where clouds
/// give out the machine's own credentials.
pub(super) fn is_of_this_machine(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    ip.is_loopback() || ip.is_unspecified() || is_link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().expect("an address"), 4000)
    }

    #[test]
    fn clients_of_this_machine_and_of_private_networks_are_near() {
        for ip in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "10.1.2.3",
            "172.17.0.2",
            "192.168.7.7",
            "169.254.1.1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(is_near_client(address(ip)), "{ip}");
        }
        for ip in ["203.0.113.7", "2001:db8::1", "::"] {
            assert!(!is_near_client(address(ip)), "{ip}");
        }
    }
}
