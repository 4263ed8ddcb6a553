//! The cards in a document; a document without cards is a wrong input.

use crate::{
    commands::wrong_input::wrong_document,
    domain::{
        card::shape::{self, CardsError, Recognised},
        json::{document::Document, tree::Tree},
    },
    exit::{Failure, Problem},
};

/// The cards of a document with their shape.
pub(super) fn recognise(document: &Document, width: usize) -> Result<Recognised<'_>, Failure> {
    shape::recognise(document.tree())
        .map_err(|found| no_cards(document, CardsError::NoCards(found), width))
}

/// The list of cards of a document.
pub(super) fn list(document: &Document, width: usize) -> Result<Vec<Tree<'_>>, Failure> {
    shape::recognise_list(document.tree())
        .map(|recognised| recognised.cards())
        .map_err(|error| no_cards(document, error, width))
}

/// The problem of a document that has no list of cards.
pub(super) fn no_cards(document: &Document, error: CardsError, width: usize) -> Failure {
    match error {
        CardsError::NoCards(finding) => wrong_document("holds no cards", document, *finding, width),
        CardsError::NotAList(at) => Problem::new(format!(
            "{}: the value at {at} is not a list of cards",
            document.name
        ))
        .help("`skillctl cards validate` shows the place")
        .usage(),
    }
}
