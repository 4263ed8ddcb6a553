//! Variables of this shell that point a skill somewhere: at a mock that has ended, at files that are
//! gone, at a proxy that loopback calls would go through.

use std::{path::Path, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use url::Url;

use super::finding::Finding;
use crate::{
    domain::hosts::is_loopback as is_loopback_host,
    env::{Environment, certificates, proxy},
    skill::runtimes::own::NAMES,
};

/// How long a mock on this machine may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

const UNSET: &str = "eval \"$(skillctl env --unset)\"";

pub(super) async fn examine(environment: &Environment) -> Vec<Finding> {
    let mut findings = vec![mock_of_shell(environment).await];
    findings.extend(certificates(environment));
    findings.push(proxies(environment));
    findings
}

/// Whether the mock that `skillctl env` named for this shell still listens.
async fn mock_of_shell(environment: &Environment) -> Finding {
    const CODE: &str = "stale-variables";
    let Some(named) = environment.var("BOX_API_BASE_URL") else {
        return Finding::ok(CODE, "this shell does not point skills at a mock");
    };
    let Some(url) = Url::parse(named).ok().filter(Url::has_host) else {
        return Finding::problem(
            CODE,
            format!("BOX_API_BASE_URL is not a URL: {named}"),
            format!("set it to a URL such as http://127.0.0.1:7269, or run {UNSET}"),
        );
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port))).await;
    if matches!(connected, Ok(Ok(_))) {
        return Finding::ok(CODE, format!("this shell points skills at {named}"));
    }
    let set: Vec<&str> = NAMES
        .into_iter()
        .filter(|name| environment.var(name).is_some())
        .collect();
    Finding::problem(
        CODE,
        format!(
            "this shell points skills at {named}, where nothing listens ({})",
            set.join(", ")
        ),
        format!("start a mock there, or restore the shell with {UNSET}"),
    )
}

/// Certificate files that variables name and that do not exist.
fn certificates(environment: &Environment) -> Vec<Finding> {
    const CODE: &str = "certificates";
    let set: Vec<(&str, &str)> = certificates::VARIABLES
        .into_iter()
        .filter_map(|name| Some((name, environment.var(name)?)))
        .collect();
    let gone: Vec<Finding> = set
        .iter()
        .filter(|(_, path)| !Path::new(path).exists())
        .map(|(name, path)| {
            Finding::problem(
                CODE,
                format!("{name} names {path}, which does not exist; TLS clients may fail to start"),
                format!("unset {name}; if skillctl env set it, run {UNSET}"),
            )
        })
        .collect();
    if !gone.is_empty() {
        return gone;
    }
    let variables: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
    vec![Finding::ok(
        CODE,
        match variables.as_slice() {
            [] => "no variable names certificates; runtimes trust the system's roots".to_owned(),
            names => format!("certificates are named by {}", names.join(", ")),
        },
    )]
}

/// Whether calls to loopback would go through a proxy of the user's.
fn proxies(environment: &Environment) -> Finding {
    const CODE: &str = "proxy";
    let set: Vec<&str> = proxy::VARIABLES
        .into_iter()
        .filter(|name| {
            environment
                .var(name)
                .is_some_and(|proxy| !is_loopback(proxy))
        })
        .collect();
    if set.is_empty() {
        return Finding::ok(CODE, "no proxy is set");
    }
    let missing: Vec<&str> = ["localhost", "127.0.0.1"]
        .into_iter()
        .filter(|host| !proxy::is_excluded(environment, host))
        .collect();
    let set = set.join(", ");
    if missing.is_empty() {
        return Finding::ok(
            CODE,
            format!("{set} is set; NO_PROXY excludes this machine"),
        );
    }
    Finding::problem(
        CODE,
        format!(
            "{set} is set and NO_PROXY does not list {}: programs send calls to this machine to the proxy",
            missing.join(" and ")
        ),
        "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1",
    )
}

/// Whether a proxy is on this machine: then it can reach what listens here.
fn is_loopback(proxy: &str) -> bool {
    let url = Url::parse(proxy).or_else(|_| Url::parse(&format!("http://{proxy}")));
    url.ok()
        .and_then(|url| Some(is_loopback_host(url.host_str()?)))
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn a_proxy_without_an_exception_for_this_machine_is_a_problem() {
        let state = |variables: &[(&str, &str)]| {
            proxies(&Environment::from_variables(variables.iter().copied())).state
        };
        assert_eq!(state(&[]), State::Ok);
        assert_eq!(
            state(&[("HTTP_PROXY", "http://proxy.corp:8080")]),
            State::Problem
        );
        assert_eq!(
            state(&[("http_proxy", "proxy.corp:8080"), ("no_proxy", "localhost")]),
            State::Problem
        );
        assert_eq!(
            state(&[
                ("http_proxy", "proxy.corp:8080"),
                ("NO_PROXY", "localhost, 127.0.0.1")
            ]),
            State::Ok
        );
        assert_eq!(
            state(&[("HTTPS_PROXY", "http://127.0.0.1:7269")]),
            State::Ok
        );
    }

    #[test]
    fn a_certificate_file_that_is_gone_is_a_problem() {
        let environment = Environment::from_variables([("SSL_CERT_FILE", "/no/such/bundle.pem")]);
        let found = certificates(&environment);
        assert_eq!(found[0].state, State::Problem);
        assert!(found[0].text.contains("/no/such/bundle.pem"));
    }
}
