//! `skillctl cards`: check, show, make and write cards.

mod new;
mod remote;
mod render;
mod source;
mod validate;
mod write;

use std::path::Path;

use serde_json::Value;

use super::input;
use crate::{
    cli::cards::{CardsArgs, CardsCommand},
    domain::{
        card::shape::{self, Recognised},
        json::document::Document,
    },
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::diagnostic,
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

/// Reads a document that must hold cards.
fn document(path: &Path, limit: u64, terminal: &Terminal) -> Result<Document, Failure> {
    input::document(path, limit, terminal.width)
}

/// The cards of a document; a document without any is a wrong input.
fn recognise(document: &Document, width: usize) -> Result<Recognised<'_>, Failure> {
    shape::recognise(&document.value).map_err(|none| {
        let findings = [*none];
        let located = document.locate(&findings);
        let shown = diagnostic::findings(
            &document.name,
            &document.text,
            &located,
            width.saturating_sub(2),
            1,
        );
        Problem::new(format!("{} holds no cards", document.name))
            .excerpt(shown)
            .usage()
    })
}

/// The list of cards of a document; what should be a list and is none is a wrong input.
fn cards(document: &Document, width: usize) -> Result<&[Value], Failure> {
    let recognised = recognise(document, width)?;
    let is_list = recognised.shape == shape::Shape::Card || recognised.value.is_array();
    if is_list {
        return Ok(recognised.cards());
    }
    Err(Problem::new(format!(
        "{}: what stands at {} is no list of cards",
        document.name, recognised.at
    ))
    .help("`skillctl cards validate` shows it")
    .usage())
}
