//! `skillctl env`.

use super::box_access::MockLocation;
use clap::{Args, ValueEnum};

/// Options of `env`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  eval \"$(skillctl env)\"
      points everything that this shell starts at the mock on 127.0.0.1:7269
  skillctl env --shell fish | source
      the same for fish
  skillctl env --shell dotenv > .env
      for `node --env-file`, foreman
  skillctl env --box http://127.0.0.1:9000 --shell json
      another mock; the variables as JSON
  eval \"$(skillctl env --unset)\"
      restores your shell; works after the mock has ended too

NO_PROXY, NODE_OPTIONS, PYTHONPATH, RUBYLIB, RUBYOPT and JAVA_TOOL_OPTIONS are extended.
The old value of each variable is kept in SKILLCTL_BEFORE_… for --unset (sh, fish).")]
pub struct EnvArgs {
    /// The mock.
    #[command(flatten)]
    pub mock: MockLocation,
    /// How to write the variables
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub shell: Shell,
    /// Take the mock's admin token from this environment variable
    #[arg(long, value_name = "VAR")]
    pub admin_token_env: Option<String>,
    /// Print the lines that restore your shell (sh, fish), or the names of the variables (json)
    #[arg(long, conflicts_with_all = ["box_url", "admin_token_env"])]
    pub unset: bool,
}

/// The formats that variables are printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Lines for sh, bash, zsh: export NAME=value
    #[default]
    Sh,
    /// Lines for fish: set -gx NAME value
    Fish,
    /// Lines for a .env file: NAME=value
    Dotenv,
    /// One JSON object
    Json,
}
