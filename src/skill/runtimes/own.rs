//! The user's own values of the variables that point a program at a mock: in a shell that an
//! earlier `skillctl env` has changed, the present values without what it added.

use crate::env::Environment;

/// The names of all variables that point a program at a mock.
pub const NAMES: [&str; 20] = [
    "BOX_API_BASE_URL",
    "BOX_UPLOAD_BASE_URL",
    "SKILLCTL_BOX",
    "SKILLCTL_RUN_FOLDER",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "NODE_OPTIONS",
    "PYTHONPATH",
    "RUBYLIB",
    "RUBYOPT",
    "JAVA_TOOL_OPTIONS",
];

/// How the names of run folders begin.
pub const RUN_PREFIX: &str = "skillctl-run-";
/// The prefix of the names of folders with scripts for shells.
pub(super) const PERSISTENT_PREFIX: &str = "interception-";
/// The option that makes Ruby load its script.
pub(super) const RUBY_OPTION: &str = "-rskillctl_interception";
/// The first of the options for the JVM; the others follow.
pub(super) const JVM_MARKER: &str = "-Dskillctl.run=";
/// The properties that the JVM is given.
pub(super) const JVM_PROPERTIES: [&str; 7] = [
    "http.proxyHost",
    "http.proxyPort",
    "https.proxyHost",
    "https.proxyPort",
    "http.nonProxyHosts",
    "javax.net.ssl.trustStore",
    "javax.net.ssl.trustStoreType",
];

/// The variable in which a shell keeps the value that `env` replaced, for `--unset`.
pub fn kept_as(name: &str) -> String {
    format!("SKILLCTL_BEFORE_{name}")
}

/// Whether an earlier `env` has pointed this shell at a mock.
pub fn points_at_mock(environment: &Environment) -> bool {
    let url = environment.var("BOX_API_BASE_URL");
    url.is_some() && url == environment.var("SKILLCTL_BOX")
}

/// The environment as the user made it: without what `env` added, and with the values that it replaced. A
/// value that the user has set since then counts.
pub fn own_environment(environment: &Environment) -> Environment {
    if !points_at_mock(environment) {
        return environment.clone();
    }
    let own = NAMES.into_iter().map(|name| {
        let kept = || environment.var(&kept_as(name)).map(str::to_owned);
        let own = match name {
            // The names that were added look like the user's own.
            "NO_PROXY" | "no_proxy" => kept().or_else(|| own_part(name, environment)),
            _ => own_part(name, environment).or_else(kept),
        };
        (name, own)
    });
    environment.replacing(own)
}

/// The line by which the JVM reports the options that skillctl gives it.
pub fn is_jvm_notice(line: &str) -> bool {
    line.starts_with("Picked up JAVA_TOOL_OPTIONS: ") && line.contains(JVM_MARKER)
}

/// The part of a variable that points at no mock.
fn own_part(name: &str, environment: &Environment) -> Option<String> {
    let value = environment.var(name)?;
    let url = environment.var("SKILLCTL_BOX").unwrap_or_default();
    let part = match name {
        "NO_PROXY" | "no_proxy" => value.to_owned(),
        "NODE_OPTIONS" => {
            let is_ours = |word: &str| word.starts_with("--require=") && is_of_a_run(word);
            without(value, splits_as_node(), is_ours)
        }
        "PYTHONPATH" | "RUBYLIB" => {
            let own: Vec<&str> = value.split(':').filter(|path| !is_of_a_run(path)).collect();
            own.join(":")
        }
        "RUBYOPT" => without(value, char::is_whitespace, |word| word == RUBY_OPTION),
        "JAVA_TOOL_OPTIONS" => own_jvm_options(value),
        _ if value.starts_with(url) || is_of_a_run(value) => String::new(),
        _ => value.to_owned(),
    };
    Some(part).filter(|part| !part.is_empty())
}

/// Before the marker all options are the user's.
fn own_jvm_options(value: &str) -> String {
    let Some(at) = value.find(JVM_MARKER) else {
        return value.to_owned();
    };
    let (before, rest) = value.split_at(at);
    let is_ours = |word: &str| {
        let property = word
            .strip_prefix("-D")
            .and_then(|word| word.split('=').next());
        let is_ours = |name: &str| JVM_PROPERTIES.contains(&name);
        word.starts_with(JVM_MARKER) || property.is_some_and(is_ours)
    };
    let after = without(rest, splits_as_jvm(), is_ours);
    [before.trim_end(), &after].join(" ").trim().to_owned()
}

/// The words of `text`, except those that `is_ours` names.
fn without(text: &str, splits: impl FnMut(char) -> bool, is_ours: impl Fn(&str) -> bool) -> String {
    let words = text.split(splits).filter(|word| !word.is_empty());
    let own: Vec<&str> = words.filter(|word| !is_ours(word)).collect();
    own.join(" ")
}

