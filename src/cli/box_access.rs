//! The options of the commands that call Box themselves: the file, the token and the Box.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::NonEmptyStringValueParser};
use url::Url;

use super::values;

/// The file, and the token to reach it with.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct AccessArgs {
    /// Take the file and the token from this event; - reads standard input
    #[arg(long, value_name = "FILE", required_unless_present = "file_id")]
    pub event: Option<PathBuf>,
    /// The id of the file, if there is no event
    #[arg(long, value_name = "ID", conflicts_with = "event", value_parser = NonEmptyStringValueParser::new())]
    pub file_id: Option<String>,
    /// Take the token from this environment variable
    #[arg(long, value_name = "VAR")]
    pub token_env: Option<String>,
    /// Take the token from this file; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    pub token_file: Option<PathBuf>,
    /// The token itself. It stays in your shell's history and is shown in the list of processes;
    /// prefer --token-env or --token-file
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["token_env", "token_file"])]
    pub token: Option<TokenArgument>,
}

/// A token from the command line. `Debug` does not show it.
#[derive(Clone)]
pub struct TokenArgument(pub String);

impl From<String> for TokenArgument {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl std::fmt::Debug for TokenArgument {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("TokenArgument")
    }
}

/// Where Box is, and which certificates to trust there.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct BoxLocation {
    /// The base URL of Box's API, without /2.0. For a mock: http://127.0.0.1:7269
    #[arg(
        long = "box",
        value_name = "URL",
        default_value = "https://api.box.com",
        value_parser = values::http_url
    )]
    pub root: Url,
    /// Trust the certificates in this PEM file too, such as a mock's ca.pem
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
}

/// The mock to ask about itself.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct MockLocation {
    /// The URL of the running mock
    #[arg(
        long = "box",
        value_name = "URL",
        default_value = "http://127.0.0.1:7269",
        value_parser = values::http_url
    )]
    pub box_url: Url,
}

/// The Box to call, and how long to keep trying.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct BoxArgs {
    /// Where it is.
    #[command(flatten)]
    pub location: BoxLocation,
    /// How often to retry after a 429, a 5xx or a broken connection
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
    /// How long to wait while Box is still preparing the content (202), and the longest
    /// Retry-After to obey
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub wait: Duration,
    /// How long a connection may be idle before it counts as broken
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub timeout: Duration,
}
