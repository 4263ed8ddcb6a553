//! `skillctl schema`.

use clap::{Args, ValueEnum};

use crate::domain::card::validate::Schema;

/// Options of `schema`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl schema expected > .vscode/expected.schema.json
      completion and checks for expected.json in VS Code (json.schemas)
  skillctl schema card --rules documented
      Box's published rules for cards, instead of what Box refuses
  skillctl schema config > skillctl.schema.json
      for skillctl.toml, with the line `#:schema ./skillctl.schema.json`

docs/editors.md shows the settings of editors.")]
pub struct SchemaArgs {
    /// The file to describe
    #[arg(value_enum, value_name = "FILE")]
    pub of: SchemaOf,
    /// Which rules cards must follow
    #[arg(long, value_enum, default_value_t, value_name = "RULES")]
    pub rules: Schema,
}

/// The file that a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A fixture: event.json
    Event,
    /// A file with cards
    Card,
    /// expected.json
    Expected,
    /// skillctl.toml
    Config,
}
