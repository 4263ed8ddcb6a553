//! How a command reaches a file at Box: which file, by which token, at which Box. Shared by all
//! commands that call Box themselves.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::NonEmptyStringValueParser};
use url::Url;

use super::values;

/// Which file, by which token.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct AccessArgs {
    /// The event that names the file and holds the tokens (- reads it from stdin)
    #[arg(long, value_name = "FILE", required_unless_present = "file_id")]
    pub event: Option<PathBuf>,
    /// The file's id, where there is no event
    #[arg(long, value_name = "ID", conflicts_with = "event", value_parser = NonEmptyStringValueParser::new())]
    pub file_id: Option<String>,
    /// The variable that holds the token
    #[arg(long, value_name = "VAR")]
    pub token_env: Option<String>,
    /// The file that holds the token (- reads it from stdin)
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    pub token_file: Option<PathBuf>,
    /// The token itself; it stays in the shell's history, so rather use one of the two above
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["token_env", "token_file"])]
    pub token: Option<TokenArgument>,
}

/// A token from the command line, which no message repeats.
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

/// Which Box, and with how much patience.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct BoxArgs {
    /// The root of Box's API, without /2.0: Box itself, or a mock
    #[arg(
        long = "box",
        value_name = "URL",
        default_value = "https://api.box.com",
        value_parser = values::http_url
    )]
    pub root: Url,
    /// A PEM file with certificates to trust beside the system's (a mock's ca.pem)
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// How often to try again after 429, 5xx or a broken connection
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
    /// How long to wait for what Box is still preparing (202), and for one Retry-After
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub wait: Duration,
    /// How long a connection may stay silent before it counts as broken
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub timeout: Duration,
}
