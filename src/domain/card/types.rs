//! JSON types as the rules for cards name them, and the two sets of rules. The types of cards are in
//! `model`.

use crate::domain::json::tree::Tree;

/// The rules that cards are validated by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// What Box is known to refuse is an error. A warning is something that Box accepts but does
    /// not document, or displays differently from what was intended.
    #[default]
    Box,
    /// Everything that the published description does not allow is an error.
    Documented,
}

/// A type that a value should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Object,
    Array,
    /// Described as an integer; Box accepts any number, and the official kit writes floats.
    Seconds,
}

impl Type {
    /// Whether `value` has it.
    pub(super) fn fits(self, value: Tree<'_>) -> bool {
        match self {
            Self::String => matches!(value, Tree::String(_)),
            Self::Object => matches!(value, Tree::Object(_)),
            Self::Array => matches!(value, Tree::Array(_)),
            Self::Seconds => matches!(value, Tree::Number(_)),
        }
    }

    /// It with its article.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Seconds => "a number of seconds",
        }
    }

    /// Several of it.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::String => "strings",
            Self::Object => "objects",
            Self::Array => "lists",
            Self::Seconds => "numbers",
        }
    }
}

/// A value's type by the names of JSON Schema.
pub(super) fn type_name(value: Tree<'_>) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "boolean",
        Tree::Number(number) if number.is_f64() => "number",
        Tree::Number(_) => "integer",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "object",
    }
}

/// A value's type in words.
pub(super) fn type_in_words(value: Tree<'_>) -> &'static str {
    match type_name(value) {
        "null" => "null",
        "boolean" => "a boolean",
        "number" => "a number with a fraction",
        "integer" => "an integer",
        "string" => "a string",
        "array" => "a list",
        _ => "an object",
    }
}
