//! `skillctl init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of `init`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl init my-skill --lang node
      an HTTP server for Node, a case, skillctl.toml and a GitHub workflow;
      `skillctl replay` in that folder passes at once
  skillctl init --lang python-lambda
      a Lambda function for Python, in the current folder

The skill verifies signatures when BOX_PRIMARY_KEY or BOX_SECONDARY_KEY is set.

Exit codes: 0 the files were written, 2 one of them exists (nothing was
written), 3 the folder cannot be written.")]
pub struct InitArgs {
    /// The folder of the skill; it is made if it does not exist
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
    /// The language, and how the skill is run
    #[arg(long, value_enum, value_name = "LANG")]
    pub lang: Lang,
}

/// The language of a new skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// An HTTP server for Node 18 or later
    Node,
    /// An HTTP server for Python 3.8 or later
    Python,
    /// A Lambda function for Node 18 or later
    NodeLambda,
    /// A Lambda function for Python 3.8 or later
    PythonLambda,
}
