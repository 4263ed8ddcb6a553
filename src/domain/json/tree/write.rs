//! Writes a tree as compact JSON, byte for byte as serde_json does. Strings without escapes, and arrays
//! and objects that were read from compact JSON, are copied whole, which is faster.

use serde_json::value::RawValue;

use super::{
    cell::{Cell, inside, split},
    view::{Items, Members, Tree, look},
};

impl Tree<'_> {
    /// Appends the value as compact JSON.
    pub fn write_to(self, to: &mut Vec<u8>) {
        match self {
            Self::Null => to.extend_from_slice(b"null"),
            Self::Bool(truth) => to.extend_from_slice(if truth { b"true" } else { b"false" }),
            Self::Number(number) => as_serde_does(number, to),
            Self::String(text) => write_text(text, to),
            Self::Array(Items { row }) => write_row(*b"[]", row, write_next, to),
            Self::Object(Members { row }) => write_row(*b"{}", row, write_member, to),
        }
    }

    /// The value as compact JSON.
    pub fn to_raw(self) -> Box<RawValue> {
        let mut text = Vec::new();
        self.write_to(&mut text);
        let text = String::from_utf8(text).expect("JSON is text");
        RawValue::from_string(text).expect("what is written is JSON")
    }
}

/// Writes an array or object with brackets and commas. `write` writes the first entry of a row and
/// returns the cells after it.
fn write_row<'c, 'a>(
    [open, close]: [u8; 2],
    row: &'c [Cell<'a>],
    write: impl Fn(&'c [Cell<'a>], &mut Vec<u8>) -> &'c [Cell<'a>],
    to: &mut Vec<u8>,
) {
    if let Some(Cell::Branch(branch)) = row.first()
        && branch.is_canonical
    {
        return to.extend_from_slice(branch.source.as_bytes());
    }
    let mut cells = inside(row);
    to.push(open);
    while !cells.is_empty() {
        cells = write(cells, to);
        if !cells.is_empty() {
            to.push(b',');
        }
    }
    to.push(close);
}

/// Writes a name and its value.
fn write_member<'c, 'a>(cells: &'c [Cell<'a>], to: &mut Vec<u8>) -> &'c [Cell<'a>] {
    let value = write_next(cells, to);
    to.push(b':');
    write_next(value, to)
}

/// Writes a value.
fn write_next<'c, 'a>(cells: &'c [Cell<'a>], to: &mut Vec<u8>) -> &'c [Cell<'a>] {
    let (value, behind) = split(cells).unwrap_or_default();
    match value.first() {
        Some(Cell::Plain(text)) => write_plain(text, to),
        _ => look(value).write_to(to),
    }
    behind
}

/// Appends a quoted string.
fn write_text(text: &str, to: &mut Vec<u8>) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        write_plain(text, to);
    } else {
        as_serde_does(text, to);
    }
}

/// Appends a quoted string that needs no escapes.
fn write_plain(text: &str, to: &mut Vec<u8>) {
    to.reserve(text.len() + 2);
    to.push(b'"');
    to.extend_from_slice(text.as_bytes());
    to.push(b'"');
}

fn as_serde_does<T: serde::Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) {
    serde_json::to_writer(to, value).expect("memory takes what is written to it");
}
