//! `?fields=`, and the forms that all of Box's JSON shares.

use jiff::{Timestamp, tz::Offset};
use serde_json::{Map, Value};

use crate::domain::event::refresh::format_time;

/// A time as Box writes it.
pub(crate) fn time(at: Timestamp) -> String {
    format_time(at, Offset::UTC)
}

/// Of `all`: type, id, etag, and the members that `fields` lists.
pub(crate) fn pick(all: &Map<String, Value>, fields: &str) -> Map<String, Value> {
    ["type", "id", "etag"]
        .into_iter()
        .chain(names(fields))
        .filter_map(|name| Some((name.to_owned(), all.get(name)?.clone())))
        .collect()
}

/// The names in a `?fields=`.
pub(crate) fn names(fields: &str) -> impl Iterator<Item = &str> {
    fields.split(',').map(str::trim)
}

/// The members of a JSON object; none where it is not an object.
pub(crate) fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
