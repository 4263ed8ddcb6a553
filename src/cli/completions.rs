//! `skillctl completions` and `skillctl man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Options of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl completions bash \\
      > ~/.local/share/bash-completion/completions/skillctl
  skillctl completions zsh > ~/.zfunc/_skillctl
  skillctl completions fish > ~/.config/fish/completions/skillctl.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Options of `man`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl man
      the manual page of skillctl; in a pipe, its source
  skillctl man replay
      the manual page of one command
  skillctl man --dir ~/.local/share/man/man1
      all manual pages, as files")]
pub struct ManArgs {
    /// The command, such as `replay` or `event new`
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write the page of every command to this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
