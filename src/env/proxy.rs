//! The user's HTTP proxies, read from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`: the
//! one set of rules for every connection that skillctl makes. How a connection goes through a proxy
//! is for `client` and `server`.
//!
//! - A lower-case variable takes precedence over its upper-case form, as in curl.
//! - `HTTP_PROXY` in upper case is ignored where `REQUEST_METHOD` is set: a CGI program is given the
//!   request's `Proxy` header in it.
//! - `NO_PROXY` is a list, separated by commas or blanks, of domains (with their subdomains),
//!   addresses, networks such as `10.0.0.0/8`, each with a port or without one, or of `*`.
//! - A loopback host is never reached through a proxy.

use std::{collections::BTreeMap, fmt, sync::Arc};

use http::Uri;
pub use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Environment;
use crate::domain::hosts::{HostPort, is_loopback};

/// The proxies to use, for `http` and for `https` targets.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<Rules>);

#[derive(Debug, Default)]
struct Rules {
    http: Option<Setting>,
    https: Option<Setting>,
    no_proxy: NoProxy,
}

type Setting = Result<Intercept, UnusableProxy>;

/// A variable that names no proxy that can be used. Its value is not shown: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable {variable} does not hold the URL of an http:// or https:// proxy")]
pub struct UnusableProxy {
    variable: &'static str,
}

impl Proxies {
    /// No proxy for any target.
    pub fn none() -> Self {
        Self::default()
    }

    /// The proxies that the variables name.
    pub fn from_environment(environment: &Environment) -> Self {
        let first = |names: &[&'static str]| {
            let named = |name: &&'static str| Some((*name, environment.var(name)?));
            names.iter().find_map(named)
        };
        let setting = |names: &[&'static str]| {
            first(names).map(|(variable, text)| read(text.trim()).ok_or(UnusableProxy { variable }))
        };
        let http: &[_] = if environment.var("REQUEST_METHOD").is_some() {
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        let https = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        Self(Arc::new(Rules {
            http: setting(http),
            https: setting(https),
            no_proxy: no_proxy(environment),
        }))
    }

    /// The proxy for a URL; none where its host is to be reached directly.
    ///
    /// # Errors
    /// Where the variable that applies to it names no proxy.
    pub fn for_url(&self, url: &Url) -> Result<Option<Intercept>, UnusableProxy> {
        let host = url.host_str().unwrap_or_default();
        self.find(url.scheme(), host, url.port_or_known_default())
    }

    /// The proxy for a target of the scheme `http` or `https`, as [`Self::for_url`].
    pub fn for_target(
        &self,
        scheme: &str,
        target: &HostPort,
    ) -> Result<Option<Intercept>, UnusableProxy> {
        let default = if scheme == "https" { 443 } else { 80 };
        let port = target.port.unwrap_or(default);
        self.find(scheme, &target.host, Some(port))
    }

    fn find(
        &self,
        scheme: &str,
        host: &str,
        port: Option<u16>,
    ) -> Result<Option<Intercept>, UnusableProxy> {
        let setting = match scheme {
            "http" => &self.0.http,
            "https" => &self.0.https,
            _ => &None,
        };
        let Some(setting) = setting else {
            return Ok(None);
        };
        if is_loopback(host) || self.0.no_proxy.covers(host, port) {
            return Ok(None);
        }
        setting.clone().map(Some)
    }
}

/// The proxy that a variable's text names.
fn read(text: &str) -> Option<Intercept> {
    let any = Uri::from_static("http://any.invalid");
    // The last `@` ends the password, as with curl. For hyper-util it is the first, and the rest of
    // the password would be a part of the host, which is shown.
    let text = match text.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.replace('@', "%40")),
        None => text.to_owned(),
    };
    let proxy = Matcher::builder().all(text).build().intercept(&any)?;
    // So would the beginning of a password with a slash in it.
    HostPort::parse(proxy.uri().authority()?.as_str())?;
    let scheme = proxy.uri().scheme_str();
    matches!(scheme, Some("http" | "https")).then_some(proxy)
}

/// Variables that name a proxy.
pub const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Whether `NO_PROXY` lists `host` at every port.
pub fn is_excluded(environment: &Environment, host: &str) -> bool {
    no_proxy(environment).covers(host, None)
}

