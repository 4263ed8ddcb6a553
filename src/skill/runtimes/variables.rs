//! The variables that point a program at a mock: base URLs for programs that read one, the proxy and its
//! certificate for those that hard-code Box's hosts, and scripts or options for runtimes whose clients
//! ignore the proxy.

use std::{fmt::Write as _, path::Path};

use url::Url;

use super::{
    own::{JVM_MARKER, JVM_PROPERTIES, RUBY_OPTION, own_environment},
    run_folder::RunFiles,
};
use crate::{
    domain::hosts::{HostPort, is_box},
    env::Environment,
};

/// The variables for a program that is to use the mock at `url` (`http://127.0.0.1:7269`), with
/// what `environment` holds kept where that can be: lists and options are added to.
pub fn interception(
    url: &str,
    files: &RunFiles,
    environment: &Environment,
) -> Vec<(String, String)> {
    let url = url.trim_end_matches('/');
    let own = own_environment(environment);
    let own = |name: &str| own.var(name);
    let bundle = text(&files.bundle());
    let own_no_proxy = own("no_proxy").or_else(|| own("NO_PROXY"));
    let no_proxy = no_proxy(own_no_proxy.filter(|_| !files.has_all_hosts));
    // Node adds this file to what it trusts; the bundle includes a file that the user named.
    let for_node = match own("NODE_EXTRA_CA_CERTS") {
        None => text(&files.ca()),
        Some(_) => bundle.clone(),
    };
    let node_option = format!("--require={}", quoted_for_node(&text(&files.node_script())));
    let python = text(&files.python_path());
    let ruby = text(&files.ruby_path());
    let jvm_options = jvm_options(url, files);
    let intercepting = [
        ("SKILLCTL_RUN_FOLDER", text(&files.folder)),
        ("HTTPS_PROXY", url.to_owned()),
        ("https_proxy", url.to_owned()),
        ("HTTP_PROXY", url.to_owned()),
        ("http_proxy", url.to_owned()),
        ("NO_PROXY", no_proxy.clone()),
        ("no_proxy", no_proxy),
        ("NODE_EXTRA_CA_CERTS", for_node),
        ("SSL_CERT_FILE", bundle.clone()),
        ("REQUESTS_CA_BUNDLE", bundle.clone()),
        ("CURL_CA_BUNDLE", bundle.clone()),
        ("DENO_CERT", bundle),
        ("NODE_OPTIONS", after(own("NODE_OPTIONS"), &node_option)),
        ("PYTHONPATH", before(&python, own("PYTHONPATH"))),
        // RUBYOPT has no quotes: a path with blanks can only be in RUBYLIB.
        ("RUBYLIB", before(&ruby, own("RUBYLIB"))),
        ("RUBYOPT", after(own("RUBYOPT"), RUBY_OPTION)),
        (
            "JAVA_TOOL_OPTIONS",
            after(own("JAVA_TOOL_OPTIONS"), &jvm_options),
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
fn no_proxy(own: Option<&str>) -> String {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
    let bypasses_proxy = |name: &str| {
        let domain = name.trim_start_matches("*.").trim_start_matches('.');
        name == "*" || domain == "com" || HostPort::parse(domain).is_some_and(|at| is_box(&at.host))
    };
    let kept = own
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && !bypasses_proxy(name) && !LOOPBACK.contains(name));
    kept.chain(LOOPBACK).collect::<Vec<_>>().join(",")
}

/// The proxy and the trust store for the JVM. A proxy or a trust store of the user's own is replaced:
/// of an option that is given twice, the JVM takes the last.
fn jvm_options(url: &str, files: &RunFiles) -> String {
    let (host, port) = match Url::parse(url) {
        Ok(url) => (
            url.host_str()
                .unwrap_or_default()
                .trim_matches(['[', ']'])
                .to_owned(),
            url.port_or_known_default().unwrap_or(80).to_string(),
        ),
        Err(_) => (String::new(), String::new()),
    };
    let values = [
        host.clone(),
        port.clone(),
        host,
        port,
        "localhost|127.*|[::1]|0.0.0.0|[::0]".to_owned(),
        quoted_for_jvm(&text(&files.trust_store)),
        "pkcs12".to_owned(),
    ];
    let mut options = format!("{JVM_MARKER}{}", quoted_for_jvm(&text(&files.folder)));
    for (property, value) in JVM_PROPERTIES.iter().zip(values) {
        // Writing to a string cannot fail.
        let _ = write!(options, " -D{property}={value}");
    }
    options
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn after(own: Option<&str>, option: &str) -> String {
    own.map_or_else(|| option.to_owned(), |own| format!("{own} {option}"))
}

fn before(path: &str, own: Option<&str>) -> String {
    own.map_or_else(|| path.to_owned(), |own| format!("{path}:{own}"))
}

/// In double quotes where Node would split it; a backslash escapes there.
fn quoted_for_node(path: &str) -> String {
    if !path.contains([' ', '"', '\\']) {
        return path.to_owned();
    }
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

/// In quotes where the JVM would split it. Quotes may be put next to each other, of either kind.
fn quoted_for_jvm(path: &str) -> String {
    let is_plain = |character: char| !character.is_whitespace() && !"'\"".contains(character);
    if path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::own::NAMES, *};

    const URL: &str = "http://127.0.0.1:7269";

    fn in_folder(folder: &str, variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        let files = RunFiles {
            folder: folder.into(),
            scripts: folder.into(),
            trust_store: Path::new(folder).join("trust-store.p12"),
            has_all_hosts: false,
        };
        let environment = Environment::from_variables(variables.iter().copied());
        interception(URL, &files, &environment)
            .into_iter()
            .collect()
    }

    fn of(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        in_folder("/tmp/skillctl-run-2", variables)
    }

    #[test]
    fn the_list_of_names_is_that_of_the_variables() {
        assert!(of(&[]).keys().all(|name| NAMES.contains(&name.as_str())));
        assert_eq!(of(&[]).len(), NAMES.len());
    }

    #[test]
    fn sdks_get_the_base_urls_as_they_take_them() {
        let variables = of(&[]);
        assert_eq!(variables["BOX_API_BASE_URL"], URL);
        assert_eq!(variables["BOX_UPLOAD_BASE_URL"], format!("{URL}/api"));
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
            assert_eq!(variables[name], URL);
        }
        assert_eq!(
            variables["NODE_EXTRA_CA_CERTS"],
            "/tmp/skillctl-run-2/ca.pem"
        );
        assert_eq!(variables["SSL_CERT_FILE"], "/tmp/skillctl-run-2/bundle.pem");
    }

    #[test]
    fn the_users_own_lists_and_options_are_added_to() {
        let variables = of(&[
            ("NO_PROXY", "intern.example, .corp"),
            ("NODE_OPTIONS", "--title=\"a b\""),
            ("NODE_EXTRA_CA_CERTS", "/etc/corp.pem"),
            ("PYTHONPATH", "/src"),
            ("RUBYLIB", "/lib"),
            ("RUBYOPT", "-W0"),
            ("JAVA_TOOL_OPTIONS", "-Xmx64m"),
        ]);
        let expected = "intern.example,.corp,localhost,127.0.0.1,::1";
        assert_eq!(variables["NO_PROXY"], expected);
        assert_eq!(variables["no_proxy"], expected);
        assert_eq!(
            variables["NODE_OPTIONS"],
            "--title=\"a b\" --require=/tmp/skillctl-run-2/preload.cjs"
        );
        assert_eq!(
            variables["NODE_EXTRA_CA_CERTS"],
            "/tmp/skillctl-run-2/bundle.pem"
        );
        assert_eq!(variables["PYTHONPATH"], "/tmp/skillctl-run-2/python:/src");
        assert_eq!(variables["RUBYLIB"], "/tmp/skillctl-run-2/ruby:/lib");
        assert_eq!(variables["RUBYOPT"], "-W0 -rskillctl_interception");
        assert_eq!(
            variables["JAVA_TOOL_OPTIONS"],
            "-Xmx64m -Dskillctl.run=/tmp/skillctl-run-2 -Dhttp.proxyHost=127.0.0.1 \
             -Dhttp.proxyPort=7269 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=7269 \
             -Dhttp.nonProxyHosts=localhost|127.*|[::1]|0.0.0.0|[::0] \
             -Djavax.net.ssl.trustStore=/tmp/skillctl-run-2/trust-store.p12 \
             -Djavax.net.ssl.trustStoreType=pkcs12"
        );
    }

    #[test]
    fn no_host_bypasses_a_mock_that_answers_for_all() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("interception.conf"), "hosts=all\n").expect("a file");
        std::fs::write(folder.path().join("ca.pem"), "").expect("a file");
        let files = RunFiles::next_to(&folder.path().join("ca.pem")).expect("a run folder");
        let own = Environment::from_variables([("NO_PROXY", "speech.corp.example")]);
        let variables: BTreeMap<_, _> = interception(URL, &files, &own).into_iter().collect();
        assert_eq!(variables["NO_PROXY"], "localhost,127.0.0.1,::1");
    }

    #[test]
    fn boxs_hosts_never_bypass_the_proxy() {
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
    fn a_shell_that_points_at_another_mock_points_at_this_one_afterwards() {
        let own = [
            ("NO_PROXY", "intern.example"),
            ("NODE_OPTIONS", "--no-warnings"),
            ("PYTHONPATH", "/src"),
            ("RUBYOPT", "-W0"),
            ("JAVA_TOOL_OPTIONS", "-Xmx64m"),
        ];
        let expected = of(&own);
        let mut shell = in_folder("/tmp/it's \"a\" b/skillctl-run-1", &own);
        for (name, value) in own {
            shell.insert(format!("SKILLCTL_BEFORE_{name}"), value.to_owned());
        }
        let environment = Environment::from_variables(shell.clone());
        let files = RunFiles {
            folder: "/tmp/skillctl-run-2".into(),
            scripts: "/tmp/skillctl-run-2".into(),
            trust_store: "/tmp/skillctl-run-2/trust-store.p12".into(),
            has_all_hosts: false,
        };
        let twice: BTreeMap<_, _> = interception(URL, &files, &environment)
            .into_iter()
            .collect();
        assert_eq!(twice, expected);
        // A program that was given the variables alone, as in a container, keeps nothing for later.
        shell.retain(|name, _| !name.starts_with("SKILLCTL_BEFORE_"));
        let environment = Environment::from_variables(shell);
        let mut twice: BTreeMap<_, _> = interception(URL, &files, &environment)
            .into_iter()
            .collect();
        for name in ["NO_PROXY", "no_proxy"] {
            assert_eq!(
                twice.remove(name).as_deref(),
                expected.get(name).map(String::as_str)
            );
        }
        assert!(
            twice.iter().all(|(name, value)| expected[name] == *value),
            "{twice:?}"
        );
    }

    #[test]
    fn a_path_with_blanks_and_quotes_is_quoted_for_each_runtime() {
        let variables = in_folder("/a b/it's \"c\"\\", &[]);
        assert_eq!(
            variables["NODE_OPTIONS"],
            r#"--require="/a b/it's \"c\"\\/preload.cjs""#
        );
        assert_eq!(variables["PYTHONPATH"], r#"/a b/it's "c"\/python"#);
        let store = r#"-Djavax.net.ssl.trustStore='/a b/it'"'"'s "c"\/trust-store.p12'"#;
        assert!(variables["JAVA_TOOL_OPTIONS"].contains(store));
    }
}
