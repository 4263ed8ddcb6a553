//! `skillctl event`: make and redact events, and verify their signatures.

mod files;
mod new;
mod redact;
mod verify;

use crate::{cli::event::EventCommand, env::Environment, exit::Outcome, terminal::Terminal};

/// Runs one of the commands.
pub(super) fn run(
    command: &EventCommand,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    match command {
        EventCommand::New(arguments) => new::run(arguments, environment, terminal),
        EventCommand::Redact(arguments) => redact::run(arguments, environment, terminal),
        EventCommand::Verify(arguments) => verify::run(arguments, environment, terminal),
    }
}
