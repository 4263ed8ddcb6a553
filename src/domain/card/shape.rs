//! In which of the shapes that people keep cards in an input comes: an instance, `{"cards"}`, a
//! list, a single card, the body of a skill_invocations call, a write record. Recognised here and
//! nowhere else; pointers stay those of the input.

use serde_json::Value;

use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    json::pointer::Pointer,
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
    /// What stands there: for a single card the card, else what should be a list.
    pub value: &'a Value,
}

impl<'a> Recognised<'a> {
    /// The cards; none where what should be a list is none.
    pub fn cards(&self) -> &'a [Value] {
        match (self.shape, self.value) {
            (Shape::Card, card) => std::slice::from_ref(card),
            (_, Value::Array(cards)) => cards,
            _ => &[],
        }
    }
}

/// Finds the cards in an input, or says that there are none.
pub fn recognise(input: &Value) -> Result<Recognised<'_>, Box<Diagnostic>> {
    let Some(members) = input.as_object() else {
        return if input.is_array() {
            Ok(found(Shape::List, Pointer::ROOT, input))
        } else {
            Err(none_here("the input is neither an object nor a list"))
        };
    };
    let has = |key: &str| members.contains_key(key);
    if has("seq") && has("op") {
        return match members.get("instance") {
            Some(Value::Object(instance)) => match instance.get("cards") {
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
        || members.get("type").and_then(Value::as_str) == Some("skill_card");
    if is_card {
        return Ok(found(Shape::Card, Pointer::ROOT, input));
    }
    Err(none_here("there are no cards in the input"))
}

fn found(shape: Shape, at: Pointer, value: &Value) -> Recognised<'_> {
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
    use serde_json::json;

    use super::*;

    fn of(input: &Value) -> (Shape, String, usize) {
        let found = recognise(input).expect("cards");
        (found.shape, found.at.to_string(), found.cards().len())
    }

    #[test]
    fn every_shape_is_recognised_with_its_pointer() {
        let card = json!({"skill_card_type": "keyword"});
        let at = |pointer: &str| pointer.to_owned();
        assert_eq!(
            of(&json!({"$id": "x", "cards": [card, card]})),
            (Shape::Instance, at("/cards"), 2)
        );
        assert_eq!(of(&json!({"cards": []})), (Shape::Cards, at("/cards"), 0));
        assert_eq!(of(&json!([card])), (Shape::List, at(""), 1));
        assert_eq!(of(&card), (Shape::Card, at(""), 1));
        assert_eq!(
            of(&json!({"status": "success", "metadata": {"cards": [card]}})),
            (Shape::Invocation, at("/metadata/cards"), 1)
        );
        assert_eq!(
            of(&json!({"seq": 1, "op": "create", "instance": {"cards": [card]}})),
            (Shape::WriteRecord, at("/instance/cards"), 1)
        );
    }

    #[test]
    fn what_holds_no_cards_says_so() {
        for input in [
            json!(7),
            json!({}),
            json!({"seq": 1, "op": "delete", "instance": null}),
        ] {
            assert_eq!(recognise(&input).expect_err("no cards").code, "no-cards");
        }
    }
}
