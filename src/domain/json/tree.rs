//! A JSON value that borrows from its text: what every event, write and set of cards on the way
//! through a run is read with. It says what a [`Value`] would say, and is written as a [`Value`]
//! would be.
//!
//! A whole value is one row of cells, a [`Tape`], in the order of the text; a [`Tree`] looks at a part
//! of it. So what is read takes one piece of memory, however much it branches.

mod edit;
mod inside;
mod read;
mod scan;
mod write;

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};
use smol_str::{SmolStr, ToSmolStr};

use super::pointer::Pointer;
pub use edit::{Leaf, Place};
pub use inside::{Finder, Items, Members};

/// A JSON value, whole. Texts without escapes are parts of the text that it was read from.
#[derive(Clone, Debug)]
pub struct Tape<'a> {
    /// The value, and behind each list and object what is in it; never empty.
    cells: Vec<Cell<'a>>,
    /// Whether lists and objects may have a text of their own.
    has_texts: bool,
    /// What was seen on the way through its text, where that is still so.
    seen: Option<Seen>,
}

/// What can be known of a value without walking through it once more.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Its levels of lists and objects.
    levels: usize,
    /// Whether the name of a member may begin with `$`.
    has_dollars: bool,
}

/// A value without what is in it, or the name of a member.
#[derive(Clone, Debug)]
enum Cell<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// A text that stands in JSON as it is.
    Plain(&'a str),
    /// A text that may have to be escaped.
    Lent(&'a str),
    /// The same, made here.
    Own(Box<str>),
    /// A list; its items follow.
    Array {
        /// Cells of all that is in it.
        cells: u32,
        /// The whole list, where it was read from just what would be written of it; else nothing.
        text: &'a str,
    },
    /// An object; its members follow, each as its name and its value.
    Object {
        /// Cells of all that is in it.
        cells: u32,
        /// As that of a list.
        text: &'a str,
    },
}

/// A look at a JSON value.
#[derive(Clone, Copy, Debug)]
pub enum Tree<'t> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(&'t Number),
    /// A text.
    String(&'t str),
    /// A list.
    Array(Items<'t>),
    /// An object.
    Object(Members<'t>),
}

impl<'a> Cell<'a> {
    /// How many cells the value that begins here has.
    fn width(&self) -> usize {
        match self {
            Self::Array { cells, .. } | Self::Object { cells, .. } => 1 + *cells as usize,
            _ => 1,
        }
    }

    /// The text, where it is one.
    fn text<'t>(&'t self) -> Option<&'t str>
    where
        'a: 't,
    {
        match self {
            Self::Plain(text) | Self::Lent(text) => Some(text),
            Self::Own(text) => Some(text),
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
            (Self::Array { cells: one, .. }, Self::Array { cells: other, .. })
            | (Self::Object { cells: one, .. }, Self::Object { cells: other, .. }) => one == other,
            _ => self.text().is_some() && self.text() == other.text(),
        }
    }
}

/// The value that a row of cells begins with.
fn look<'t>(cells: &'t [Cell<'t>]) -> Tree<'t> {
    let Some(cell) = cells.first() else {
        return Tree::Null;
    };
    let row = || &cells[..cell.width().min(cells.len())];
    match cell {
        Cell::Null => Tree::Null,
        Cell::Bool(truth) => Tree::Bool(*truth),
        Cell::Number(number) => Tree::Number(number),
        Cell::Plain(text) | Cell::Lent(text) => Tree::String(text),
        Cell::Own(text) => Tree::String(text),
        Cell::Array { .. } => Tree::Array(Items { row: row() }),
        Cell::Object { .. } => Tree::Object(Members { row: row() }),
    }
}

/// The cells of the value that a row begins with, and those behind it.
fn split<'c, 'a>(cells: &'c [Cell<'a>]) -> Option<(&'c [Cell<'a>], &'c [Cell<'a>])> {
    cells.split_at_checked(cells.first()?.width())
}

/// Room for a list or an object; gives its place.
fn open(cells: &mut Vec<Cell<'_>>) -> usize {
    cells.push(Cell::Null);
    cells.len() - 1
}

