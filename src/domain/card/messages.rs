//! Phrases that the messages of several rules share, and the messages of Box's validator.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    model::CardType,
    types::{Schema, Type},
};
use crate::domain::{json::tree::Tree, subtitles, text};

pub(super) fn wrong_primitive(found: &str, should: Type, schema: Schema) -> String {
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

pub(super) fn missing_properties(names: &[&str]) -> String {
    format!(
        "object has missing required properties ([{}])",
        joined(names)
    )
}

pub(super) fn not_in_enum(found: &str, allowed: &[&str]) -> String {
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

/// A text of the card, shortened for a message.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const MAX_CHARS: usize = 60;
    text::shortened(text, MAX_CHARS)
}

/// "did you mean" if a similar name is known, otherwise the other advice.
pub(super) fn did_you_mean(near: Option<&str>, otherwise: &str) -> String {
    match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => otherwise.to_owned(),
    }
}

/// The names in quotes, as the values that are allowed: `"a", "b" or "c"`.
pub(super) fn alternatives(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    in_words(&names)
}

pub(super) fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    in_words(&names)
}

fn in_words(names: &[String]) -> String {
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

pub(super) fn fix_missing(names: &[&str]) -> &'static str {
    match names {
        ["id"] => "take it from the event, as a string",
        ["code" | "message" | "file" | "status" | "entries"] => "add it",
        _ => "`skillctl cards write` fills in type, skill and invocation from the event",
    }
}

pub(super) fn fix_type(found: Tree<'_>, should: Type) -> String {
    match (found, should) {
        (Tree::Number(number), Type::String) => format!("write it in quotes: \"{number}\""),
        (Tree::String(text), Type::Seconds) => {
            // Services write numbers as strings, and seconds as "1.2s".
            let seconds = subtitles::seconds(text.strip_suffix('s').unwrap_or(text));
            let seconds = seconds.map_or_else(String::new, |seconds| format!(": {seconds}"));
            format!("write it in seconds, without quotes{seconds}")
        }
        (Tree::Object(_), Type::Array) => "put it in brackets: [{…}]".to_owned(),
        (Tree::Null, _) => format!(
            "write {}, or remove the object that contains it",
            should.singular()
        ),
        _ => format!("write {} there", should.singular()),
    }
}

/// The unit of a time that is far beyond the duration, and what to do about it.
pub(super) fn far_unit(start: f64, duration: f64) -> (&'static str, String) {
    // The duration may be rounded.
    let fits = |seconds: f64| seconds <= duration + 1.0;
    let convert = |by: f64, divisor: &str| {
        let seconds = start / by;
        format!("times are in seconds: divide by {divisor}, {start} is {seconds} s")
    };
    match start {
        start if fits(start / 1e3) => ("milliseconds", convert(1e3, "1000")),
        start if fits(start / 1e7) => ("ticks of 100 ns", convert(1e7, "10000000")),
        start if fits(start / 1e9) => ("nanoseconds", convert(1e9, "1000000000")),
        _ => ("another unit", "times are in seconds".to_owned()),
    }
}

/// The type that the author may have meant: by spelling, or by the title that the preview shows.
pub(super) fn nearest_card_type(found: &str) -> Option<&'static str> {
    const NEAR_ENOUGH: f64 = 0.85;
    let found: String = found.chars().take(40).collect::<String>().to_lowercase();
    let by_title = [
        ("topic", "keyword"),
        ("label", "keyword"),
        ("face", "timeline"),
        ("speech", "transcript"),
        ("error", "status"),
    ];
    by_title
        .into_iter()
        .find(|(title, _)| found.starts_with(title))
        .map(|(_, card_type)| card_type)
        .or_else(|| {
            CardType::ALL
                .into_iter()
                .map(CardType::as_str)
                .find(|card_type| strsim::jaro_winkler(card_type, &found) >= NEAR_ENOUGH)
        })
}
