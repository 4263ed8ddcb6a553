//! `skillctl doctor`.

use clap::Args;
use url::Url;

use super::{output_format::OutputFormat, values};

/// Options of `doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl doctor
      what is set up on this machine, and each trouble with its cure
  skillctl doctor --format json
      the same as JSON, for a bug report

Exit codes: 0 no trouble, 1 something will not work.")]
pub struct DoctorArgs {
    /// The mock to look for
    #[arg(
        long = "box",
        value_name = "URL",
        default_value = "http://127.0.0.1:7269",
        value_parser = values::http_url
    )]
    pub box_url: Url,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
