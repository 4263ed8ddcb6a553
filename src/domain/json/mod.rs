//! JSON as people write it: documents with their text, pointers into a value, and the places of
//! values in the text; and the tree that is read where it must be quick.

pub mod document;
pub mod pointer;
pub mod position;
pub mod tree;

/// serde_json's own words, without the place in which they end.
pub fn message_of(error: &serde_json::Error) -> String {
    let full = error.to_string();
    match full.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => full,
    }
}
