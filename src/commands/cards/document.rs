//! The cards in an input file, or the error that says why there are none.

use std::path::Path;

use crate::{
    commands::input,
    domain::{
        card::shape::{self, Recognised},
        json::{document::Document, tree::Tree},
    },
    exit::{Failure, Problem},
    render::diagnostic,
    terminal::Terminal,
};

/// Reads a document that must hold cards.
pub(super) fn document(path: &Path, limit: u64, terminal: &Terminal) -> Result<Document, Failure> {
    input::document(path, limit, terminal.width)
}

/// The cards of a document; a document without any is a wrong input.
pub(super) fn recognise(document: &Document, width: usize) -> Result<Recognised<'_>, Failure> {
    shape::recognise(document.tree()).map_err(|none| {
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
pub(super) fn cards(document: &Document, width: usize) -> Result<Vec<Tree<'_>>, Failure> {
    let recognised = recognise(document, width)?;
    if recognised.has_cards() {
        return Ok(recognised.cards());
    }
    Err(Problem::new(format!(
        "{}: the value at {} is not a list of cards",
        document.name, recognised.at
    ))
    .help("`skillctl cards validate` shows it")
    .usage())
}
