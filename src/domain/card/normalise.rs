//! Compares the cards of two runs. Times, ids and image bytes change from run to run and become
//! placeholders; everything else must be equal, except for wildcards and a tolerance for numbers.

use super::path::Path;
use crate::domain::json::{
    pointer::Pointer,
    tree::{CellIndex, Tape, Tree},
};

/// In an expectation: any value is right.
pub const ANY: &str = "<any>";

/// What a time becomes.
const TIME: &str = "<time>";

/// What an id becomes.
const ID: &str = "<id>";

/// What the bytes of an image become.
const BYTES: &str = "<bytes>";

/// As [`normalise`], of a copy.
#[must_use]
pub fn normalised(cards: Tree<'_>) -> Tape<'_> {
    let mut tape = cards.to_tape();
    normalise(&mut tape);
    tape
}

/// Replaces in a list of cards, or one, `created_at`, the ids of skill, invocation and file
/// version, and the bytes of embedded images by placeholders. Placeholders are kept.
pub fn normalise(cards: &mut Tape<'_>) {
    if cards.tree().as_array().is_none() {
        return normalise_card(cards, Tape::TOP);
    }
    for card in cards.items(Tape::TOP) {
        normalise_card(cards, card);
    }
}

fn normalise_card(tape: &mut Tape<'_>, card: CellIndex) {
    replace(tape, tape.member(card, "created_at"), TIME);
    for name in ["skill", "invocation", "file_version"] {
        replace(tape, tape.below(card, &[name, "id"]), ID);
    }
    let Some(entries) = tape.member(card, "entries") else {
        return;
    };
    for entry in tape.items(entries) {
        let Some(image) = tape.member(entry, "image_url") else {
            continue;
        };
        let address = tape.at(image).as_str().unwrap_or_default();
        if address.starts_with("data:")
            && let Some((head, _)) = address.split_once(',')
        {
            let address = format!("{head},{BYTES}");
            tape.put(image, address);
        }
    }
}

/// Only a string is replaced: an id of the wrong type must stay visible.
fn replace(tape: &mut Tape<'_>, value: Option<CellIndex>, by: &'static str) {
    if let Some(value) = value
        && tape.at(value).as_str().is_some_and(|text| text != ANY)
    {
        tape.put(value, by);
    }
}

/// A place at which the actual value is not the expected one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The pointer, the same in both values.
    pub pointer: Pointer,
    /// The expected value; none if the member is not expected.
    pub expected: Option<Tape<'static>>,
    /// The actual value; none if the member is missing.
    pub actual: Option<Tape<'static>>,
}

/// Where `actual` differs from `expected`, member by member and item by item. Numbers may differ
/// by `tolerance`; an expected `"<any>"` takes any value that is there.
pub fn difference(expected: Tree<'_>, actual: Tree<'_>, tolerance: f64) -> Vec<Difference> {
    let mut found = Vec::new();
    let root = Path::Base(&Pointer::ROOT);
    compare(&root, expected, actual, tolerance, &mut found);
    found
}

fn compare(
    at: &Path<'_>,
    expected: Tree<'_>,
    actual: Tree<'_>,
    tolerance: f64,
    found: &mut Vec<Difference>,
) {
    match (expected, actual) {
        (Tree::String(any), _) if any == ANY => {}
        (Tree::Object(wanted), Tree::Object(present)) => {
            let there = present.finder();
            for (key, value) in wanted.iter() {
                let below = at.key(key);
                match there.find(key) {
                    Some(other) => compare(&below, value, other, tolerance, found),
                    None => found.push(different(&below, Some(value), None)),
                }
            }
            let asked_for = wanted.finder();
            for (key, value) in present.iter() {
                if asked_for.find(key).is_none() {
                    found.push(different(&at.key(key), None, Some(value)));
                }
            }
        }
        (Tree::Array(wanted), Tree::Array(present)) => {
            let longer = wanted.len().max(present.len());
            let (mut wanted, mut present) = (wanted.iter(), present.iter());
            for index in 0..longer {
                let below = at.index(index);
                match (wanted.next(), present.next()) {
                    (Some(value), Some(other)) => compare(&below, value, other, tolerance, found),
                    (value, other) => found.push(different(&below, value, other)),
                }
            }
        }
        (Tree::Number(wanted), Tree::Number(present)) => {
            let near = match (wanted.as_f64(), present.as_f64()) {
                (Some(wanted), Some(present)) => (wanted - present).abs() <= tolerance,
                _ => false,
            };
            if wanted != present && !near {
                found.push(different(at, Some(expected), Some(actual)));
            }
        }
        _ if expected == actual => {}
        _ => found.push(different(at, Some(expected), Some(actual))),
    }
}

fn different(at: &Path<'_>, expected: Option<Tree<'_>>, actual: Option<Tree<'_>>) -> Difference {
    let owned = |value: Tree<'_>| value.to_tape().into_owned();
    Difference {
        pointer: at.pointer(),
        expected: expected.map(owned),
        actual: actual.map(owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn normalised(cards: &Value) -> Value {
        super::normalised(Tape::from_value(cards).tree()).into()
    }

    fn pointers(expected: &Value, actual: &Value, tolerance: f64) -> Vec<String> {
        difference(
            Tape::from_value(expected).tree(),
            Tape::from_value(actual).tree(),
            tolerance,
        )
        .into_iter()
        .map(|it| it.pointer.to_string())
        .collect()
    }

    #[test]
    fn two_runs_of_the_same_skill_are_the_same() {
        let card = |time: &str, id: &str, bytes: &str| {
            json!([{"created_at": time, "skill": {"type": "service", "id": id},
                "invocation": {"type": "skill_invocation", "id": id},
                "entries": [{"text": "a", "image_url": format!("data:image/png;base64,{bytes}")}]}])
        };
        let first = normalised(&card("2018-10-29T11:29:09Z", "1", "AAAA"));
        let second = normalised(&card("2026-11-21T10:00:00Z", "2", "BBBB"));
        assert_eq!(first, second);
        assert_eq!(
            normalised(&first),
            first,
            "normalising again changes nothing"
        );
        assert_eq!(
            first[0]["entries"][0]["image_url"],
            "data:image/png;base64,<bytes>"
        );
    }

    #[test]
    fn an_integer_id_stays_to_be_seen() {
        let card = json!({"skill": {"id": 137}});
        assert_eq!(normalised(&card), card);
    }

    #[test]
    fn differences_name_their_place() {
        let expected = json!({"a": [1, 2], "b": "x", "gone": 1});
        let actual = json!({"a": [1, 3, 4], "b": "x", "new": 2});
        assert_eq!(
            pointers(&expected, &actual, 0.0),
            ["/a/1", "/a/2", "/gone", "/new"]
        );
    }

    #[test]
    fn numbers_may_differ_by_the_tolerance() {
        let (expected, actual) = (json!([1, 2.5]), json!([1.0, 2.6]));
        assert_eq!(pointers(&expected, &actual, 0.0), ["/1"]);
        assert_eq!(pointers(&expected, &actual, 0.2), [""; 0]);
    }

    #[test]
    fn a_wildcard_takes_any_value_but_not_none() {
        let expected = json!({"a": "<any>", "b": "<any>"});
        assert_eq!(
            pointers(&expected, &json!({"a": [1], "b": null}), 0.0),
            [""; 0]
        );
        assert_eq!(pointers(&expected, &json!({"a": 1}), 0.0), ["/b"]);
    }
}
