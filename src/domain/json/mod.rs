//! JSON as people write it: documents with their text, pointers into a value, and the places of
//! values in the text.

pub mod document;
pub mod pointer;
pub mod position;
