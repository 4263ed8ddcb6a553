//! JSON Patch (RFC 6902) on the fields of an instance, as Box applies it: whole or not at all, and
//! never on the members that Box owns. The messages are in `docs/box/errors.md`, "By status".

use json_patch::{Patch, PatchErrorKind, PatchOperation};
use serde_json::{Map, Value};

use super::instance::MAX_LEVELS;
use crate::domain::json::tree::Tape;

/// The most that all operations of a patch may copy and move, in bytes, approximately. A short patch
/// that copies a list into itself repeatedly would otherwise fill the memory.
const MAX_WORK: usize = 16 * 1024 * 1024;

/// Why a patch was not applied; the text is Box's message for a `bad_request`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatchRefused(pub String);

/// Applies the patch in `text` to `fields`.
///
/// # Errors
/// [`PatchRefused`] where the text is not a patch or an operation cannot be carried out; `fields` is
/// then as it was.
pub fn apply(fields: &Map<String, Value>, text: &[u8]) -> Result<Map<String, Value>, PatchRefused> {
    let patch: Patch = serde_json::from_slice(text)
        .map_err(|error| PatchRefused(format!("Invalid JSON Patch: {error}")))?;
    for operation in &patch.0 {
        refuse_what_box_owns(operation)?;
    }
    let mut target = Value::Object(fields.clone());
    let mut work = 0_usize;
    for operation in &patch.0 {
        work = work.saturating_add(cost(&target, operation)?);
        if work > MAX_WORK {
            let limit = MAX_WORK >> 20;
            let message = format!("the patch copies and moves more than {limit} MiB");
            return Err(PatchRefused(message));
        }
        // `target` is a copy, so a patch that fails halfway needs no undo.
        json_patch::patch_unsafe(&mut target, std::slice::from_ref(operation)).map_err(
            |error| {
                let adds = matches!(operation, PatchOperation::Add(_));
                PatchRefused(message(&error.kind, adds).to_owned())
            },
        )?;
    }
    match target {
        Value::Object(fields) => Ok(fields),
        _ => Err(PatchRefused(
            "the root of an instance cannot be replaced".to_owned(),
        )),
    }
}

/// What an operation copies and moves, in bytes, approximately.
///
/// # Errors
/// Where it would put something deeper than instances may be.
fn cost(target: &Value, operation: &PatchOperation) -> Result<usize, PatchRefused> {
    let mut cost = shift_cost(target, operation.path().as_str());
    let value = match operation {
        PatchOperation::Add(add) => &add.value,
        PatchOperation::Replace(replace) => &replace.value,
        PatchOperation::Copy(copy) => value_at(target, copy.from.as_str(), &mut cost),
        PatchOperation::Move(moved) => {
            cost += shift_cost(target, moved.from.as_str());
            value_at(target, moved.from.as_str(), &mut cost)
        }
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return Ok(cost),
    };
    if operation.path().count() + Tape::from_value(value).tree().depth() > MAX_LEVELS {
        let message = format!("the patch nests deeper than {MAX_LEVELS} levels");
        return Err(PatchRefused(message));
    }
    Ok(cost)
}

/// The value at `from`, and its weight.
fn value_at<'a>(target: &'a Value, from: &str, cost: &mut usize) -> &'a Value {
    // A missing value is reported when the operation is applied.
    let value = target.pointer(from).unwrap_or(&Value::Null);
    *cost += weight(value);
    value
}

/// The cost of shifting the items of a list when one is inserted or removed.
fn shift_cost(target: &Value, path: &str) -> usize {
    /// Shifting an item is cheaper than copying one by about this factor.
    const ITEMS_PER_UNIT: usize = 64;
    let list = path
        .rsplit_once('/')
        .filter(|(_, last)| *last != "-")
        .and_then(|(parent, _)| target.pointer(parent)?.as_array());
    list.map_or(0, |items| items.len() / ITEMS_PER_UNIT)
}

fn weight(value: &Value) -> usize {
    const NODE: usize = 8;
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => {
            let weights = members.iter().map(|(name, it)| name.len() + weight(it));
            weights.sum()
        }
        _ => 0,
    }
}

