//! A look at a tape: values, and the contents of lists and objects in order and by name. Nothing is
//! copied.

use std::{
    collections::{HashMap, HashSet},
    fmt, iter,
};

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};
use smol_str::{SmolStr, ToSmolStr};

use super::cell::{Branch, Cell, Kind, Tape, inside, split};
use crate::domain::json::pointer::Pointer;

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

/// The value that a row of cells begins with.
pub(super) fn look<'t>(cells: &'t [Cell<'t>]) -> Tree<'t> {
    let Some(cell) = cells.first() else {
        return Tree::Null;
    };
    let row = || &cells[..cell.width().min(cells.len())];
    match cell {
        Cell::Null => Tree::Null,
        Cell::Bool(truth) => Tree::Bool(*truth),
        Cell::Number(number) => Tree::Number(number),
        Cell::Plain(text) | Cell::Borrowed(text) => Tree::String(text),
        Cell::Owned(text) => Tree::String(text),
        Cell::Branch(branch) => match branch.kind {
            Kind::Array => Tree::Array(Items { row: row() }),
            Kind::Object => Tree::Object(Members { row: row() }),
        },
    }
}

/// The items of a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Items<'t> {
    /// The list's own cell, and those of all that is in it; or nothing, for an empty list.
    pub(super) row: &'t [Cell<'t>],
}

/// The members of an object, in the order of the text. Of members with the same name the last
/// one's value counts, in the place of the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<'t> {
    /// As that of a list.
    pub(super) row: &'t [Cell<'t>],
}

/// Up to so many members are looked at one after the other; of more that would take the square of
/// their number.
const FEW: usize = 16;

impl PartialEq for Items<'_> {
    fn eq(&self, other: &Self) -> bool {
        inside(self.row) == inside(other.row)
    }
}

impl PartialEq for Members<'_> {
    fn eq(&self, other: &Self) -> bool {
        inside(self.row) == inside(other.row)
    }
}

impl<'t> Items<'t> {
    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Tree<'t>> {
        let mut rest = inside(self.row);
        iter::from_fn(move || {
            let (item, behind) = split(rest)?;
            rest = behind;
            Some(look(item))
        })
    }

    /// The first.
    pub fn first(self) -> Option<Tree<'t>> {
        self.iter().next()
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.row.len() < 2
    }
}

impl<'t> Members<'t> {
    /// The value of a member. Looks at one after the other: made for objects of a few members.
    pub fn get(self, name: &str) -> Option<Tree<'t>> {
        let mut cells = self.rows();
        let (_, value) = cells.find(|(own, _)| own.text() == Some(name))?;
        Some(look(value))
    }

    /// Whether there is such a member.
    pub fn contains_key(self, name: &str) -> bool {
        self.keys().any(|own| own == name)
    }

    /// Names and values.
    pub fn iter(self) -> impl Iterator<Item = (&'t str, Tree<'t>)> {
        self.rows()
            .filter_map(|(name, value)| Some((name.text()?, look(value))))
    }

    /// Names alone.
    pub fn keys(self) -> impl Iterator<Item = &'t str> {
        self.rows().filter_map(|(name, _)| name.text())
    }

    /// Values alone.
    pub fn values(self) -> impl Iterator<Item = Tree<'t>> {
        self.rows().map(|(_, value)| look(value))
    }

    /// The cells of the names, and those of the values.
    fn rows(self) -> impl Iterator<Item = (&'t Cell<'t>, &'t [Cell<'t>])> {
        let mut rest = inside(self.row);
        iter::from_fn(move || {
            let (name, value) = rest.split_first()?;
            let (value, behind) = split(value)?;
            rest = behind;
            Some((name, value))
        })
    }

    /// To look up many members, of however many.
    pub fn finder(self) -> Finder<'t> {
        let index = self.are_many().then(|| self.iter().collect());
        Finder {
            members: self,
            index,
        }
    }

    fn are_many(self) -> bool {
        self.rows().nth(FEW).is_some()
    }

    /// Whether two have the same name.
    pub(super) fn has_duplicate_keys(self) -> bool {
        if self.are_many() {
            let mut seen = HashSet::new();
            return !self.keys().all(|name| seen.insert(name));
        }
        let mut seen = [""; FEW];
        self.keys().enumerate().any(|(nth, name)| {
            let is_duplicate = seen[..nth].contains(&name);
            seen[nth] = name;
            is_duplicate
        })
    }
}

/// Finds members by their names.
pub struct Finder<'t> {
    members: Members<'t>,
    index: Option<HashMap<&'t str, Tree<'t>>>,
}

impl<'t> Finder<'t> {
    /// The value of a member.
    pub fn find(&self, name: &str) -> Option<Tree<'t>> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.members.get(name),
        }
    }
}

impl Tape<'_> {
    /// A look at it.
    pub fn tree(&self) -> Tree<'_> {
        look(&self.cells)
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
        let is_branch = |cell: &&Cell<'_>| matches!(cell, Cell::Branch(_));
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
            Self::String(text) => vec![Cell::Borrowed(text)],
            Self::Array(Items { row: [] }) => vec![Cell::Branch(Branch::unread(Kind::Array, 0))],
            Self::Object(Members { row: [] }) => {
                vec![Cell::Branch(Branch::unread(Kind::Object, 0))]
            }
            Self::Array(Items { row }) | Self::Object(Members { row }) => {
                row.iter().map(Cell::borrowed).collect()
            }
        };
        Tape {
            cells,
            has_sources: true,
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
        if let Cell::Branch(_) = cell {
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
impl fmt::Display for Tape<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().fmt(formatter)
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
