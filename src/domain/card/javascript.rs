//! How the JavaScript of Box's preview, a React application, reads JSON values: truth, text, numbers.

use std::borrow::Cow;

use serde_json::Number;

use crate::domain::json::tree::Tree;

/// Whether the value is truthy.
pub(super) fn is_truthy(value: Tree<'_>) -> bool {
    match value {
        Tree::Null => false,
        Tree::Bool(truth) => truth,
        Tree::Number(number) => number.as_f64() != Some(0.0),
        Tree::String(text) => !text.is_empty(),
        Tree::Array(_) | Tree::Object(_) => true,
    }
}

/// Whether React throws when the value is a child of an element: an object, or a list with one.
pub(super) fn breaks_as_child(value: Tree<'_>) -> bool {
    match value {
        Tree::Object(_) => true,
        Tree::Array(items) => items.iter().any(breaks_as_child),
        _ => false,
    }
}

/// The text that a child of an element shows.
pub(super) fn child_text(value: Tree<'_>) -> Cow<'_, str> {
    match value {
        Tree::String(text) => Cow::Borrowed(text),
        Tree::Number(number) => Cow::Owned(number_text(number)),
        Tree::Array(items) => Cow::Owned(items.iter().map(child_text).collect()),
        Tree::Null | Tree::Bool(_) | Tree::Object(_) => Cow::Borrowed(""),
    }
}

/// The text of an attribute.
pub(super) fn attribute_text(value: Tree<'_>) -> Cow<'_, str> {
    match value {
        Tree::String(text) => Cow::Borrowed(text),
        Tree::Number(number) => Cow::Owned(number_text(number)),
        Tree::Object(_) => Cow::Borrowed("[object Object]"),
        Tree::Array(items) => {
            let items: Vec<_> = items.iter().map(attribute_text).collect();
            Cow::Owned(items.join(","))
        }
        Tree::Null | Tree::Bool(_) => Cow::Borrowed(""),
    }
}

/// The number that a value becomes in arithmetic: a number, or a string that holds one.
pub(super) fn coerced_number(value: Tree<'_>) -> Option<f64> {
    match value {
        Tree::Number(number) => number.as_f64(),
        Tree::String(text) => text.trim().parse().ok().filter(|it: &f64| it.is_finite()),
        _ => None,
    }
}

/// A number as a string. JavaScript has no integers: 60.0 is "60".
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.abs() < 1e21 => float.to_string(),
        _ => number.to_string(),
    }
}