fn no_proxy(environment: &Environment) -> NoProxy {
    let set = ["no_proxy", "NO_PROXY"];
    let list = set.iter().find_map(|name| environment.var(name));
    NoProxy::parse(list.unwrap_or_default())
}

/// The targets that `NO_PROXY` lists. The matcher of hyper-util knows no ports, so there is one for
/// the entries without a port and one for each port that is named.
#[derive(Default)]
struct NoProxy {
    everything: bool,
    at_any_port: Option<Matcher>,
    at_port: BTreeMap<u16, Matcher>,
}

impl NoProxy {
    fn parse(list: &str) -> Self {
        let mut everything = false;
        let mut at_any_port = String::new();
        let mut at_port: BTreeMap<u16, String> = BTreeMap::new();
        for entry in list.split([',', ' ', '\t']).filter(|it| !it.is_empty()) {
            everything |= entry == "*";
            // `*.example.com` is a usual way to write `.example.com`.
            let entry = entry.strip_prefix('*').unwrap_or(entry);
            let (host, port) = match HostPort::parse(entry) {
                Some(HostPort { host, port }) => (host, port),
                None => (entry.into(), None),
            };
            let list = port.map_or(&mut at_any_port, |port| at_port.entry(port).or_default());
            list.push_str(&host);
            list.push(',');
        }
        let matcher = |list: String| Matcher::builder().all("any.invalid").no(list).build();
        let at_port = at_port.into_iter();
        Self {
            everything,
            at_any_port: (!at_any_port.is_empty()).then(|| matcher(at_any_port)),
            at_port: at_port.map(|(port, list)| (port, matcher(list))).collect(),
        }
    }

    fn covers(&self, host: &str, port: Option<u16>) -> bool {
        if self.everything {
            return true;
        }
        let at_port = port.and_then(|port| self.at_port.get(&port));
        let mut matchers = self.at_any_port.iter().chain(at_port);
        let uri = if host.contains(':') && !host.starts_with('[') {
            format!("http://[{host}]/")
        } else {
            format!("http://{host}/")
        };
        uri.parse()
            .is_ok_and(|uri| matchers.any(|matcher| matcher.intercept(&uri).is_none()))
    }
}

