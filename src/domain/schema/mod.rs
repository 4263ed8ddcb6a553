//! JSON Schemas (2020-12) of the files that people write, for editors. Tests hold each schema and its
//! reader to the same answers.

use serde_json::{Value, json};

use super::card::validate::Schema as CardRules;

const EVENT: &str = include_str!("event.json");
const EXPECTED: &str = include_str!("expected.json");
const CARDS_BOX: &str = include_str!("cards.box.json");
const CARDS_DOCUMENTED: &str = include_str!("cards.documented.json");

/// The schema of a fixture: an event, or the API Gateway event around one.
pub fn event() -> Value {
    parse(EVENT)
}

/// The schema of `expected.json`.
pub fn expected() -> Value {
    parse(EXPECTED)
}

/// The schema of a file with cards: an object with `cards`, such as an instance, a list of cards, or
/// a card.
pub fn card(rules: CardRules) -> Value {
    let list = parse(match rules {
        CardRules::Box => CARDS_BOX,
        CardRules::Documented => CARDS_DOCUMENTED,
    });
    let cards = json!({"$ref": "#/$defs/cards"});
    let mut schema = json!({
        "$schema": list["$schema"],
        "title": list["title"],
        "if": {"type": "array"},
        "then": cards,
        "else": {
            "type": "object",
            "if": {"required": ["cards"]},
            "then": {"properties": {"cards": cards}},
            "else": {"$ref": "#/$defs/card"}
        },
        "$defs": {
            "cards": {"type": "array", "items": {"$ref": "#/$defs/card"}}
        }
    });
    schema["$defs"]["card"] = list["items"].clone();
    schema
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("a schema is JSON")
}
