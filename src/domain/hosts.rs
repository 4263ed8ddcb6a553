//! Host names: which are Box's, which mean this machine, and parsing of `host:port`. `server` decides
//! which connections are allowed.

use std::{fmt, net::IpAddr};

use smol_str::{SmolStr, StrExt};

/// The hosts that Box's own descriptions and clients name (docs/box/calls.md).
pub const BOX_HOSTS: [&str; 5] = [
    "api.box.com",
    "upload.box.com",
    "account.box.com",
    "dl.boxcloud.com",
    "public.boxcloud.com",
];

/// The domains below which every host is Box's.
pub const BOX_DOMAINS: [&str; 2] = ["box.com", "boxcloud.com"];

/// Whether `host` (without a port, in any case) is one of Box's.
pub fn is_box(host: &str) -> bool {
    // Most calls name one of these, and each call asks a few times.
    if BOX_HOSTS.contains(&host) {
        return true;
    }
    let host = bare(host);
    BOX_DOMAINS.iter().any(|domain| {
        let Some(at) = host.len().checked_sub(domain.len()) else {
            return false;
        };
        host.is_char_boundary(at)
            && host[at..].eq_ignore_ascii_case(domain)
            && (at == 0 || host.as_bytes()[at - 1] == b'.')
    })
}

/// Whether `host` (without a port) means this machine: `localhost`, a name below it, or a
/// loopback address, with or without the brackets of a URL.
pub fn is_loopback(host: &str) -> bool {
    let host = bare(host);
    if let Ok(address) = host.parse() {
        return is_loopback_address(address);
    }
    let last = host.rsplit('.').next();
    last.is_some_and(|name| name.eq_ignore_ascii_case("localhost"))
}

/// Whether an address means this machine, also in the IPv6 form of an IPv4 address.
pub fn is_loopback_address(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// `host` without brackets and without the dot of the root.
fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(host)
}

/// A host as a client named it, with a port where it named one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host in lower case, an IPv6 address without brackets.
    pub host: SmolStr,
    /// The port, where one was named.
    pub port: Option<u16>,
}

impl HostPort {
    /// Reads `host`, `host:port`, `[address]` or `[address]:port`. `None` for text that
    /// cannot be a host: empty, with a blank, a slash, a user or a port that is not a number.
    pub fn parse(text: &str) -> Option<Self> {
        // Most calls name one of these.
        if let Some(host) = BOX_HOSTS.into_iter().find(|host| *host == text) {
            let host = SmolStr::new_static(host);
            return Some(Self { host, port: None });
        }
        let (host, port) = split_port(text)?;
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
        if host.is_empty() || !host.bytes().all(allowed) {
            return None;
        }
        if host.contains(':') && host.parse::<IpAddr>().is_err() {
            return None;
        }
        Some(Self {
            host: bare(host).to_ascii_lowercase_smolstr(),
            port,
        })
    }

    /// Whether the host is one of Box's.
    pub fn is_box(&self) -> bool {
        is_box(&self.host)
    }

    /// Whether the host means this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Splits into the host, without its brackets, and the port.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        host.contains(':').then_some(())?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(number(port)?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.rsplit_once(':') {
        // More than one colon without brackets is an address without a port.
        Some((host, _)) if host.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(number(port)?))),
        None => Some((text, None)),
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        if host.contains(':') {
            write!(formatter, "[{host}]")?;
        } else {
            formatter.write_str(host)?;
        }
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_hosts_are_distinguished_from_their_lookalikes() {
        for host in BOX_HOSTS {
            assert!(is_box(host), "{host}");
        }
        assert!(is_box("API.Box.com."));
        assert!(is_box("box.com"));
        assert!(is_box("eu.dl.boxcloud.com"));
        for host in [
            "notbox.com",
            "box.com.example.org",
            "evil-boxcloud.com",
            "",
            ".",
            "ébox.com",
        ] {
            assert!(!is_box(host), "{host}");
        }
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.org", "10.0.0.1", "0.0.0.0", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_host_and_its_port_are_read_and_written_back() {
        for (text, host, port) in [
            ("api.box.com", "api.box.com", None),
            ("API.box.com:443", "api.box.com", Some(443)),
            ("[::1]:7269", "::1", Some(7269)),
            ("[::1]", "::1", None),
            ("::1", "::1", None),
        ] {
            let read = HostPort::parse(text).expect(text);
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
        }
        let back = HostPort::parse("[::1]:80").map(|host| host.to_string());
        assert_eq!(back.as_deref(), Some("[::1]:80"));
    }

    #[test]
    fn text_that_cannot_be_a_host_is_none() {
        for text in [
            "",
            ":80",
            "a:b",
            "a:99999",
            "a:+1",
            "a b",
            "user@box.com",
            "box.com/",
            "[::1",
            "[::1]x",
            "[box.com]:1",
            "::zz",
        ] {
            assert_eq!(HostPort::parse(text), None, "{text}");
        }
    }
}
