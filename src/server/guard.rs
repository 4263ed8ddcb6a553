//! Refuses requests that pages in a browser make. Such a request comes from this machine like any
//! other, but it carries the page's `Origin`, or, where the page rebound a name of its own to a
//! loopback address, that name as its host.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header};

use super::handler::Origin;
use crate::domain::hosts::{HostPort, is_box, is_loopback, is_loopback_address};

/// The host names that are answered in addition to Box's, addresses and this machine's.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Names of the user's own, in lower case: of a tunnel, of a line in /etc/hosts.
    allowed: Vec<String>,
}

impl Guard {
    /// Answers clients on this machine under these names too.
    pub fn allowing(names: &[String]) -> Self {
        let lower = |name: &String| name.trim_end_matches('.').to_ascii_lowercase();
        Self {
            allowed: names.iter().map(lower).collect(),
        }
    }

    /// Why a request is not answered, where it is not.
    pub(super) fn refuses(&self, origin: &Origin, headers: &HeaderMap) -> Option<String> {
        let named = origin.authority.as_ref().filter(|_| !origin.via_proxy);
        if let Some(HostPort { host, .. }) = named
            && is_loopback_address(origin.peer.ip())
            && !self.allows(host)
            && may_be_rebound(host)
        {
            return Some(format!(
                "clients on this machine are not answered under the name {host}, which may be that \
                 of a page in a browser; --allow-host {host} allows it"
            ));
        }
        // Simple requests reach loopback without a CORS preflight.
        let page = headers.get(header::ORIGIN)?;
        (!self.is_own(page)).then(|| "pages of other hosts are not answered".to_owned())
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed.iter().any(|name| name == host)
    }

    /// Whether the `Origin` of a page is this machine's, Box's or the user's.
    fn is_own(&self, page: &HeaderValue) -> bool {
        let host = page
            .to_str()
            .ok()
            .and_then(|page| HostPort::parse(page.split_once("://")?.1));
        host.is_some_and(|at| at.is_loopback() || at.is_box() || self.allows(&at.host))
    }
}

/// Whether somebody else can make a name resolve to this machine. An address is not a name, and
/// names without a dot (of a container) or below `.internal` and `.test` are not registered.
fn may_be_rebound(host: &str) -> bool {
    let is_private = !host.contains('.')
        || [".internal", ".test"]
            .iter()
            .any(|ending| host.ends_with(ending));
    !(is_box(host) || is_private || is_loopback(host) || host.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::server::handler::Scheme;

    fn refuses(guard: &Guard, peer: &str, host: &str, page: Option<&str>) -> bool {
        let origin = Origin {
            peer: SocketAddr::new(peer.parse().expect("an address"), 1),
            scheme: Scheme::Clear,
            authority: HostPort::parse(host),
            via_proxy: false,
        };
        let mut headers = HeaderMap::new();
        if let Some(page) = page {
            let page = HeaderValue::from_str(page).expect("a header");
            headers.insert(header::ORIGIN, page);
        }
        guard.refuses(&origin, &headers).is_some()
    }

    #[test]
    fn a_name_that_anybody_may_point_here_is_refused_from_here() {
        let guard = Guard::default();
        for host in ["evil.example:7269", "127.0.0.1.evil.example", "evil.local"] {
            assert!(refuses(&guard, "127.0.0.1", host, None), "{host}");
            assert!(refuses(&guard, "::ffff:127.0.0.1", host, None), "{host}");
        }
        for host in [
            "127.0.0.1:7269",
            "[::1]:7269",
            "192.168.1.5",
            "localhost",
            "a.localhost",
            "api.box.com",
            "mock:7269",
            "host.docker.internal:7269",
        ] {
            assert!(!refuses(&guard, "127.0.0.1", host, None), "{host}");
        }
        // A container or another machine comes by whatever name it has for this one.
        assert!(!refuses(&guard, "172.17.0.2", "mock.ci.example", None));
    }

    #[test]
    fn a_page_of_another_host_is_refused_and_the_users_own_is_not() {
        let refused = |page| refuses(&Guard::default(), "127.0.0.1", "127.0.0.1", Some(page));
        for page in ["https://evil.example", "null", "", "http://notbox.com"] {
            assert!(refused(page), "{page}");
        }
        for page in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://app.box.com",
        ] {
            assert!(!refused(page), "{page}");
        }
    }

    #[test]
    fn a_name_that_the_user_allows_is_answered() {
        let guard = Guard::allowing(&["Mine.Example.".to_owned()]);
        let page = Some("https://mine.example");
        assert!(!refuses(&guard, "127.0.0.1", "mine.example:1", page));
        assert!(refuses(&guard, "127.0.0.1", "not.mine.example", None));
    }
}