/// Node splits at blanks outside of double quotes, in which a backslash escapes.
fn splits_as_node() -> impl FnMut(char) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    move |character| {
        let splits = character == ' ' && !quoted;
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && character == '\\' && !escaped;
        splits
    }
}

/// The JVM splits at white space outside of single and double quotes, in which nothing is escaped.
fn splits_as_jvm() -> impl FnMut(char) -> bool {
    let mut quote = None;
    move |character| {
        match quote {
            None if character == '"' || character == '\'' => quote = Some(character),
            Some(open) if open == character => quote = None,
            _ => {}
        }
        quote.is_none() && character.is_whitespace()
    }
}

/// Whether `path`, or an option that ends with one, names a file of a run folder or of the folder
/// with scripts for shells, of this run or of an earlier one.
fn is_of_a_run(path: &str) -> bool {
    let mut before = "";
    path.split('/').any(|part| {
        let is_persistent = before.starts_with("skillctl") && part.starts_with(PERSISTENT_PREFIX);
        before = part;
        is_persistent || part.starts_with(RUN_PREFIX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:7269";

    /// The user's own value of `name`, in a shell that points at a mock.
    fn own(name: &str, value: &str) -> Option<String> {
        let shell = [
            ("BOX_API_BASE_URL", URL),
            ("SKILLCTL_BOX", URL),
            (name, value),
        ];
        let environment = own_environment(&Environment::from_variables(shell));
        environment.var(name).map(str::to_owned)
    }

    #[test]
    fn an_environment_without_a_mock_stays_as_it_is() {
        let own = [
            ("HTTPS_PROXY", "http://proxy.corp:3128"),
            ("SKILLCTL_BOX", "https://api.box.com"),
        ];
        let environment = own_environment(&Environment::from_variables(own));
        assert!(environment.vars().eq(own));
    }

    #[test]
    fn what_env_replaced_is_used_again_unless_the_user_has_changed_it() {
        let shell = [
            ("BOX_API_BASE_URL", URL),
            ("SKILLCTL_BOX", URL),
            ("https_proxy", URL),
            ("SKILLCTL_BEFORE_https_proxy", "http://proxy.corp:3128"),
            ("HTTPS_PROXY", URL),
            ("SSL_CERT_FILE", "/etc/new.pem"),
            ("SKILLCTL_BEFORE_SSL_CERT_FILE", "/etc/old.pem"),
            ("NO_PROXY", "intern.example,localhost"),
            ("SKILLCTL_BEFORE_NO_PROXY", "intern.example"),
        ];
        let environment = own_environment(&Environment::from_variables(shell));
        assert_eq!(environment.var("SSL_CERT_FILE"), Some("/etc/new.pem"));
        assert_eq!(environment.var("NO_PROXY"), Some("intern.example"));
        assert_eq!(
            environment.var("https_proxy"),
            Some("http://proxy.corp:3128")
        );
        assert_eq!(environment.var("HTTPS_PROXY"), None);
        assert_eq!(environment.var("SKILLCTL_BOX"), None);
    }

    #[test]
    fn values_of_a_mock_are_left_out_and_others_stay() {
        for (name, value) in [
            ("HTTPS_PROXY", URL),
            ("SSL_CERT_FILE", "/tmp/skillctl-run-1/bundle.pem"),
            ("PYTHONPATH", "/tmp/skillctl-run-1/python"),
            ("RUBYOPT", "-rskillctl_interception"),
            (
                "NODE_OPTIONS",
                "--require=/home/a/.cache/skillctl/interception-1/preload.cjs",
            ),
        ] {
            assert_eq!(own(name, value), None, "{name}");
        }
        for (name, value) in [
            ("HTTPS_PROXY", "http://proxy.corp:3128"),
            ("SSL_CERT_FILE", "/etc/corp.pem"),
            ("NO_PROXY", "intern.example"),
            ("PYTHONPATH", "/src:/interception-1/lib"),
        ] {
            assert_eq!(own(name, value).as_deref(), Some(value), "{name}");
        }
    }

    #[test]
    fn the_users_own_words_stay_with_their_quotes() {
        for (name, value, expected) in [
            (
                "NODE_OPTIONS",
                r#"--title="a \" b" --require="/tmp/a b/skillctl-run-1/preload.cjs" --no-warnings"#,
                r#"--title="a \" b" --no-warnings"#,
            ),
            (
                "PYTHONPATH",
                "/tmp/skillctl-run-1/python:/src:/lib",
                "/src:/lib",
            ),
            ("RUBYOPT", "-W0 -rskillctl_interception", "-W0"),
            (
                "JAVA_TOOL_OPTIONS",
                "-Dhttp.proxyHost=a -Da='b  c' -Dskillctl.run=1 -Dhttp.proxyHost=127.0.0.1 \
                 -Djavax.net.ssl.trustStore='/a b/skillctl-run-1/x' -Xmx64m",
                "-Dhttp.proxyHost=a -Da='b  c' -Xmx64m",
            ),
        ] {
            assert_eq!(own(name, value).as_deref(), Some(expected), "{name}");
        }
    }
}
