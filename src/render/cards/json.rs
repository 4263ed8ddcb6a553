//! Cards as JSON that two runs can be compared by, and that can be an `expected.json`.

use serde_json::json;

use crate::{
    domain::{
        card::normalise::normalised,
        json::tree::{Tape, Tree},
    },
    render::json::{line, pretty},
};

/// `{"cards": […]}` with placeholders for times, ids and image bytes, for an input of any shape.
pub fn render(cards: &[Tree<'_>]) -> String {
    let cards: Vec<Tape<'_>> = cards.iter().copied().map(normalised).collect();
    pretty(&json!({"cards": cards}))
}

/// As [`render`], on one line and with the name of the file: for one of several files.
pub fn named(name: &str, cards: &[Tree<'_>]) -> String {
    let cards: Vec<Tape<'_>> = cards.iter().copied().map(normalised).collect();
    line(&json!({"name": name, "cards": cards}))
}
