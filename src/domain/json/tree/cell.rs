//! A tape: a whole JSON value as one row of cells, in the order of the text. So reading takes one
//! allocation, however much a value branches.

use serde_json::{Map, Number, Value};

/// A JSON value, whole. Texts without escapes are parts of the text that it was read from.
#[derive(Clone, Debug)]
pub struct Tape<'a> {
    /// The value; each list and object is followed by its contents. Never empty.
    pub(super) cells: Vec<Cell<'a>>,
    /// Whether lists and objects may have a source.
    pub(super) has_sources: bool,
    /// What was seen while it was read; nothing once it was changed.
    pub(super) seen: Option<Seen>,
}

/// What is known of a value without another walk through it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Its levels of lists and objects.
    pub(super) levels: usize,
    /// Whether the name of a member may begin with `$`.
    pub(super) has_dollars: bool,
}

/// What has contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Object,
}

/// A list or an object without its contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch<'a> {
    pub(super) kind: Kind,
    /// The number of cells of its contents.
    pub(super) cells: u32,
    /// Whether `source` is what would be written.
    pub(super) is_canonical: bool,
    /// The text that it was read from; empty where it was not read, or changed since.
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
    /// One that has no text of its own, with so many cells inside.
    pub(super) fn unread(kind: Kind, cells: u32) -> Self {
        Self {
            kind,
            cells,
            is_canonical: false,
            source: "",
        }
    }
}

impl<'a> Cell<'a> {
    /// How many cells the value that begins here has.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Branch(branch) => 1 + branch.cells as usize,
            _ => 1,
        }
    }

    /// The same, borrowing from this one.
    pub(super) fn borrowed(&self) -> Cell<'_> {
        match self {
            Self::Owned(text) => Cell::Borrowed(text),
            other => other.clone(),
        }
    }

    /// Whether it is a list, or an object.
    pub(super) fn is(&self, kind: Kind) -> bool {
        matches!(self, Self::Branch(branch) if branch.kind == kind)
    }

    /// The text, where it is one.
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

/// The cells of the value that a row begins with, and those after it.
pub(super) fn split<'c, 'a>(cells: &'c [Cell<'a>]) -> Option<(&'c [Cell<'a>], &'c [Cell<'a>])> {
    cells.split_at_checked(cells.first()?.width())
}

/// Reserves the cell of a list or an object, and returns its index.
pub(super) fn open(cells: &mut Vec<Cell<'_>>) -> usize {
    cells.push(Cell::Null);
    cells.len() - 1
}

/// Makes the cell at an index the list or object of all that follows it.
pub(super) fn close(cells: &mut [Cell<'_>], at: usize, kind: Kind) {
    cells[at] = Cell::Branch(Branch::unread(kind, since(cells, at)));
}

/// How many cells follow the one at an index.
pub(super) fn since(cells: &[Cell<'_>], at: usize) -> u32 {
    narrow(cells.len() - at - 1)
}

/// A number of cells as it is kept.
pub(super) fn narrow(cells: usize) -> u32 {
    u32::try_from(cells).expect("no text is read that has four thousand million values")
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

    /// Whether it is known to have at most so many levels of lists and objects, and no member whose
    /// name begins with `$`. `false` where that is not known.
    pub fn is_surely_plain(&self, levels: usize) -> bool {
        self.seen
            .is_some_and(|seen| seen.levels <= levels && !seen.has_dollars)
    }

    /// The same value, that borrows from nothing.
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
            close(cells, at, Kind::Array);
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
    close(cells, at, Kind::Object);
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