/// How many cells came behind the one `at` a place.
fn since(cells: &[Cell<'_>], at: usize) -> u32 {
    narrow(cells.len() - at - 1)
}

/// A number of cells as it is kept.
fn narrow(cells: usize) -> u32 {
    u32::try_from(cells).expect("no text is read that has four thousand million values")
}

impl<'a> Tape<'a> {
    /// The same value, borrowing.
    pub fn of(value: &'a Value) -> Self {
        let mut cells = Vec::new();
        add(&mut cells, value);
        Self::without_texts(cells)
    }

    /// An object of the same members, borrowing.
    pub fn of_members(members: &'a Map<String, Value>) -> Self {
        let mut cells = Vec::new();
        add_members(&mut cells, members);
        Self::without_texts(cells)
    }

    fn without_texts(cells: Vec<Cell<'a>>) -> Self {
        Self {
            cells,
            has_texts: false,
            seen: None,
        }
    }

    /// A look at it.
    pub fn tree(&self) -> Tree<'_> {
        look(&self.cells)
    }

    /// Whether it is known to have no more levels of lists and objects than so many, and no member
    /// whose name begins with `$`. It may be so without being known.
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
            Cell::Plain(text) | Cell::Lent(text) => Cell::Own(text.into()),
            Cell::Own(text) => Cell::Own(text),
            Cell::Array { cells, .. } => Cell::Array { cells, text: "" },
            Cell::Object { cells, .. } => Cell::Object { cells, text: "" },
        };
        let mut cells: Vec<_> = self.cells.into_iter().map(own).collect();
        // It may stand for long.
        cells.shrink_to_fit();
        Tape::without_texts(cells)
    }
}

fn add<'a>(cells: &mut Vec<Cell<'a>>, value: &'a Value) {
    let cell = match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Bool(*truth),
        Value::Number(number) => Cell::Number(number.clone()),
        Value::String(text) => Cell::Lent(text),
        Value::Array(items) => {
            let at = open(cells);
            for item in items {
                add(cells, item);
            }
            let cells_inside = since(cells, at);
            cells[at] = Cell::Array {
                cells: cells_inside,
                text: "",
            };
            return;
        }
        Value::Object(members) => return add_members(cells, members),
    };
    cells.push(cell);
}

fn add_members<'a>(cells: &mut Vec<Cell<'a>>, members: &'a Map<String, Value>) {
    let at = open(cells);
    for (name, value) in members {
        cells.push(Cell::Lent(name));
        add(cells, value);
    }
    let cells_inside = since(cells, at);
    cells[at] = Cell::Object {
        cells: cells_inside,
        text: "",
    };
}

/// `null`
impl Default for Tape<'_> {
    fn default() -> Self {
        Self::without_texts(vec![Cell::Null])
    }
}

/// Whatever text it was read from.
impl PartialEq for Tape<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

impl From<Tape<'_>> for Value {
    fn from(tape: Tape<'_>) -> Self {
        tape.tree().into()
    }
}

impl<'t> Tree<'t> {
    /// The number, where it is one.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The whole number, where it is one that fits.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub fn as_str(self) -> Option<&'t str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub fn as_array(self) -> Option<Items<'t>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, where it is an object.
    pub fn as_object(self) -> Option<Members<'t>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// A member, where it is an object that has it.
    pub fn get(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }

