//! JSON as people write it: documents with their text, pointers into a value, and the places of
//! values in the text; and the tree that is read where it must be quick.

pub mod document;
pub mod pointer;
pub mod position;
pub mod tree;

use serde::Deserialize;

/// Reads JSON out of bytes. Bytes that are known to be text are read quicker than those that are
/// looked at text by text.
///
/// # Errors
/// serde_json's own.
pub fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, serde_json::Error> {
    match str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        // It says where.
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// serde_json's own words, without the place in which they end.
pub fn message_of(error: &serde_json::Error) -> String {
    let full = error.to_string();
    match full.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => full,
    }
}
