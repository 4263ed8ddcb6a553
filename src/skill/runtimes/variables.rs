//! The variables that point a program at a mock: base URLs for programs that read one, the proxy and
//! its certificate for those that hard-code Box's hosts, a preload for Node.

use std::path::Path;

use super::run_folder::{TrustFiles, is_of_a_run};
use crate::{
    domain::hosts::{HostPort, is_box},
    env::Environment,
};

/// The names of all variables that point a program at a mock.
pub const NAMES: [&str; 13] = [
    "BOX_API_BASE_URL",
    "BOX_UPLOAD_BASE_URL",
    "SKILLCTL_BOX",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "NODE_OPTIONS",
];

/// The variables for a program that is to meet the mock at `url` (`http://127.0.0.1:7269`), with
/// what `environment` holds kept where that can be: lists and options are added to.
pub fn interception(
    url: &str,
    files: &TrustFiles,
    environment: &Environment,
) -> Vec<(String, String)> {
    let url = url.trim_end_matches('/');
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let no_proxy = no_proxy(environment);
    // Node adds this file to what it trusts; the bundle includes a file that the user named.
    let own_for_node = environment
        .var("NODE_EXTRA_CA_CERTS")
        .filter(|named| !is_of_a_run(Path::new(named)));
    let for_node = match own_for_node {
        None => path(&files.ca),
        Some(_) => path(&files.bundle),
    };
    let intercepting = [
        ("HTTPS_PROXY", url.to_owned()),
        ("https_proxy", url.to_owned()),
        ("NO_PROXY", no_proxy.clone()),
        ("no_proxy", no_proxy),
        ("NODE_EXTRA_CA_CERTS", for_node),
        ("SSL_CERT_FILE", path(&files.bundle)),
        ("REQUESTS_CA_BUNDLE", path(&files.bundle)),
        ("CURL_CA_BUNDLE", path(&files.bundle)),
        ("DENO_CERT", path(&files.bundle)),
        (
            "NODE_OPTIONS",
            node_options(&path(&files.preload), environment),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let mut variables = base_urls(url);
    variables.extend(intercepting);
    variables
}

/// The variables for a program with a configurable base URL: the roots as SDKs take them.
pub fn base_urls(url: &str) -> Vec<(String, String)> {
    let url = url.trim_end_matches('/');
    [
        ("BOX_API_BASE_URL", url.to_owned()),
        ("BOX_UPLOAD_BASE_URL", format!("{url}/api")),
        ("SKILLCTL_BOX", url.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The user's own list, with loopback. Without names that would make Box's hosts bypass the proxy: the
/// mock itself still goes by the user's list when it reaches another host.
fn no_proxy(environment: &Environment) -> String {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
    let own = ["no_proxy", "NO_PROXY"]
        .iter()
        .find_map(|name| environment.var(name))
        .unwrap_or_default();
    let bypasses_proxy = |name: &str| {
        let domain = name.trim_start_matches("*.").trim_start_matches('.');
        name == "*" || domain == "com" || HostPort::parse(domain).is_some_and(|at| is_box(&at.host))
    };
    let kept = own
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && !bypasses_proxy(name) && !LOOPBACK.contains(name));
    kept.chain(LOOPBACK).collect::<Vec<_>>().join(",")
}

/// The user's own options with the preload behind them. A preload of another run is left out: it
/// may be gone, and then Node would not start.
fn node_options(preload: &str, environment: &Environment) -> String {
    let own = environment.var("NODE_OPTIONS").unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for word in node_words(own) {
        let asks_for_it = words.last().is_some_and(|last| last == "--require");
        if asks_for_it && is_of_a_run(Path::new(&unquoted(word))) {
            words.pop();
        } else {
            words.push(word.to_owned());
        }
    }
    words.push("--require".to_owned());
    words.push(if preload.contains([' ', '"', '\\']) {
        let escaped = preload.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    } else {
        preload.to_owned()
    });
    words.join(" ")
}

/// Splits as Node does: at blanks outside of double quotes, in which a backslash escapes.
fn node_words(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character| {
        let splits = character == ' ' && !quoted;
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && character == '\\' && !escaped;
        splits
    })
    .filter(|word| !word.is_empty())
}

fn unquoted(word: &str) -> String {
    word.trim_matches('"')
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        let files = TrustFiles {
            ca: "/run/ca.pem".into(),
            bundle: "/run/bundle.pem".into(),
            preload: "/run/preload.cjs".into(),
        };
        let environment = Environment::from_variables(variables.iter().copied());
        interception("http://127.0.0.1:7269", &files, &environment)
            .into_iter()
            .collect()
    }

    #[test]
    fn the_list_of_names_is_that_of_the_variables() {
        assert!(of(&[]).keys().all(|name| NAMES.contains(&name.as_str())));
        assert_eq!(of(&[]).len(), NAMES.len());
    }

    #[test]
    fn sdks_get_the_base_urls_as_they_take_them() {
        let variables = of(&[]);
        assert_eq!(variables["BOX_API_BASE_URL"], "http://127.0.0.1:7269");
        assert_eq!(
            variables["BOX_UPLOAD_BASE_URL"],
            "http://127.0.0.1:7269/api"
        );
        assert_eq!(variables["HTTPS_PROXY"], variables["https_proxy"]);
        assert_eq!(variables["NODE_EXTRA_CA_CERTS"], "/run/ca.pem");
        assert_eq!(variables["SSL_CERT_FILE"], "/run/bundle.pem");
    }

    #[test]
    fn the_users_own_lists_and_options_are_added_to() {
        let variables = of(&[
            ("NO_PROXY", "intern.example, .corp"),
            ("NODE_OPTIONS", "--max-old-space-size=64"),
            ("NODE_EXTRA_CA_CERTS", "/etc/corp.pem"),
        ]);
        let expected = "intern.example,.corp,localhost,127.0.0.1,::1";
        assert_eq!(variables["NO_PROXY"], expected);
        assert_eq!(variables["no_proxy"], expected);
        assert_eq!(
            variables["NODE_OPTIONS"],
            "--max-old-space-size=64 --require /run/preload.cjs"
        );
        assert_eq!(variables["NODE_EXTRA_CA_CERTS"], "/run/bundle.pem");
    }

    #[test]
    fn nothing_leads_boxs_hosts_past_the_proxy() {
        for own in [
            "*",
            ".box.com",
            "api.box.com",
            "*.boxcloud.com",
            "com",
            "box.com:443",
        ] {
            assert_eq!(
                of(&[("no_proxy", own)])["NO_PROXY"],
                "localhost,127.0.0.1,::1"
            );
        }
    }

    #[test]
    fn what_an_earlier_run_left_in_the_shell_is_replaced() {
        let variables = of(&[
            (
                "NODE_OPTIONS",
                "--require \"/tmp/a b/skillctl-run-1/preload.cjs\" --require ./own.js --no-warnings",
            ),
            ("NODE_EXTRA_CA_CERTS", "/tmp/skillctl-run-1/ca.pem"),
            ("NO_PROXY", "localhost,127.0.0.1,::1"),
        ]);
        assert_eq!(
            variables["NODE_OPTIONS"],
            "--require ./own.js --no-warnings --require /run/preload.cjs"
        );
        assert_eq!(variables["NODE_EXTRA_CA_CERTS"], "/run/ca.pem");
        assert_eq!(variables["NO_PROXY"], "localhost,127.0.0.1,::1");
    }

    #[test]
    fn a_path_with_blanks_is_quoted_for_node() {
        let environment = Environment::from_variables([("A", "b")]);
        assert_eq!(
            node_options("/a b/\"c\\.cjs", &environment),
            "--require \"/a b/\\\"c\\\\.cjs\""
        );
    }
}
