//! Cards from a file: read, judged under both schemas, shown with their places, and drawn.

use skillctl::{
    domain::{
        card::{
            normalise::normalised,
            preview::sidebar,
            shape::recognise,
            validate::{Schema, box_refusal, validate},
        },
        diagnostic::Severity,
        json::{document::Document, tree::Tree},
    },
    render::{
        cards::{html, json, markdown, text},
        diagnostic::{findings, syntax_excerpt},
    },
};

const WIDTH: usize = 80;

pub(crate) fn check(bytes: &[u8]) {
    let document = match Document::parse("cards.json", bytes.to_vec()) {
        Ok(document) => document,
        Err(error) => {
            assert!(!error.message.is_empty());
            assert!(error.text.get(error.range.clone()).is_some(), "{error:?}");
            let _ = syntax_excerpt(&error, WIDTH);
            return;
        }
    };
    for schema in [Schema::Box, Schema::Documented] {
        let found = validate(document.tree(), schema);
        let located = document.locate(&found);
        assert_eq!(located.len(), found.len());
        for one in &located {
            assert!(document.text.get(one.range.clone()).is_some(), "{one:?}");
        }
        let _ = findings(&document.name, &document.text, &located, WIDTH, usize::MAX);
        let Ok(recognised) = recognise(document.tree()) else {
            assert!(!found.is_empty(), "no cards, and nothing is said");
            continue;
        };
        let refusal = box_refusal(recognised.value, schema);
        if document.tree().as_array().is_some() {
            // The mock refuses exactly what `validate` says Box refuses.
            let is_told = found.iter().any(|it| match schema {
                Schema::Box => matches!(it.code, "wrong-type" | "id-not-a-string"),
                Schema::Documented => it.severity == Severity::Error,
            });
            assert_eq!(is_told, refusal.is_some(), "{schema:?}: {refusal:?}");
        }
        draw(&recognised.cards());
    }
}

fn draw(cards: &[Tree<'_>]) {
    let shown = sidebar(cards.iter().copied(), None);
    let options = text::Options {
        width: WIDTH,
        full: true,
    };
    let _ = text::render(&shown, options).to_plain();
    assert_eq!(html::render("x", &shown).matches("<script").count(), 1);
    let _ = markdown::render(&shown);
    let _ = json::render(cards);
    for card in cards {
        let _ = normalised(*card);
    }
}
