//! JSON as people write it: pointers into a value, and the places of values in the text.

pub mod pointer;
pub mod position;