fn message(kind: &PatchErrorKind, adds: bool) -> &'static str {
    match kind {
        PatchErrorKind::TestFailed => "value differs from expectations",
        PatchErrorKind::InvalidPointer if adds => "parent of node to add does not exist",
        PatchErrorKind::CannotMoveInsideItself => "cannot move a node into itself",
        _ => "no such path in target JSON document",
    }
}

fn refuse_what_box_owns(operation: &PatchOperation) -> Result<(), PatchRefused> {
    let path = operation.path().to_string();
    let changes = !matches!(operation, PatchOperation::Test(_));
    if changes && (path.is_empty() || path.starts_with("/$")) {
        return Err(PatchRefused(format!(
            "the path \"{path}\" cannot be changed"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn patched(before: &Value, patch: &Value) -> Result<Value, String> {
        apply(&fields(before), patch.to_string().as_bytes())
            .map(Value::Object)
            .map_err(|refused| refused.0)
    }

    #[test]
    fn what_clients_really_send_is_applied() {
        let before = json!({"cards": [{"entries": [{"text": "a"}]}]});
        let after = patched(
            &before,
            &json!([
                {"op": "test", "path": "/cards/0/entries/0", "value": {"text": "a"}},
                {"op": "replace", "path": "/cards/0/entries/0", "value": {"text": "b"}},
                {"op": "add", "path": "/cards/0/entries/-", "value": {"text": "c"}},
                {"op": "add", "path": "/cards/-", "value": 1}
            ]),
        );
        assert_eq!(
            after,
            Ok(json!({"cards": [{"entries": [{"text": "b"}, {"text": "c"}]}, 1]}))
        );
        assert_eq!(
            patched(
                &before,
                &json!([{"op": "add", "path": "/cards", "value": []}])
            ),
            Ok(json!({"cards": []}))
        );
    }

    #[test]
    fn a_move_that_fails_behind_a_change_is_refused_as_any_other() {
        let patch = json!([
            {"op": "add", "path": "/cards/0/x", "value": 1},
            {"op": "move", "from": "/cards", "path": "/nowhere/x"}
        ]);
        let refused = patched(&json!({"cards": [{}]}), &patch);
        assert_eq!(
            refused,
            Err("no such path in target JSON document".to_owned())
        );
    }

    #[test]
    fn copies_of_copies_end_before_the_memory_does() {
        let copies = |count| {
            let copy = json!({"op": "copy", "from": "/cards", "path": "/cards/-"});
            patched(&json!({"cards": ["a"]}), &Value::from(vec![copy; count]))
        };
        assert!(copies(10).is_ok());
        let refused = copies(60).expect_err("2 to the power of 60 items");
        assert!(refused.contains("more than 16 MiB"), "{refused}");
    }

    #[test]
    fn no_patch_nests_deeper_than_can_be_read_back() {
        let deeper = json!([
            {"op": "add", "path": "/b", "value": {}},
            {"op": "move", "from": "/a", "path": "/b/a"},
            {"op": "move", "from": "/b", "path": "/a"}
        ]);
        let mut fields = json!({"a": {}});
        for levels in 2.. {
            match patched(&fields, &deeper) {
                Ok(after) => fields = after,
                Err(refused) => {
                    assert_eq!(levels, MAX_LEVELS);
                    assert_eq!(refused, "the patch nests deeper than 100 levels");
                    break;
                }
            }
        }
    }

    #[test]
    fn refusals_speak_as_box_does_and_change_nothing() {
        let before = json!({"cards": [1]});
        for (patch, said) in [
            (
                json!([{"op": "add", "path": "/a/b", "value": 1}]),
                "parent of node to add does not exist",
            ),
            (
                json!([{"op": "replace", "path": "/cards/7", "value": 1}]),
                "no such path in target JSON document",
            ),
            (
                json!([{"op": "remove", "path": "/x"}]),
                "no such path in target JSON document",
            ),
            (
                json!([{"op": "test", "path": "/cards/0", "value": 2}]),
                "value differs from expectations",
            ),
            (
                json!([{"op": "replace", "path": "/$version", "value": 2}]),
                "the path \"/$version\" cannot be changed",
            ),
        ] {
            assert_eq!(patched(&before, &patch), Err(said.to_owned()), "{patch}");
        }
        assert!(
            patched(&before, &json!({"op": "add"}))
                .expect_err("refused")
                .starts_with("Invalid JSON Patch")
        );
    }
}
