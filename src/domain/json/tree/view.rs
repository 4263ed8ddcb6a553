//! Views of a tape: values, and the contents of arrays and objects in order and by name, without a copy.

use std::{
    collections::{HashMap, HashSet},
    fmt, iter,
};

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};
use smol_str::{SmolStr, ToSmolStr};

use super::cell::{Branch, BranchKind, Cell, Tape, inside, split};
use crate::domain::json::pointer::Pointer;

/// A borrowed JSON value.
#[derive(Clone, Copy, Debug)]
pub enum Tree<'t> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(&'t Number),
    /// A string.
    String(&'t str),
    /// An array.
    Array(Items<'t>),
    /// An object.
    Object(Members<'t>),
}

/// The first value of a row of cells.
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
            BranchKind::Array => Tree::Array(Items { row: row() }),
            BranchKind::Object => Tree::Object(Members { row: row() }),
        },
    }
}

/// The items of an array.
#[derive(Clone, Copy, Debug, Default)]
pub struct Items<'t> {
    /// The cell of the array and those of its contents; empty for an empty array.
    pub(super) row: &'t [Cell<'t>],
}

/// The members of an object, in the order of the text. Duplicates are already resolved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<'t> {
    /// As for [`Items`].
    pub(super) row: &'t [Cell<'t>],
}

/// Up to this many members a linear search is faster than a set.
const MAX_LINEAR: usize = 16;

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
    /// The items in order.
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

    /// The number of items.
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether there are no items.
    pub fn is_empty(self) -> bool {
        self.row.len() < 2
    }
}

impl<'t> Members<'t> {
    /// The value of a member, by linear search: meant for objects with few members.
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

    /// An index for many lookups.
    pub fn finder(self) -> Finder<'t> {
        let index = self.are_many().then(|| self.iter().collect());
        Finder {
            members: self,
            index,
        }
    }

    fn are_many(self) -> bool {
        self.rows().nth(MAX_LINEAR).is_some()
    }

    /// Whether two members have the same name.
    pub(super) fn has_duplicate_keys(self) -> bool {
        if self.are_many() {
            let mut seen = HashSet::new();
            return !self.keys().all(|name| seen.insert(name));
        }
        let mut seen = [""; MAX_LINEAR];
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
    /// The whole value.
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
    /// The number, if it is one.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The integer, if it is one that fits.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_str(self) -> Option<&'t str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array(self) -> Option<Items<'t>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
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

    /// A member, if it is an object that has it.
    pub fn get(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }

    /// The member at a path of names.
    pub fn below(self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self, |found, name| found.get(name))
    }

    /// The value at a pointer.
    pub fn at(self, pointer: &Pointer) -> Option<Self> {
        pointer.tokens().try_fold(self, |found, token| match found {
            Self::Array(items) => items.iter().nth(token.parse().ok()?),
            _ => found.get(&token),
        })
    }

    /// An id as clients write it: a string, or an integer as its digits.
    pub fn as_id(self) -> Option<SmolStr> {
        match self {
            Self::String(text) => Some(SmolStr::new(text)),
            Self::Number(number) if !number.is_f64() => Some(number.to_smolstr()),
            _ => None,
        }
    }

    /// Its nesting depth: 0 for a string or a number.
    pub fn depth(self) -> usize {
        match self {
            Self::Array(Items { row }) | Self::Object(Members { row }) => deepest(row),
            _ => 0,
        }
    }

    /// Whether it is nested deeper than `levels`.
    pub fn is_deeper_than(self, levels: usize) -> bool {
        let (Self::Array(Items { row }) | Self::Object(Members { row })) = self else {
            return false;
        };
        // Most values have fewer branches altogether, which is faster to count.
        let is_branch = |cell: &&Cell<'_>| matches!(cell, Cell::Branch(_));
        let branches = row.iter().filter(is_branch).take(levels + 1);
        branches.count() > levels && deepest(row) > levels
    }

    /// Whether an object in it has a member whose name satisfies `passes`.
    pub fn has_name(self, passes: impl Fn(&str) -> bool + Copy) -> bool {
        let (Self::Array(Items { row }) | Self::Object(Members { row })) = self else {
            return false;
        };
        // Most have no such string at all, and a linear scan of the cells is faster than a walk.
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

    /// The value as a tape of its own.
    pub fn to_tape(self) -> Tape<'t> {
        let cells = match self {
            Self::Null => vec![Cell::Null],
            Self::Bool(truth) => vec![Cell::Bool(truth)],
            Self::Number(number) => vec![Cell::Number(number.clone())],
            Self::String(text) => vec![Cell::Borrowed(text)],
            Self::Array(Items { row: [] }) => {
                vec![Cell::Branch(Branch::unread(BranchKind::Array, 0))]
            }
            Self::Object(Members { row: [] }) => {
                vec![Cell::Branch(Branch::unread(BranchKind::Object, 0))]
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

/// The nesting depth of a row of values.
fn deepest(cells: &[Cell<'_>]) -> usize {
    let mut deepest = 0;
    // The ends of the open branches.
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

/// Members must be in the same order.
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
