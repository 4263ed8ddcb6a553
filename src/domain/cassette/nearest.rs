//! For a call that a cassette does not hold: the entry that is nearest, and where the two differ.

use super::key::{Body, NormalForm};
use crate::domain::{
    card::normalise::difference,
    json::tree::{Tape, Tree},
    text::shortened,
};

/// Characters of a value that are shown.
const MAX_SHOWN: usize = 60;

/// Why no entry is equal to a call, in a sentence.
pub(super) fn describe<'a>(
    wanted: &NormalForm,
    entries: impl Iterator<Item = &'a NormalForm>,
) -> String {
    let of_host = entries.filter(|entry| host(&entry.target) == host(&wanted.target));
    let nearest = of_host.min_by_key(|entry| distance(wanted, entry));
    match nearest {
        None => format!("the cassette has no call to {}", host(&wanted.target)),
        Some(nearest) => format!(
            "the nearest entry is {} {}, and differs in {}",
            nearest.method,
            nearest.target,
            where_they_differ(wanted, nearest)
        ),
    }
}

fn host(target: &str) -> &str {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

fn distance(wanted: &NormalForm, entry: &NormalForm) -> usize {
    let unequal_parameters = entry
        .query
        .iter()
        .filter(|pair| !wanted.query.contains(pair))
        .count();
    100 * usize::from(wanted.target != entry.target)
        + 50 * usize::from(wanted.method != entry.method)
        + 10 * usize::from(wanted.headers != entry.headers)
        + 2 * unequal_parameters
        + usize::from(wanted.body != entry.body)
}

fn where_they_differ(wanted: &NormalForm, entry: &NormalForm) -> String {
    let (this, that) = (&wanted.target, &entry.target);
    if this != that {
        return format!("the URL: this call was to {this}");
    }
    if wanted.method != entry.method {
        return format!("the method: this call was a {}", wanted.method);
    }
    for (name, value) in &entry.query {
        match wanted.query.iter().find(|(other, _)| other == name) {
            Some((_, other)) if other == value => {}
            Some((_, other)) => {
                return format!(
                    "the parameter {name}: {} instead of {}",
                    shown(other),
                    shown(value)
                );
            }
            None => return format!("the parameter {name}, which this call lacks"),
        }
    }
    let is_new = |(name, _): &&(String, String)| !entry.query.iter().any(|(it, _)| it == name);
    if let Some((name, _)) = wanted.query.iter().find(is_new) {
        return format!("the parameter {name}, which the entry lacks");
    }
    if let Some((name, _)) = entry.headers.iter().find(|it| !wanted.headers.contains(it)) {
        return format!("the header {name}");
    }
    bodies(&wanted.body, &entry.body)
}

fn bodies(wanted: &Body, entry: &Body) -> String {
    match (wanted, entry) {
        (Body::Json(wanted), Body::Json(entry)) => {
            let (wanted, entry) = (Tape::from_value(wanted), Tape::from_value(entry));
            let found = difference(entry.tree(), wanted.tree(), 0.0);
            let Some(first) = found.first() else {
                return "the body".to_owned();
            };
            let value = |it: &Option<Tape<'static>>| match it {
                Some(tape) => shown(&text(tape.tree())),
                None => "nothing".to_owned(),
            };
            format!(
                "the body at {}: {} instead of {}",
                first.pointer,
                value(&first.actual),
                value(&first.expected)
            )
        }
        (Body::Text(wanted), Body::Text(entry)) => {
            let same = wanted.chars().zip(entry.chars());
            let at = same.take_while(|(one, other)| one == other).count();
            format!("the body from character {}", at + 1)
        }
        (Body::Bytes(_, wanted), Body::Bytes(_, entry)) => {
            format!("the body: {wanted} bytes instead of {entry}, or with another content")
        }
        _ => "the kind of body".to_owned(),
    }
}

fn text(tree: Tree<'_>) -> String {
    let mut bytes = Vec::new();
    tree.write_to(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn shown(text: &str) -> String {
    shortened(text, MAX_SHOWN).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cassette::exchange::ProviderRequest;

    fn form(method: &str, url: &str, body: &str) -> NormalForm {
        let request = ProviderRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: body.to_owned().into(),
        };
        NormalForm::of_request(&request, &[])
    }

    #[test]
    fn the_nearest_entry_and_the_first_difference_are_named() {
        let entries = [
            form("GET", "https://ml.example/v1/jobs", ""),
            form(
                "POST",
                "https://ml.example/v1?language=en",
                r#"{"a": {"b": 1}}"#,
            ),
        ];
        for (wanted, words) in [
            (
                form(
                    "POST",
                    "https://ml.example/v1?language=de",
                    r#"{"a": {"b": 1}}"#,
                ),
                "differs in the parameter language: de instead of en",
            ),
            (
                form(
                    "POST",
                    "https://ml.example/v1?language=en",
                    r#"{"a": {"b": 2}}"#,
                ),
                "differs in the body at /a/b: 2 instead of 1",
            ),
            (
                form("DELETE", "https://ml.example/v1/jobs", ""),
                "is GET https://ml.example/v1/jobs, and differs in the method: this call was a DELETE",
            ),
            (
                form("GET", "https://other.example/", ""),
                "has no call to other.example",
            ),
        ] {
            let found = describe(&wanted, entries.iter());
            assert!(found.contains(words), "{found}");
        }
    }
}
