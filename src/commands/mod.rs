//! The commands: arguments → work → report. Thin glue, a file per subcommand.

mod cards;
pub mod input;
mod sample_skill;

use crate::{
    cli::{Cli, Command},
    env::Environment,
    exit::Outcome,
    terminal::Terminal,
};

/// Runs the command that the command line names.
pub fn run(cli: &Cli, _environment: &Environment, terminal: &Terminal) -> Outcome {
    match &cli.command {
        Command::Cards(arguments) => cards::run(arguments, terminal),
        Command::SampleSkill(arguments) => sample_skill::run(arguments, terminal),
    }
}
