//! Cards as JSON that can be compared between two runs, and kept as an expectation.

use serde_json::json;

use crate::{
    domain::{
        card::normalise::normalised,
        json::tree::{Tape, Tree},
    },
    render::json::{line, pretty},
};

/// `{"cards": […]}` with times, ids and image bytes put aside, whatever shape the input had.
pub fn render(cards: &[Tree<'_>]) -> String {
    let cards: Vec<Tape<'_>> = cards.iter().copied().map(normalised).collect();
    pretty(&json!({"cards": cards}))
}

/// The same on one line, with what the cards belong to: for one of several.
pub fn named(name: &str, cards: &[Tree<'_>]) -> String {
    let cards: Vec<Tape<'_>> = cards.iter().copied().map(normalised).collect();
    line(&json!({"name": name, "cards": cards}))
}
