//! The commands: arguments → work → report. Thin glue, a file per subcommand.

pub mod input;

use crate::{
    cli::{Cli, Command},
    env::Environment,
    exit::Outcome,
    terminal::Terminal,
};

/// Runs the command that the command line names.
pub fn run(cli: &Cli, _environment: &Environment, _terminal: &Terminal) -> Outcome {
    match &cli.command {
        Command::SampleSkill { port: _ } => Ok(()),
    }
}
