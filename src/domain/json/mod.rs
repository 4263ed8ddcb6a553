//! JSON: the reader of the tool, documents with the places of their values, and pointers.

pub mod document;
pub mod pointer;
pub mod position;
pub mod tree;