    /// The member that a way of names leads to.
    pub fn below(self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self, |found, name| found.get(name))
    }

    /// The value that a pointer leads to.
    pub fn at(self, pointer: &Pointer) -> Option<Self> {
        pointer.tokens().try_fold(self, |found, token| match found {
            Self::Array(items) => items.iter().nth(token.parse().ok()?),
            _ => found.get(&token),
        })
    }

    /// The id that it is, as clients write ids: a text, or a whole number as its digits.
    pub fn as_id(self) -> Option<SmolStr> {
        match self {
            Self::String(text) => Some(SmolStr::new(text)),
            Self::Number(number) if !number.is_f64() => Some(number.to_smolstr()),
            _ => None,
        }
    }

    /// How many levels of lists and objects it has: none for a text or a number.
    pub fn depth(self) -> usize {
        match self {
            Self::Array(Items { row }) | Self::Object(Members { row }) => deepest(row),
            _ => 0,
        }
    }

    /// Whether it has more levels of lists and objects than so many.
    pub fn is_deeper_than(self, levels: usize) -> bool {
        let (Self::Array(Items { row }) | Self::Object(Members { row })) = self else {
            return false;
        };
        // Most have fewer of them altogether.
        let is_branch = |cell: &&Cell<'_>| matches!(cell, Cell::Array { .. } | Cell::Object { .. });
        let branches = row.iter().filter(is_branch).take(levels + 1);
        branches.count() > levels && deepest(row) > levels
    }

    /// Whether an object in it has a member whose name passes.
    pub fn has_name(self, passes: impl Fn(&str) -> bool + Copy) -> bool {
        let (Self::Array(Items { row }) | Self::Object(Members { row })) = self else {
            return false;
        };
        // Most have no such text at all, and to pass over them is quicker than to walk.
        let is_candidate = |cell: &Cell<'_>| cell.text().is_some_and(passes);
        row.iter().any(is_candidate) && self.names_one(passes)
    }

    fn names_one(self, passes: impl Fn(&str) -> bool + Copy) -> bool {
        match self {
            Self::Array(items) => items.iter().any(|item| item.names_one(passes)),
            Self::Object(members) => members
                .iter()
                .any(|(name, member)| passes(name) || member.names_one(passes)),
            _ => false,
        }
    }

    /// The same value, by itself.
    pub fn to_tape(self) -> Tape<'t> {
        let cells = match self {
            Self::Null => vec![Cell::Null],
            Self::Bool(truth) => vec![Cell::Bool(truth)],
            Self::Number(number) => vec![Cell::Number(number.clone())],
            Self::String(text) => vec![Cell::Lent(text)],
            Self::Array(Items { row: [] }) => vec![Cell::Array { cells: 0, text: "" }],
            Self::Object(Members { row: [] }) => vec![Cell::Object { cells: 0, text: "" }],
            Self::Array(Items { row }) | Self::Object(Members { row }) => row.to_vec(),
        };
        Tape {
            cells,
            has_texts: true,
            seen: None,
        }
    }
}

/// How many levels of lists and objects there are in a row of values.
fn deepest(cells: &[Cell<'_>]) -> usize {
    let mut deepest = 0;
    // Where those end that are open.
    let mut ends: Vec<usize> = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        if let Cell::Array { .. } | Cell::Object { .. } = cell {
            while ends.pop_if(|end| *end <= at).is_some() {}
            ends.push(at + cell.width());
            deepest = deepest.max(ends.len());
        }
    }
    deepest
}

/// Members in the same order, as they are written.
impl PartialEq for Tree<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Null, Tree::Null) => true,
            (Self::Bool(one), Tree::Bool(other)) => one == other,
            (Self::Number(one), Tree::Number(other)) => one == other,
            (Self::String(one), Tree::String(other)) => one == other,
            (Self::Array(one), Tree::Array(other)) => one == other,
            (Self::Object(one), Tree::Object(other)) => one == other,
            _ => false,
        }
    }
}

impl From<Tree<'_>> for Value {
    fn from(tree: Tree<'_>) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(truth) => Self::Bool(truth),
            Tree::Number(number) => Self::Number(number.clone()),
            Tree::String(text) => Self::String(text.to_owned()),
            Tree::Array(items) => items.iter().map(Self::from).collect(),
            Tree::Object(members) => {
                let own = |(name, value): (&str, _)| (name.to_owned(), Self::from(value));
                members.iter().map(own).collect()
            }
        }
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(truth) => to.serialize_bool(*truth),
            Self::Number(number) => number.serialize(to),
            Self::String(text) => to.serialize_str(text),
            Self::Array(items) => to.collect_seq(items.iter()),
            Self::Object(members) => to.collect_map(members.iter()),
        }
    }
}

impl Serialize for Tape<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.tree().serialize(to)
    }
}

/// As compact JSON.
impl fmt::Display for Tree<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_to(&mut text);
        formatter.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests;
