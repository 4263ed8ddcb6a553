//! `skillctl doctor`.

use super::{box_access::MockLocation, output_format::OutputFormat};
use clap::Args;

/// Options of `doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl doctor
      what is set up on this machine, and how to fix each problem
  skillctl doctor --format json
      the same as JSON, for a bug report

Exit codes: 0 no problem, 1 something will not work.")]
pub struct DoctorArgs {
    /// The mock.
    #[command(flatten)]
    pub mock: MockLocation,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
