//! The JSON reader: text is read into a [`Tape`], which borrows from it; a [`Tree`] is a view of the tape
//! or a part of it. Values and output are the same as those of [`serde_json::Value`]. It also finds the
//! position of each value in its text, and duplicate keys.

mod cell;
mod edit;
mod read;
mod scan;
mod spans;
mod view;
mod write;

pub use cell::Tape;
pub use edit::{CellIndex, Leaf};
pub use read::StrictError;
pub use spans::{DuplicateKey, Span, locate};
pub use view::{Finder, Items, Members, Tree};

#[cfg(test)]
mod tests;
