//! The current position in a walk through cards, kept on the stack. A pointer is only built for
//! findings.

use std::fmt::Write;

use crate::domain::json::pointer::Pointer;

/// A step of the walk, with the steps before it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    /// What the walk began at.
    Base(&'a Pointer),
    /// A member.
    Key(&'a Path<'a>, &'a str),
    /// An item of a list.
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The step to a member.
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    /// The step to an item.
    pub(super) fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }

    /// The pointer to it.
    pub(super) fn pointer(&self) -> Pointer {
        match self {
            Self::Base(pointer) => (*pointer).clone(),
            Self::Key(parent, key) => parent.pointer().key(key),
            Self::Index(parent, index) => parent.pointer().index(*index),
        }
    }

    /// Its name in a sentence: `` `skill.id` ``, "the entry", "the card".
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Base(pointer) if pointer.as_str().is_empty() => "the input".to_owned(),
            Self::Base(pointer) => match pointer.tokens().last() {
                Some(last) => format!("`{last}`"),
                None => "the input".to_owned(),
            },
            Self::Index(Self::Key(_, "entries"), index) => format!("entry {}", index + 1),
            Self::Index(Self::Key(_, "appears"), index) => format!("appearance {}", index + 1),
            Self::Index(_, index) => format!("card {}", index + 1),
            Self::Key(..) => {
                let mut name = String::from("`");
                self.write_keys(&mut name);
                name.push('`');
                name
            }
        }
    }

    /// The keys since the last item, joined by dots.
    fn write_keys(&self, name: &mut String) {
        if let Self::Key(parent, key) = self {
            parent.write_keys(name);
            let dot = if name.len() > 1 { "." } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(name, "{dot}{key}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_pointer_and_a_name() {
        let base = Pointer::ROOT.key("cards");
        let cards = Path::Base(&base);
        let card = cards.index(0);
        let skill = card.key("skill");
        let id = skill.key("id");
        assert_eq!(id.pointer().as_str(), "/cards/0/skill/id");
        assert_eq!(id.subject(), "`skill.id`");
        assert_eq!(card.subject(), "card 1");
        assert_eq!(cards.subject(), "`cards`");
        let entries = card.key("entries");
        assert_eq!(entries.index(2).subject(), "entry 3");
        assert_eq!(entries.subject(), "`entries`");
    }
}