impl fmt::Debug for NoProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NoProxy")
            .field("everything", &self.everything)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_environment(&Environment::from_variables(variables.iter().copied()))
    }

    /// `scheme://host:port` of the proxy for a URL.
    fn proxy_of(proxies: &Proxies, url: &str) -> Option<String> {
        let url = Url::parse(url).expect("a URL");
        let found = proxies.for_url(&url).expect("a usable proxy");
        found.map(|proxy| proxy.uri().to_string().trim_end_matches('/').to_owned())
    }

    #[test]
    fn lower_case_goes_before_upper_case_and_a_scheme_before_all() {
        let (lower, upper) = ("http://lower:1", "http://upper:2");
        for (name, url) in [
            ("http_proxy", "http://a.example"),
            ("https_proxy", "https://a.example"),
        ] {
            let capital = name.to_ascii_uppercase();
            let both = proxies(&[(name, lower), (&capital, upper), ("all_proxy", "all:3")]);
            assert_eq!(proxy_of(&both, url).as_deref(), Some(lower), "{name}");
            let one = proxies(&[(&capital, upper), ("ALL_PROXY", "all:3")]);
            assert_eq!(proxy_of(&one, url).as_deref(), Some(upper), "{name}");
            let all = proxies(&[("ALL_PROXY", "all:3")]);
            assert_eq!(proxy_of(&all, url).as_deref(), Some("http://all:3"));
        }
        let only_http = proxies(&[("http_proxy", lower)]);
        assert_eq!(proxy_of(&only_http, "https://a.example"), None);
        assert_eq!(proxy_of(&Proxies::none(), "http://a.example"), None);
    }

    #[test]
    fn a_cgi_program_does_not_read_http_proxy_in_upper_case() {
        let cgi = ("REQUEST_METHOD", "GET");
        let by_header = proxies(&[("HTTP_PROXY", "http://evil:1"), cgi]);
        assert_eq!(proxy_of(&by_header, "http://a.example"), None);
        let own = proxies(&[("http_proxy", "http://own:1"), cgi]);
        assert!(proxy_of(&own, "http://a.example").is_some());
        let tls = proxies(&[("HTTPS_PROXY", "http://own:1"), cgi]);
        assert!(proxy_of(&tls, "https://a.example").is_some());
    }

    #[test]
    fn no_proxy_lists_domains_addresses_networks_and_ports() {
        for (list, direct, proxied) in [
            (
                "example.com",
                &[
                    "http://example.com",
                    "http://a.example.com:81",
                    "http://EXAMPLE.com",
                ][..],
                &["http://notexample.com", "http://example.com.org"][..],
            ),
            (
                ".example.com",
                &["http://a.example.com", "http://example.com"],
                &["http://aexample.com"],
            ),
            ("*.example.com", &["http://a.example.com"], &["http://b.c"]),
            (
                "a.b,c.d, e.f g.h",
                &["http://c.d", "http://g.h"],
                &["http://i.j"],
            ),
            ("10.1.2.3", &["http://10.1.2.3:81"], &["http://10.1.2.4"]),
            ("10.0.0.0/8", &["http://10.200.1.1"], &["http://11.0.0.1"]),
            ("fd00::/8", &["http://[fd12::1]:81"], &["http://[fe80::1]"]),
            ("[fd00::1]", &["http://[fd00::1]"], &["http://[fd00::2]"]),
            (
                "example.com:81,[fd00::1]:82",
                &["http://a.example.com:81", "http://[fd00::1]:82"],
                &["http://example.com", "http://[fd00::1]:81"],
            ),
            (
                "example.com:80",
                &["http://example.com"],
                &["http://example.com:81"],
            ),
            (
                "*",
                &["http://a.b", "http://10.1.2.3", "http://[fd00::1]"],
                &[],
            ),
            ("a.b,*", &["http://c.d"], &[]),
            ("", &[], &["http://a.b"]),
        ] {
            for name in ["no_proxy", "NO_PROXY"] {
                let proxies = proxies(&[("all_proxy", "proxy:1"), (name, list)]);
                for url in direct {
                    assert_eq!(proxy_of(&proxies, url), None, "{list}: {url}");
                }
                for url in proxied {
                    assert!(proxy_of(&proxies, url).is_some(), "{list}: {url}");
                }
            }
        }
    }

    #[test]
    fn loopback_is_never_reached_through_a_proxy() {
        let proxies = proxies(&[("all_proxy", "proxy:1")]);
        for url in [
            "http://127.0.0.1:7269",
            "https://127.8.9.1",
            "http://[::1]:7269",
            "http://localhost:7269",
            "http://a.localhost",
        ] {
            assert_eq!(proxy_of(&proxies, url), None, "{url}");
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_kept_out_of_debug() {
        for (text, authorization) in [
            ("http://user:p%40ss@proxy:1", Some("Basic dXNlcjpwQHNz")),
            ("user:p%40ss@proxy:1", Some("Basic dXNlcjpwQHNz")),
            ("http://user:p@ss@proxy:1", Some("Basic dXNlcjpwQHNz")),
            ("user:p@ss@proxy:1", Some("Basic dXNlcjpwQHNz")),
            ("http://user@proxy:1", Some("Basic dXNlcjo=")),
            ("http://proxy:1", None),
        ] {
            let proxies = proxies(&[("https_proxy", text)]);
            let target = HostPort::parse("a.example").expect("a host");
            let proxy = proxies.for_target("https", &target).expect("usable");
            let proxy = proxy.expect("a proxy");
            let value = proxy.basic_auth().and_then(|value| value.to_str().ok());
            assert_eq!(value, authorization, "{text}");
            assert_eq!(proxy.uri(), "http://proxy:1/", "{text}");
            let shown = format!("{proxies:?}");
            assert!(
                !shown.contains("p%40ss") && !shown.contains("dXNl"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_variable_without_a_proxy_is_an_error_where_it_would_be_used() {
        for text in [
            "socks5://proxy:1",
            "ftp://proxy",
            "http://",
            "::",
            "http://user:pa/ss@proxy:1",
            "http://user:pa#ss@proxy:1",
        ] {
            let proxies = proxies(&[("HTTPS_PROXY", text), ("NO_PROXY", "direct.example")]);
            let find = |url: &str| proxies.for_url(&Url::parse(url).expect("a URL"));
            let error = find("https://a.example").expect_err(text);
            assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
            assert!(find("https://direct.example").is_ok_and(|it| it.is_none()));
            assert!(find("http://a.example").is_ok_and(|it| it.is_none()));
        }
    }
}
