//! The positions of the values of a tape in its text. Arrays, objects and plain strings know their
//! source; other values are measured in the text. So positions cost nothing while reading, and only the
//! requested parts are walked.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use super::{
    cell::{BranchKind, Cell, inside, split},
    scan::scan,
};
use crate::domain::json::pointer::Pointer;

/// Bytes of a text.
pub type Span = Range<usize>;

/// A duplicate key of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key, unescaped.
    pub key: String,
    /// Its first occurrence, quotes included.
    pub first: Span,
    /// Its second occurrence.
    pub second: Span,
}

/// Pointers to search for, as a tree of their tokens.
#[derive(Default)]
struct PointerTree {
    below: HashMap<String, PointerTree>,
}

/// A text and the cells that were read from it.
pub(super) struct Spans<'t> {
    text: &'t str,
    cells: &'t [Cell<'t>],
}

/// The spans of the values of `wanted` and of all their parents, in one walk. Empty for text that is not
/// JSON.
pub fn locate<'a>(
    text: &str,
    wanted: impl IntoIterator<Item = &'a Pointer>,
) -> HashMap<Pointer, Span> {
    let mut tree = PointerTree::default();
    for pointer in wanted {
        let mut node = &mut tree;
        for token in pointer.tokens() {
            node = node.below.entry(token).or_default();
        }
    }
    let mut found = HashMap::new();
    if let Some(scan) = scan(text) {
        let spans = Spans::new(text, &scan.cells);
        spans.find(&tree, spans.cells, spans.whole(), Pointer::ROOT, &mut found);
    }
    found
}

impl<'t> Spans<'t> {
    /// `cells` must be those that a scan of `text` gave, unchanged.
    pub(super) fn new(text: &'t str, cells: &'t [Cell<'t>]) -> Self {
        Self { text, cells }
    }

    /// The first duplicate key in the text.
    pub(super) fn first_duplicate_key(&self) -> Option<DuplicateKey> {
        self.duplicate_in(self.cells, self.whole())
    }

    fn whole(&self) -> Span {
        self.span(self.cells, 0)
    }

    fn duplicate_in(&self, row: &'t [Cell<'t>], span: Span) -> Option<DuplicateKey> {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for (name, value, span) in self.contents(row, span) {
            if let Some((name, second)) = name {
                match seen.entry(name) {
                    Entry::Occupied(first) => {
                        return Some(DuplicateKey {
                            key: name.to_owned(),
                            first: first.get().clone(),
                            second,
                        });
                    }
                    Entry::Vacant(place) => {
                        place.insert(second);
                    }
                }
            }
            if let Some(found) = self.duplicate_in(value, span) {
                return Some(found);
            }
        }
        None
    }

    fn find(
        &self,
        wanted: &PointerTree,
        row: &'t [Cell<'t>],
        span: Span,
        at: Pointer,
        found: &mut HashMap<Pointer, Span>,
    ) {
        if !wanted.below.is_empty() {
            for (index, (name, value, span)) in self.contents(row, span.clone()).enumerate() {
                let node = match name {
                    Some((name, _)) => wanted.below.get(name),
                    None => wanted.below.get(index.to_string().as_str()),
                };
                if let Some(node) = node {
                    let below = match name {
                        Some((name, _)) => at.key(name),
                        None => at.index(index),
                    };
                    self.find(node, value, span, below, found);
                }
            }
        }
        found.insert(at, span);
    }

    /// The contents of an array or object: names and values with their spans.
    fn contents(
        &self,
        row: &'t [Cell<'t>],
        span: Span,
    ) -> impl Iterator<Item = (Option<(&'t str, Span)>, &'t [Cell<'t>], Span)> {
        let is_object = row.first().is_some_and(|cell| cell.is(BranchKind::Object));
        let mut rest = match row.first() {
            Some(Cell::Branch(_)) => inside(row),
            _ => &[],
        };
        let mut at = span.start + 1;
        std::iter::from_fn(move || {
            let mut name = None;
            if is_object {
                let span = self.span(rest, at);
                at = span.end;
                let (cell, value) = rest.split_first()?;
                name = cell.text().map(|text| (text, span));
                rest = value;
            }
            let (value, after) = split(rest)?;
            let span = self.span(value, at);
            at = span.end;
            rest = after;
            Some((name, value, span))
        })
    }

    /// The span of the first value of a row, which starts after `at`, white space and a comma or colon.
    fn span(&self, row: &[Cell<'_>], at: usize) -> Span {
        let rest = self.text.get(at..).unwrap_or_default();
        let is_between = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
        let start = at + rest.bytes().take_while(|byte| is_between(*byte)).count();
        let length = match row.first() {
            None => 0,
            Some(Cell::Branch(branch)) => branch.source.len(),
            Some(Cell::Plain(text)) => text.len() + 2,
            Some(_) => measured(self.text.get(start..).unwrap_or_default()),
        };
        start..start + length
    }
}

/// The length of the string, number or word at the start of a text.
fn measured(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate();
    if !text.starts_with('"') {
        let ends = |byte: u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
        return bytes
            .find(|(_, byte)| ends(*byte))
            .map_or(text.len(), |(end, _)| end);
    }
    bytes.next();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
