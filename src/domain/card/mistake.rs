//! What can be wrong with a card: each mistake with its weight (does Box refuse it, does the
//! published description allow it, does the preview show something else), and the words in which
//! Box's own validator puts it. Those for a person are in `words`.
//!
//! Sources: the OpenAPI description of skill cards, captured refusals of Box, and the preview of
//! box-ui-elements 26.3.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::{diagnostic::Severity, json::tree::Tree, text};

/// By which rules cards are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// What Box is known to refuse is an error; what it accepts beyond its description, and what
    /// its preview shows otherwise than meant, is a warning.
    #[default]
    Box,
    /// All that the published description does not allow is an error.
    Documented,
}

/// A type that a value should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Object,
    Array,
    /// Described as an integer; Box takes any number, and the official kit writes floats.
    Seconds,
}

/// A mistake in a card. Borrows what it speaks about: nothing is allocated until it is put into
/// words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mistake<'a> {
    /// A value of another type than Box takes.
    WrongType { found: Tree<'a>, should: Type },
    /// `null` for a member that may be left out.
    Null { should: Type },
    /// Members that the description requires, in the order of the alphabet.
    Missing { names: &'a [&'static str] },
    /// The member without which nothing is shown, and one that looks like a misspelling of it.
    Nothing {
        name: &'static str,
        near: Option<&'a str>,
    },
    /// A `skill_card_type` that neither Box nor its preview knows.
    UnknownKind { found: &'a str },
    /// A member with one allowed value that has another.
    OtherConstant {
        found: &'a str,
        should: &'static str,
    },
    /// A status outside the list of a skill_invocations body.
    OtherStatus { found: &'a str },
    /// A status code outside the description; `official` where the kit or the preview has it.
    OtherCode { found: &'a str, official: bool },
    /// A status whose code the preview does not know, without a message.
    ShowsAsError {
        code: Option<&'a str>,
        near: Option<&'static str>,
        documented: bool,
    },
    /// A message that never shows, because the preview has its own for the code.
    MessageIgnored { shown: &'static str },
    /// A time that is no RFC 3339.
    NoDate { found: &'a str },
    /// Times or durations that are no whole seconds: how many in the card.
    Fractions { found: Tree<'a>, count: usize },
    /// `title`, which nothing reads.
    TitleIgnored { shown: &'a str },
    /// A title message that never shows, because the preview has its own for the code.
    TitleCodeWins { shown: &'static str },
    /// An empty list of entries.
    NoEntries,
    /// An entry without text.
    NoText,
    /// Times that show nothing, because the card has no duration: how many entries.
    NoDuration { count: usize },
    /// A duration of nothing, or less.
    EmptyDuration { found: f64 },
    /// An appearance that begins at the end or later.
    BeyondDuration { start: f64, duration: f64 },
    /// An appearance before the beginning.
    BelowZero { start: f64 },
    /// An appearance that ends before it starts.
    EndsBefore { start: f64, end: f64 },
    /// An appearance without a start.
    NoStart,
    /// A transcript line with several times, of which none is shown.
    SeveralTimes { count: usize },
    /// A face without an image.
    NoImage,
    /// An image address that no browser can load.
    OddImage,
    /// An image that a page loaded by https may not load.
    InsecureImage,
    /// A member that looks like a misspelling of one that is missing.
    Misspelt { key: &'a str, should: &'static str },
}

/// How Box takes a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It refuses it.
    Refused,
    /// It takes it, and nothing can be shown.
    Unseen,
    /// It takes it, and it deserves a look.
    Doubtful,
    /// It takes it, and real skills write it on purpose.
    Fine,
}

impl Mistake<'_> {
    fn weight(&self) -> Weight {
        match self {
            Self::WrongType { .. } => Weight::Refused,
            Self::Nothing { .. } | Self::UnknownKind { .. } => Weight::Unseen,
            Self::OtherCode { official: true, .. } => Weight::Fine,
            _ => Weight::Doubtful,
        }
    }

    /// Whether the published description rules it out.
    fn is_undocumented(&self) -> bool {
        match self {
            Self::WrongType { .. }
            | Self::Null { .. }
            | Self::Missing { .. }
            | Self::Nothing { .. }
            | Self::UnknownKind { .. }
            | Self::OtherConstant { .. }
            | Self::OtherStatus { .. }
            | Self::OtherCode { .. }
            | Self::NoDate { .. }
            | Self::Fractions { .. } => true,
            Self::ShowsAsError { documented, .. } => !documented,
            _ => false,
        }
    }

    /// How much it weighs under `schema`; nothing where it is no finding there.
    pub(super) fn severity(&self, schema: Schema) -> Option<Severity> {
        if schema == Schema::Documented && self.is_undocumented() {
            return Some(Severity::Error);
        }
        match self.weight() {
            Weight::Refused | Weight::Unseen => Some(Severity::Error),
            Weight::Doubtful => Some(Severity::Warning),
            Weight::Fine => None,
        }
    }

    /// Whether a write with it is refused under `schema`.
    pub(super) fn is_refused(&self, schema: Schema) -> bool {
        match schema {
            Schema::Box => self.weight() == Weight::Refused,
            Schema::Documented => self.is_undocumented(),
        }
    }

    /// Whether it is told of a member that is missing or empty, so that it speaks about the
    /// object that lacks it.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::Missing { names } => names.len() == 1,
            Self::Nothing { .. } | Self::NoText | Self::NoImage | Self::NoStart => true,
            _ => false,
        }
    }

    /// The refusal in the words of Box's validator. The form for types is captured from Box; the
    /// others are those of the same validator for the other keywords of JSON Schema.
    pub(super) fn refusal(&self, schema: Schema) -> String {
        match self {
            Self::WrongType { found, should } => {
                wrong_primitive(type_name(*found), *should, schema)
            }
            Self::Null { should } => wrong_primitive("null", *should, schema),
            Self::Fractions { .. } => wrong_primitive("number", Type::Seconds, schema),
            Self::Missing { names } => missing_properties(names),
            Self::Nothing { name, .. } => missing_properties(&[*name]),
            Self::UnknownKind { found } => {
                not_in_enum(found, &["keyword", "status", "timeline", "transcript"])
            }
            Self::OtherConstant { found, should } => not_in_enum(found, &[*should]),
            Self::ShowsAsError { code: None, .. } => missing_properties(&["code"]),
            Self::OtherStatus { found }
            | Self::OtherCode { found, .. }
            | Self::ShowsAsError {
                code: Some(found), ..
            } => not_in_enum(found, &super::model::DOCUMENTED_STATUSES),
            Self::NoDate { found } => format!(
                "string {} is invalid against requested date format(s) \
                 [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{{1,12}}Z]",
                quoted(found)
            ),
            _ => String::new(),
        }
    }
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

fn wrong_primitive(found: &str, should: Type, schema: Schema) -> String {
    let allowed = match (should, schema) {
        (Type::String, _) => "\"string\"",
        (Type::Object, _) => "\"object\"",
        (Type::Array, _) => "\"array\"",
        (Type::Seconds, Schema::Box) => "\"integer\",\"number\"",
        (Type::Seconds, Schema::Documented) => "\"integer\"",
    };
    format!(
        "instance type ({found}) does not match any allowed primitive type (allowed: [{allowed}])"
    )
}

fn missing_properties(names: &[&str]) -> String {
    format!(
        "object has missing required properties ([{}])",
        joined(names)
    )
}

fn not_in_enum(found: &str, allowed: &[&str]) -> String {
    format!(
        "instance value ({}) not found in enum (possible values: [{}])",
        quoted(found),
        joined(allowed)
    )
}

fn joined(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(",")
}

/// A string as JSON writes it, shortened for a message.
pub(super) fn quoted(text: &str) -> String {
    Value::from(shortened(text).as_ref()).to_string()
}

/// A text of the card as far as a message has room for it.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const MAX_CHARS: usize = 60;
    text::shortened(text, MAX_CHARS)
}
