//! Changes of a tape: values replaced by strings and numbers.

use std::borrow::Cow;

use serde_json::Number;

use super::{
    cell::{Branch, BranchKind, Cell, Tape, narrow},
    view::{Tree, look},
};

/// The index of a value in a tape. It stays valid when a string or number replaces another; any other
/// change moves the values after it.
#[derive(Clone, Copy, Debug)]
pub struct CellIndex(usize);

/// A value without contents.
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
    /// The index of the whole value.
    pub const TOP: CellIndex = CellIndex(0);

    /// The value at an index.
    pub fn at(&self, CellIndex(at): CellIndex) -> Tree<'_> {
        look(&self.cells[at..])
    }

    /// The index of a member.
    pub fn member(&self, CellIndex(of): CellIndex, name: &str) -> Option<CellIndex> {
        let object = self.cells.get(of)?;
        if !object.is(BranchKind::Object) {
            return None;
        }
        let mut at = of + 1;
        while at < of + object.width() {
            if self.cells[at].text() == Some(name) {
                return Some(CellIndex(at + 1));
            }
            at += 1 + self.cells[at + 1].width();
        }
        None
    }

    /// The index of the member at a path of names.
    pub fn below(&self, of: CellIndex, names: &[&str]) -> Option<CellIndex> {
        names.iter().try_fold(of, |at, name| self.member(at, name))
    }

    /// The indices of the items; empty unless it is an array.
    pub fn items(&self, CellIndex(of): CellIndex) -> Vec<CellIndex> {
        let Some(list) = self.cells.get(of).filter(|cell| cell.is(BranchKind::Array)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut at = of + 1;
        while at < of + list.width() {
            found.push(CellIndex(at));
            at += self.cells[at].width();
        }
        found
    }

    /// Replaces a value.
    pub fn put(&mut self, CellIndex(at): CellIndex, leaf: impl Into<Leaf<'a>>) {
        self.forget_sources();
        let inside = self.cells[at].width() - 1;
        self.cells[at] = leaf.into().into();
        if inside > 0 {
            self.cells.drain(at + 1..=at + inside);
            self.around(at, |cells| *cells -= narrow(inside));
        }
    }

    /// Sets a member of an object; a new one comes last. Does nothing unless it is an object.
    pub fn insert(&mut self, of: CellIndex, name: &'static str, leaf: impl Into<Leaf<'a>>) {
        const MEMBER: u32 = 2;
        if let Some(there) = self.member(of, name) {
            return self.put(there, leaf);
        }
        let CellIndex(of) = of;
        self.forget_sources();
        let Some(Cell::Branch(object)) = self.cells.get_mut(of) else {
            return;
        };
        if object.kind != BranchKind::Object {
            return;
        }
        object.cells += MEMBER;
        let end = of + self.cells[of].width() - MEMBER as usize;
        let member = [Cell::Borrowed(name), leaf.into().into()];
        self.cells.splice(end..end, member);
        self.around(of, |cells| *cells += MEMBER);
    }

    /// Drops the source texts of arrays and objects, which a change invalidates.
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

    /// Updates the cell counts of all arrays and objects around an index.
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
