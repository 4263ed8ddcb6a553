//! What is in a list or an object, one after the other and by name.

use std::{
    collections::{HashMap, HashSet},
    iter,
};

use super::{Cell, Tree, look, split};

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

/// The cells behind the first.
pub(super) fn inside<'c, 'a>(row: &'c [Cell<'a>]) -> &'c [Cell<'a>] {
    row.get(1..).unwrap_or_default()
}

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
    pub(super) fn has_twins(self) -> bool {
        if self.are_many() {
            let mut seen = HashSet::new();
            return !self.keys().all(|name| seen.insert(name));
        }
        let mut seen = [""; FEW];
        self.keys().enumerate().any(|(nth, name)| {
            let is_twin = seen[..nth].contains(&name);
            seen[nth] = name;
            is_twin
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
