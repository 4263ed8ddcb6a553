//! The HTTP clients below the calls: which proxy, which certificates, which time limits, and the
//! lazy building of them. What is called is for `box_api`.

use std::{
    fmt::Display,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{Proxy, redirect};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};
use url::Url;

use super::{error::ErrorKind, server_certificate::Verifier};
use crate::domain::text::innermost_cause;
use crate::env::{
    Environment,
    proxy::{Intercept, Proxies},
};

/// How connections are made.
#[derive(Clone, Debug)]
pub struct Connections {
    /// Certificates to trust in addition to the system's.
    trusted: Vec<CertificateDer<'static>>,
    /// The proxies of the environment.
    proxies: Proxies,
    /// The time limit for a connection to be made.
    pub connect_timeout: Duration,
    /// How long a connection may stay silent.
    pub stall_timeout: Duration,
}

impl Connections {
    /// Ten seconds to connect, thirty of silence, the proxies of the environment.
    pub fn new(environment: &Environment) -> Self {
        Self {
            trusted: Vec::new(),
            proxies: Proxies::from_environment(environment),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
        }
    }

    /// Whether `url` is reached without a proxy.
    pub fn is_direct(&self, url: &Url) -> bool {
        matches!(self.proxies.for_url(url), Ok(None))
    }

    /// The same, trusting the certificates of a PEM file too.
    ///
    /// # Errors
    /// In a sentence, where the text holds no certificate or a damaged one.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, String> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("it is not a PEM file of certificates: {error}"))?;
        if certificates.is_empty() {
            return Err("it holds no certificate in PEM form".to_owned());
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
        }
        self.trusted.extend(certificates);
        Ok(self)
    }
}

/// What a client needs for a URL.
#[derive(Debug)]
struct Needs {
    /// TLS to the host, or to the proxy before it: only then are root certificates loaded.
    tls: bool,
    proxy: Option<Intercept>,
    /// The index of the client.
    slot: usize,
}

impl Needs {
    fn for_url(url: &Url, proxies: &Proxies) -> Result<Self, ErrorKind> {
        let proxy = proxies.for_url(url).map_err(|error| ErrorKind::Setup {
            reason: error.to_string(),
        })?;
        let https = url.scheme() == "https";
        let over_tls = |proxy: &Intercept| proxy.uri().scheme_str() == Some("https");
        Ok(Self {
            tls: https || proxy.as_ref().is_some_and(over_tls),
            slot: usize::from(https) * 2 + usize::from(proxy.is_some()),
            proxy,
        })
    }
}

/// The clients, each built when a URL first needs it: for `http` and for `https`, without a proxy
/// and through the one that is set for the scheme.
#[derive(Debug)]
pub struct Http {
    connections: Connections,
    clients: [OnceLock<reqwest::Client>; 4],
}

impl Http {
    /// Clients that are not built yet.
    pub fn new(connections: Connections) -> Self {
        Self {
            connections,
            clients: Default::default(),
        }
    }

    /// The client that can call `url`.
    pub fn client(&self, url: &Url) -> Result<&reqwest::Client, ErrorKind> {
        let needs = Needs::for_url(url, &self.connections.proxies)?;
        let slot = &self.clients[needs.slot];
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = self
            .build(&needs)
            .map_err(|reason| ErrorKind::Setup { reason })?;
        Ok(slot.get_or_init(|| client))
    }

    fn build(&self, needs: &Needs) -> Result<reqwest::Client, String> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(needs)?)
            .user_agent(concat!("skillctl/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(self.connections.connect_timeout)
            .read_timeout(self.connections.stall_timeout)
            .no_proxy();
        let failed = |error: reqwest::Error| {
            format!(
                "the HTTP client cannot be set up: {}",
                innermost_cause(&error)
            )
        };
        if let Some(intercept) = &needs.proxy {
            // Which URLs go through it was decided by `Proxies`: reqwest is given no exceptions.
            let mut proxy = Proxy::all(intercept.uri().to_string()).map_err(failed)?;
            if let Some(authorization) = intercept.basic_auth() {
                proxy = proxy.custom_http_auth(authorization.clone());
            }
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(failed)
    }

    /// The TLS set-up, with ring named outright: no provider needs to be installed for the whole
    /// process. Root certificates take tens of milliseconds to load, so a plain client has none.
    fn tls(&self, needs: &Needs) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        if needs.tls {
            for certificate in &self.connections.trusted {
                // They were tried when they were read.
                let _ = roots.add(certificate.clone());
            }
            let own = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(own.certs);
            if roots.is_empty() {
                let why = own.errors.first().map(|error| format!(" ({error})"));
                return Err(format!(
                    "this system has no root certificates{}: set SSL_CERT_FILE or --ca-cert",
                    why.unwrap_or_default()
                ));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let failed = |error: &dyn Display| format!("TLS cannot be set up: {error}");
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?;
        let own = &self.connections.trusted;
        let mut config = if own.is_empty() || roots.is_empty() {
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            let verifier = Verifier::new(roots, own.clone(), provider);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(
                    verifier.map_err(|error| failed(&error))?,
                ))
                .with_no_client_auth()
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_environment(&Environment::from_variables(variables.iter().copied()))
    }

    fn needs(text: &str, proxies: &Proxies) -> Needs {
        Needs::for_url(&url(text), proxies).expect("a usable proxy")
    }

    #[test]
    fn loopback_goes_direct_and_needs_no_roots() {
        let all = proxies(&[("ALL_PROXY", "https://p:1")]);
        for text in [
            "http://127.0.0.1:7269",
            "http://[::1]:7269",
            "http://localhost:7269",
            "http://127.8.9.1",
        ] {
            let needs = needs(text, &all);
            assert!(!needs.tls && needs.proxy.is_none(), "{text}");
        }
    }

    #[test]
    fn roots_are_needed_for_https_and_for_an_https_proxy() {
        let tls = |text: &str, proxies: &Proxies| needs(text, proxies).tls;
        assert!(tls("https://api.box.com", &Proxies::none()));
        assert!(tls("https://127.0.0.1:7269", &Proxies::none()));
        assert!(!tls("http://mock:7269", &Proxies::none()));
        let http = proxies(&[("HTTP_PROXY", "https://p")]);
        assert!(tls("http://mock:7269", &http));
        let https = proxies(&[("HTTPS_PROXY", "https://p")]);
        assert!(!tls("http://mock:7269", &https));
    }

    #[test]
    fn each_scheme_has_a_client_with_its_proxy_and_one_without() {
        let both = proxies(&[
            ("http_proxy", "http://one"),
            ("https_proxy", "http://other"),
            ("no_proxy", "box.com"),
        ]);
        let urls = [
            ("http://box.com", None),
            ("http://a.example", Some("http://one/")),
            ("https://box.com", None),
            ("https://a.example", Some("http://other/")),
        ];
        for (slot, (text, proxy)) in urls.into_iter().enumerate() {
            let needs = needs(text, &both);
            assert_eq!(needs.slot, slot, "{text}");
            let found = needs.proxy.map(|proxy| proxy.uri().to_string());
            assert_eq!(found.as_deref(), proxy, "{text}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let connections = || Connections {
            trusted: Vec::new(),
            proxies: Proxies::none(),
            connect_timeout: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(1),
        };
        assert!(connections().trusting(b"hello").is_err());
        let torn = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(connections().trusting(torn).is_err());
    }
}
