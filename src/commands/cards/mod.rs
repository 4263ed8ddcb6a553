//! `skillctl cards`: check, show, make and write cards.

mod document;
mod new;
mod remote;
mod render;
mod source;
mod validate;
mod write;

use crate::{
    cli::cards::{CardsArgs, CardsCommand},
    env::Environment,
    exit::Outcome,
    terminal::Terminal,
};

/// Does what the command line asks for.
pub(super) fn run(
    arguments: &CardsArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    match &arguments.command {
        CardsCommand::Validate(arguments) => validate::run(arguments, terminal),
        CardsCommand::Render(arguments) => render::run(arguments, terminal),
        CardsCommand::Write(arguments) => write::run(arguments, environment, terminal),
        CardsCommand::Get(arguments) => remote::get(arguments, environment, terminal),
        CardsCommand::Delete(arguments) => remote::delete(arguments, environment, terminal),
        CardsCommand::New(arguments) => new::run(arguments, terminal),
    }
}
