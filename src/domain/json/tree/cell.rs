//! A tape: a JSON value as one vector of cells in the order of the text, so that reading takes one
//! allocation.

use serde_json::{Map, Number, Value};

/// A whole JSON value. Strings without escapes borrow from the text it was read from.
#[derive(Clone, Debug)]
pub struct Tape<'a> {
    /// The value; each list and object is followed by its contents. Never empty.
    pub(super) cells: Vec<Cell<'a>>,
    /// Whether arrays and objects may have source text.
    pub(super) has_sources: bool,
    /// What the scanner noted; `None` after a change.
    pub(super) seen: Option<Seen>,
}

/// What the scanner notes about a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Its nesting depth.
    pub(super) levels: usize,
    /// Whether a member name may start with `$`.
    pub(super) has_dollars: bool,
}

/// The kinds of value with contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BranchKind {
    Array,
    Object,
}

/// An array or an object without its contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch<'a> {
    pub(super) kind: BranchKind,
    /// The number of cells of its contents.
    pub(super) cells: u32,
    /// Whether `source` equals the serialised value.
    pub(super) is_canonical: bool,
    /// The source text; empty if it was not read from text or has changed.
    pub(super) source: &'a str,
}

/// A value without its contents, or the name of a member.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// A text that needs no escapes.
    Plain(&'a str),
    /// A text that may need escapes.
    Borrowed(&'a str),
    /// The same, owned.
    Owned(Box<str>),
    /// A list or an object; its items follow, or its members, each as its name and its value.
    Branch(Branch<'a>),
}

impl Branch<'_> {
    /// A branch without source text, with `cells` cells of contents.
    pub(super) fn unread(kind: BranchKind, cells: u32) -> Self {
        Self {
            kind,
            cells,
            is_canonical: false,
            source: "",
        }
    }
}

impl<'a> Cell<'a> {
    /// The number of cells of the value that starts here.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Branch(branch) => 1 + branch.cells as usize,
            _ => 1,
        }
    }

    /// The same cell, borrowing from this one.
    pub(super) fn borrowed(&self) -> Cell<'_> {
        match self {
            Self::Owned(text) => Cell::Borrowed(text),
            other => other.clone(),
        }
    }

    /// Whether it is a branch of this kind.
    pub(super) fn is(&self, kind: BranchKind) -> bool {
        matches!(self, Self::Branch(branch) if branch.kind == kind)
    }

    /// The text, if it is a string.
    pub(super) fn text<'t>(&'t self) -> Option<&'t str>
    where
        'a: 't,
    {
        match self {
            Self::Plain(text) | Self::Borrowed(text) => Some(text),
            Self::Owned(text) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq for Cell<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::Branch(one), Self::Branch(other)) => {
                (one.kind, one.cells) == (other.kind, other.cells)
            }
            _ => self.text().is_some() && self.text() == other.text(),
        }
    }
}

/// The cells of the first value of a row, and those after it.
pub(super) fn split<'c, 'a>(cells: &'c [Cell<'a>]) -> Option<(&'c [Cell<'a>], &'c [Cell<'a>])> {
    cells.split_at_checked(cells.first()?.width())
}

/// Reserves the cell of an array or object, and returns its index.
pub(super) fn open(cells: &mut Vec<Cell<'_>>) -> usize {
    cells.push(Cell::Null);
    cells.len() - 1
}

/// Makes the cell at an index the array or object of all cells after it.
pub(super) fn close(cells: &mut [Cell<'_>], at: usize, kind: BranchKind) {
    cells[at] = Cell::Branch(Branch::unread(kind, since(cells, at)));
}

/// The number of cells after an index.
pub(super) fn since(cells: &[Cell<'_>], at: usize) -> u32 {
    narrow(cells.len() - at - 1)
}

/// A number of cells as it is kept.
pub(super) fn narrow(cells: usize) -> u32 {
    u32::try_from(cells).expect("a text has fewer than four thousand million values ")
}

impl<'a> Tape<'a> {
    /// The same value, borrowing.
    pub fn from_value(value: &'a Value) -> Self {
        let mut cells = Vec::new();
        add(&mut cells, value);
        Self::without_sources(cells)
    }

    /// An object of the same members, borrowing.
    pub fn from_members(members: &'a Map<String, Value>) -> Self {
        let mut cells = Vec::new();
        add_members(&mut cells, members);
        Self::without_sources(cells)
    }

    pub(super) fn without_sources(cells: Vec<Cell<'a>>) -> Self {
        Self {
            cells,
            has_sources: false,
            seen: None,
        }
    }

    /// Whether it is known to have at most `levels` levels of nesting and no member name that starts with
    /// `$`; `false` if unknown.
    pub fn is_surely_plain(&self, levels: usize) -> bool {
        self.seen
            .is_some_and(|seen| seen.levels <= levels && !seen.has_dollars)
    }

    /// The same value, owned.
    pub fn into_owned(self) -> Tape<'static> {
        let own = |cell: Cell<'_>| match cell {
            Cell::Null => Cell::Null,
            Cell::Bool(truth) => Cell::Bool(truth),
            Cell::Number(number) => Cell::Number(number),
            Cell::Plain(text) | Cell::Borrowed(text) => Cell::Owned(text.into()),
            Cell::Owned(text) => Cell::Owned(text),
            Cell::Branch(branch) => Cell::Branch(Branch::unread(branch.kind, branch.cells)),
        };
        let mut cells: Vec<_> = self.cells.into_iter().map(own).collect();
        // It may be kept for long.
        cells.shrink_to_fit();
        Tape::without_sources(cells)
    }
}

fn add<'a>(cells: &mut Vec<Cell<'a>>, value: &'a Value) {
    let cell = match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Bool(*truth),
        Value::Number(number) => Cell::Number(number.clone()),
        Value::String(text) => Cell::Borrowed(text),
        Value::Array(items) => {
            let at = open(cells);
            for item in items {
                add(cells, item);
            }
            close(cells, at, BranchKind::Array);
            return;
        }
        Value::Object(members) => return add_members(cells, members),
    };
    cells.push(cell);
}

fn add_members<'a>(cells: &mut Vec<Cell<'a>>, members: &'a Map<String, Value>) {
    let at = open(cells);
    for (name, value) in members {
        cells.push(Cell::Borrowed(name));
        add(cells, value);
    }
    close(cells, at, BranchKind::Object);
}

/// `null`
impl Default for Tape<'_> {
    fn default() -> Self {
        Self::without_sources(vec![Cell::Null])
    }
}

/// Regardless of the text that it was read from.
impl PartialEq for Tape<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

/// The cells after the first.
pub(super) fn inside<'c, 'a>(row: &'c [Cell<'a>]) -> &'c [Cell<'a>] {
    row.get(1..).unwrap_or_default()
}
