//! The shapes of an input that contains cards: an instance, `{"cards"}`, a list, a single card, the
//! body of a skill_invocations call, a write record. Pointers are those of the input.

use std::collections::BTreeMap;

use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    json::{
        pointer::Pointer,
        tree::{Members, Tree},
    },
    metadata::instance::SKILLS_TEMPLATE,
};

/// The shape of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A metadata instance as Box answers it, with its `$` members.
    Instance,
    /// An object with `cards`.
    Cards,
    /// A list of cards.
    List,
    /// One card.
    Card,
    /// The body of `PUT /skill_invocations/{id}`.
    Invocation,
    /// A line of the mock's write record.
    WriteRecord,
}

/// Cards where they were found.
#[derive(Clone, Debug)]
pub struct Recognised<'a> {
    /// The shape of the input.
    pub shape: Shape,
    /// The pointer to the list of cards, or to the single card.
    pub at: Pointer,
    /// The value there: a single card, otherwise a value that should be a list.
    pub value: Tree<'a>,
}

impl<'a> Recognised<'a> {
    /// The cards; none if the value is not a list.
    pub fn cards(&self) -> Vec<Tree<'a>> {
        match (self.shape, self.value) {
            (Shape::Card, card) => vec![card],
            (_, Tree::Array(cards)) => cards.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether there is a list of cards, or the single card.
    pub fn has_cards(&self) -> bool {
        self.shape == Shape::Card || self.value.as_array().is_some()
    }
}

/// Why an input has no list of cards.
#[derive(Clone, Debug, PartialEq)]
pub enum CardsError {
    /// It has no cards in any shape.
    NoCards(Box<Diagnostic>),
    /// The value at this pointer should be the list of cards and is not a list.
    NotAList(Pointer),
}

/// Finds the list of cards in an input; a single card is a list of one.
///
/// # Errors
/// [`CardsError`].
pub fn recognise_list(input: Tree<'_>) -> Result<Recognised<'_>, CardsError> {
    let recognised = recognise(input).map_err(CardsError::NoCards)?;
    if recognised.has_cards() {
        Ok(recognised)
    } else {
        Err(CardsError::NotAList(recognised.at))
    }
}

/// Finds the cards in an input, or says that there are none.
pub fn recognise(input: Tree<'_>) -> Result<Recognised<'_>, Box<Diagnostic>> {
    let Some(members) = input.as_object() else {
        return if input.as_array().is_some() {
            Ok(found(Shape::List, Pointer::ROOT, input))
        } else {
            Err(none_here("the input is neither an object nor a list"))
        };
    };
    let has = |key: &str| members.contains_key(key);
    if is_write_record(members) {
        return match members.get("instance") {
            Some(Tree::Object(instance)) => match instance.get("cards") {
                Some(cards) => Ok(found(
                    Shape::WriteRecord,
                    Pointer::ROOT.key("instance").key("cards"),
                    cards,
                )),
                None => Err(none_here(
                    "the write record holds an instance without cards",
                )),
            },
            _ => Err(none_here(
                "the write record holds no instance: it records a deletion or a reset",
            )),
        };
    }
    if let Some(cards) = members.get("metadata").and_then(|it| it.get("cards")) {
        let at = Pointer::ROOT.key("metadata").key("cards");
        return Ok(found(Shape::Invocation, at, cards));
    }
    if let Some(cards) = members.get("cards") {
        let shape = if members.keys().any(|key| key.starts_with('$')) {
            Shape::Instance
        } else {
            Shape::Cards
        };
        return Ok(found(shape, Pointer::ROOT.key("cards"), cards));
    }
    let is_card = has("skill_card_type")
        || has("skill_card_title")
        || has("entries")
        || members.get("type").and_then(Tree::as_str) == Some("skill_card");
    if is_card {
        return Ok(found(Shape::Card, Pointer::ROOT, input));
    }
    Err(none_here("there are no cards in the input"))
}

fn is_write_record(members: Members<'_>) -> bool {
    members.contains_key("seq") && members.contains_key("op")
}

/// The last state of each file in the write records of a mock, which are given in their order: by
/// the id of the file, the index of the record that holds its cards. `None` if an item is not a
/// write record.
pub fn last_states<'a>(
    records: impl IntoIterator<Item = Tree<'a>>,
) -> Option<BTreeMap<&'a str, usize>> {
    let mut last = BTreeMap::new();
    for (nth, record) in records.into_iter().enumerate() {
        let members = record.as_object().filter(|it| is_write_record(*it))?;
        let text = |name: &str| members.get(name).and_then(Tree::as_str);
        if text("op") == Some("reset") {
            last.clear();
        }
        let (Some(file), Some(SKILLS_TEMPLATE)) = (text("file_id"), text("template")) else {
            continue;
        };
        let cards = members.get("instance").and_then(|it| it.get("cards"));
        match cards {
            Some(_) => last.insert(file, nth),
            None => last.remove(file),
        };
    }
    Some(last)
}

fn found(shape: Shape, at: Pointer, value: Tree<'_>) -> Recognised<'_> {
    Recognised { shape, at, value }
}

fn none_here(message: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic {
        severity: Severity::Error,
        code: "no-cards",
        message: message.to_owned(),
        pointer: Pointer::ROOT,
        found: None,
        expected: Some(
            "a metadata instance, {\"cards\": […]}, a list of cards, a single card, the body of \
             a skill_invocations call, or a write record"
                .to_owned(),
        ),
        help: Some("`skillctl cards new` makes a card".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::json::tree::Tape;

    fn recognised(input: &Value) -> (Shape, String, usize) {
        let tape = Tape::from_value(input);
        let found = recognise(tape.tree()).expect("cards");
        (found.shape, found.at.to_string(), found.cards().len())
    }

    #[test]
    fn every_shape_is_recognised_with_its_pointer() {
        let card = json!({"skill_card_type": "keyword"});
        let at = |pointer: &str| pointer.to_owned();
        assert_eq!(
            recognised(&json!({"$id": "x", "cards": [card, card]})),
            (Shape::Instance, at("/cards"), 2)
        );
        assert_eq!(
            recognised(&json!({"cards": []})),
            (Shape::Cards, at("/cards"), 0)
        );
        assert_eq!(recognised(&json!([card])), (Shape::List, at(""), 1));
        assert_eq!(recognised(&card), (Shape::Card, at(""), 1));
        assert_eq!(
            recognised(&json!({"status": "success", "metadata": {"cards": [card]}})),
            (Shape::Invocation, at("/metadata/cards"), 1)
        );
        assert_eq!(
            recognised(&json!({"seq": 1, "op": "create", "instance": {"cards": [card]}})),
            (Shape::WriteRecord, at("/instance/cards"), 1)
        );
    }

    #[test]
    fn the_last_write_record_of_each_file_counts() {
        let record = |file: &str, instance: Value| {
            json!({"seq": 1, "op": "update", "file_id": file, "template": SKILLS_TEMPLATE,
                "instance": instance})
        };
        let other = json!({"seq": 1, "op": "create", "file_id": "1", "template": "mine",
            "instance": {"cards": []}});
        let cards = || json!({"cards": []});
        let reset = json!({"seq": 1, "op": "reset", "file_id": ""});
        let records = [
            record("9", cards()),
            reset,
            record("1", cards()),
            record("2", cards()),
            record("2", Value::Null),
            record("1", cards()),
            other,
        ];
        let records: Vec<_> = records.iter().map(Tape::from_value).collect();
        let last = last_states(records.iter().map(Tape::tree));
        assert_eq!(last, Some(BTreeMap::from([("1", 5)])));
        let others = [record("1", cards()), cards()];
        let others: Vec<_> = others.iter().map(Tape::from_value).collect();
        assert_eq!(last_states(others.iter().map(Tape::tree)), None);
    }

    #[test]
    fn an_input_without_cards_is_an_error() {
        for input in [
            json!(7),
            json!({}),
            json!({"seq": 1, "op": "delete", "instance": null}),
        ] {
            assert_eq!(
                recognise(Tape::from_value(&input).tree())
                    .expect_err("no cards")
                    .code,
                "no-cards"
            );
        }
    }
}
