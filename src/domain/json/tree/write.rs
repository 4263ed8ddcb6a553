//! A tree as compact JSON, the same that serde makes of it. Most texts stand in JSON as they are, and
//! are copied whole; serde would look at each letter.

use super::{Cell, Items, Members, Tree};

impl Tree<'_> {
    /// Adds it to a text, as compact JSON.
    pub fn write_to(self, to: &mut Vec<u8>) {
        match self {
            Self::Null => to.extend_from_slice(b"null"),
            Self::Bool(truth) => to.extend_from_slice(if truth { b"true" } else { b"false" }),
            Self::Number(number) => as_serde_does(number, to),
            Self::String(text) => write_text(text, to),
            Self::Array(Items { length, cells }) => write_items(length, cells, to),
            Self::Object(Members { length, cells }) => write_members(length, cells, to),
        }
    }
}

/// Writes the value that a row begins with; gives the cells behind it.
fn write_next<'c, 'a>(cells: &'c [Cell<'a>], to: &mut Vec<u8>) -> &'c [Cell<'a>] {
    let Some((cell, rest)) = cells.split_first() else {
        return cells;
    };
    match cell {
        Cell::Null => Tree::Null.write_to(to),
        Cell::Bool(truth) => Tree::Bool(*truth).write_to(to),
        Cell::Number(number) => as_serde_does(number, to),
        Cell::Plain(text) => write_plain(text, to),
        Cell::String(text) => write_text(text, to),
        Cell::Array(span) => {
            let (inside, rest) = rest.split_at(span.cells);
            write_items(span.length, inside, to);
            return rest;
        }
        Cell::Object(span) => {
            let (inside, rest) = rest.split_at(span.cells);
            write_members(span.length, inside, to);
            return rest;
        }
    }
    rest
}

fn write_items(length: usize, mut cells: &[Cell<'_>], to: &mut Vec<u8>) {
    to.push(b'[');
    for nth in 0..length {
        if nth > 0 {
            to.push(b',');
        }
        cells = write_next(cells, to);
    }
    to.push(b']');
}

fn write_members(length: usize, mut cells: &[Cell<'_>], to: &mut Vec<u8>) {
    to.push(b'{');
    for nth in 0..length {
        if nth > 0 {
            to.push(b',');
        }
        cells = write_next(cells, to);
        to.push(b':');
        cells = write_next(cells, to);
    }
    to.push(b'}');
}

/// Adds a text in its quotes.
fn write_text(text: &str, to: &mut Vec<u8>) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        write_plain(text, to);
    } else {
        as_serde_does(text, to);
    }
}

/// Adds a text in its quotes that needs no escapes.
fn write_plain(text: &str, to: &mut Vec<u8>) {
    to.reserve(text.len() + 2);
    to.push(b'"');
    to.extend_from_slice(text.as_bytes());
    to.push(b'"');
}

fn as_serde_does<T: serde::Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) {
    serde_json::to_writer(to, value).expect("memory takes what is written to it");
}
