//! `skillctl env`.

use clap::{Args, ValueEnum};
use url::Url;

use super::values;

/// Options of `env`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  eval \"$(skillctl env)\"
      leads everything that this shell starts to the mock on 127.0.0.1:7269
  skillctl env --shell dotenv > .env
      for `docker compose`, `node --env-file`, python-dotenv
  skillctl env --box http://127.0.0.1:9000 --shell json
      of another mock, for a program
  eval \"$(skillctl env --unset)\"
      leads the shell back to where it was, also when the mock is gone

NO_PROXY and NODE_OPTIONS are added to. What is replaced, a proxy of your own,
stays in SKILLCTL_BEFORE_… for --unset (sh).")]
pub struct EnvArgs {
    /// The mock to lead to
    #[arg(
        long = "box",
        value_name = "URL",
        default_value = "http://127.0.0.1:7269",
        value_parser = values::http_url
    )]
    pub box_url: Url,
    /// How to write the variables
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub shell: Shell,
    /// A variable that holds the admin token of the mock
    #[arg(long, value_name = "VAR")]
    pub admin_token_env: Option<String>,
    /// Print the lines that undo it (sh), or the names of the variables (json)
    #[arg(long, conflicts_with_all = ["box_url", "admin_token_env"])]
    pub unset: bool,
}

/// How variables are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Lines for sh, bash, zsh: export NAME=value
    #[default]
    Sh,
    /// Lines for a .env file: NAME=value
    Dotenv,
    /// One JSON object
    Json,
}
