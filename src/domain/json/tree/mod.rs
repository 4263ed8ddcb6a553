//! The one JSON reader: a text becomes a [`Tape`], which borrows from it; a [`Tree`] looks at the
//! tape or a part of it. It says what a [`serde_json::Value`] would say, and is written as one would
//! be. Also knows where each value is in its text, and which keys an object has twice.

mod cell;
mod edit;
mod read;
mod scan;
mod spans;
mod view;
mod write;

pub use cell::Tape;
pub use edit::{Leaf, Place};
pub use read::StrictError;
pub use spans::{DuplicateKey, Span, locate};
pub use view::{Finder, Items, Members, Tree};

#[cfg(test)]
mod tests;
