//! `skillctl capture`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use url::Url;

use super::{box_access::BoxLocation, output_format::OutputFormat, values};

/// Options of `capture`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl capture --into cases
      saves each event, with its file, as a case. Point a tunnel at
      http://127.0.0.1:7270 and register its URL as the invocation URL
  skillctl capture --into cases -- node index.js
      starts the skill, forwards each event to it, and saves the cards it
      writes as the expected result
  skillctl capture --forward http://127.0.0.1:8080/ --primary-key-env BOX_PRIMARY_KEY
      verifies the signatures, and forwards to a skill that is running

Each event becomes the folder <file name>-<event id> with event.json, content.*
and expected.json. Tokens, keys, names and addresses are redacted in event.json.
Content and cards are the customer's data: look at them before you commit them.

Exit codes: 0 ended by Ctrl-C, 2 wrong options, 3 the address or the folder
cannot be used, or the skill ended.")]
pub struct CaptureArgs {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7270", value_parser = values::address)]
    pub listen: SocketAddr,
    /// The folder that gets the cases; it is made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "cases")]
    pub into: PathBuf,
    /// Forward events and all other requests to this skill, and return its answers
    #[arg(long, value_name = "URL", value_parser = values::http_url, conflicts_with = "command")]
    pub forward: Option<Url>,
    /// Keep events byte for byte, with tokens and signatures (files readable by you alone)
    #[arg(long)]
    pub keep_secrets: bool,
    /// Do not download the files of events
    #[arg(long)]
    pub no_content: bool,
    /// Where Box is.
    #[command(flatten)]
    pub location: BoxLocation,
    /// The variable that holds the primary signature key; deliveries without a valid signature are
    /// refused
    #[arg(long, value_name = "VAR")]
    pub primary_key_env: Option<String>,
    /// The variable that holds the secondary signature key
    #[arg(long, value_name = "VAR")]
    pub secondary_key_env: Option<String>,
    /// How long to wait for the cards of an event
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub wait: Duration,
    /// How long cards must stay unchanged to be final
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = values::duration)]
    pub settle: Duration,
    /// How to print what happens
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
    /// Start this command as the skill, with a free port in PORT
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}
