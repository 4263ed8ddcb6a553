//! JSON Patch (RFC 6902) on the fields of an instance, as Box applies it: whole or not at all, and
//! never on the members that Box owns. The messages are those of facts §3.

use json_patch::{Patch, PatchErrorKind, PatchOperation};
use serde_json::{Map, Value};

/// Why a patch was not applied; the text is Box's message for a `bad_request`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatchRefused(pub String);

/// Applies the patch in `text` to `fields`.
///
/// # Errors
/// [`PatchRefused`] where the text is no patch or an operation cannot be carried out; `fields` is
/// then as it was.
pub fn apply(fields: &Map<String, Value>, text: &[u8]) -> Result<Map<String, Value>, PatchRefused> {
    let patch: Patch = serde_json::from_slice(text)
        .map_err(|error| PatchRefused(format!("Invalid JSON Patch: {error}")))?;
    for operation in &patch.0 {
        refuse_what_box_owns(operation)?;
    }
    let mut target = Value::Object(fields.clone());
    json_patch::patch(&mut target, &patch).map_err(|error| {
        let adds = matches!(patch.0.get(error.operation), Some(PatchOperation::Add(_)));
        PatchRefused(message(&error.kind, adds).to_owned())
    })?;
    match target {
        Value::Object(fields) => Ok(fields),
        _ => Err(PatchRefused(
            "the root of an instance cannot be replaced".to_owned(),
        )),
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
