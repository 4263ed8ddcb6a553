//! `skillctl cards`: check, show, make and write cards.

mod document;
mod from;
mod new;
mod remote;
mod render;
mod result_source;
mod source;
mod stored;
mod validate;
mod write;

use crate::{
    cli::cards::{CardsArgs, CardsCommand},
    env::Environment,
    exit::Outcome,
    terminal::Terminal,
};

/// Runs one of the commands.
pub(super) fn run(
    arguments: &CardsArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    match &arguments.command {
        CardsCommand::Validate(arguments) => validate::run(arguments, terminal),
        CardsCommand::Render(arguments) => render::run(arguments, terminal),
        CardsCommand::Write(arguments) => write::run(arguments, environment, terminal),
        CardsCommand::Get(arguments) => stored::get(arguments, environment, terminal),
        CardsCommand::Delete(arguments) => stored::delete(arguments, environment, terminal),
        CardsCommand::New(arguments) => new::run(arguments, terminal),
        CardsCommand::From(arguments) => from::run(arguments, terminal),
    }
}
