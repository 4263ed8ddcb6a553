//! Changes of a tape: texts and numbers put in the place of what was there.

use std::borrow::Cow;

use serde_json::Number;

use super::{
    cell::{Branch, Cell, Kind, Tape, narrow},
    view::{Tree, look},
};

/// The place of a value in a tape. Putting a text or a number in the place of another moves none;
/// all else moves those behind.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize);

/// A value that has nothing in it.
#[derive(Clone, Debug)]
pub enum Leaf<'a> {
    /// A number.
    Number(Number),
    /// A text.
    String(Cow<'a, str>),
}

impl From<String> for Leaf<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for Leaf<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl<'a> From<Leaf<'a>> for Cell<'a> {
    fn from(leaf: Leaf<'a>) -> Self {
        match leaf {
            Leaf::Number(number) => Self::Number(number),
            Leaf::String(Cow::Borrowed(text)) => Self::Borrowed(text),
            Leaf::String(Cow::Owned(text)) => Self::Owned(text.into()),
        }
    }
}

impl<'a> Tape<'a> {
    /// The place of the whole value.
    pub const TOP: Place = Place(0);

    /// The value at a place.
    pub fn at(&self, Place(at): Place) -> Tree<'_> {
        look(&self.cells[at..])
    }

    /// The place of a member.
    pub fn member(&self, Place(of): Place, name: &str) -> Option<Place> {
        let object = self.cells.get(of)?;
        if !object.is(Kind::Object) {
            return None;
        }
        let mut at = of + 1;
        while at < of + object.width() {
            if self.cells[at].text() == Some(name) {
                return Some(Place(at + 1));
            }
            at += 1 + self.cells[at + 1].width();
        }
        None
    }

    /// The place that a way of names leads to.
    pub fn below(&self, of: Place, names: &[&str]) -> Option<Place> {
        names.iter().try_fold(of, |at, name| self.member(at, name))
    }

    /// The places of the items; none where there is no list.
    pub fn items(&self, Place(of): Place) -> Vec<Place> {
        let Some(list) = self.cells.get(of).filter(|cell| cell.is(Kind::Array)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut at = of + 1;
        while at < of + list.width() {
            found.push(Place(at));
            at += self.cells[at].width();
        }
        found
    }

    /// Puts something else in a place.
    pub fn put(&mut self, Place(at): Place, leaf: impl Into<Leaf<'a>>) {
        self.forget_sources();
        let inside = self.cells[at].width() - 1;
        self.cells[at] = leaf.into().into();
        if inside > 0 {
            self.cells.drain(at + 1..=at + inside);
            self.around(at, |cells| *cells -= narrow(inside));
        }
    }

    /// Gives a member of an object its value; one that was not there comes last. Nothing happens
    /// where there is no object.
    pub fn insert(&mut self, of: Place, name: &'static str, leaf: impl Into<Leaf<'a>>) {
        const MEMBER: u32 = 2;
        if let Some(there) = self.member(of, name) {
            return self.put(there, leaf);
        }
        let Place(of) = of;
        self.forget_sources();
        let Some(Cell::Branch(object)) = self.cells.get_mut(of) else {
            return;
        };
        if object.kind != Kind::Object {
            return;
        }
        object.cells += MEMBER;
        let end = of + self.cells[of].width() - MEMBER as usize;
        let member = [Cell::Borrowed(name), leaf.into().into()];
        self.cells.splice(end..end, member);
        self.around(of, |cells| *cells += MEMBER);
    }

    /// Drops the sources of lists and objects, which a change makes wrong.
    fn forget_sources(&mut self) {
        self.seen = None;
        if !std::mem::take(&mut self.has_sources) {
            return;
        }
        for cell in &mut self.cells {
            if let Cell::Branch(branch) = cell {
                *branch = Branch::unread(branch.kind, branch.cells);
            }
        }
    }

    /// Changes how many cells are in each list and object that the cell at a place is in.
    fn around(&mut self, place: usize, change: impl Fn(&mut u32)) {
        let mut at = 0;
        while at < place {
            match &mut self.cells[at] {
                Cell::Branch(branch) if at + branch.cells as usize >= place => {
                    change(&mut branch.cells);
                    at += 1;
                }
                other => at += other.width(),
            }
        }
    }
}
