//! A tape out of its text, as serde hands it over. What it says is told elsewhere.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::{Cell, Members, Tape};

/// Bytes of text that make a cell, about: room for a few too many is better than to move them.
const BYTES_OF_A_CELL: usize = 6;

impl<'a> Tape<'a> {
    /// Reads a value that is all of a text.
    ///
    /// # Errors
    /// serde_json's own.
    pub fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        // Text that is known to be text is read quicker than when it is looked at string by string.
        match str::from_utf8(text) {
            Ok(text) => Self::read_all(text.len(), serde_json::Deserializer::from_str(text)),
            // It says where it is none.
            Err(_) => Self::read_all(text.len(), serde_json::Deserializer::from_slice(text)),
        }
    }

    fn read_all<R: serde_json::de::Read<'a>>(
        length: usize,
        mut from: serde_json::Deserializer<R>,
    ) -> Result<Self, serde_json::Error> {
        let mut cells = Vec::with_capacity(length / BYTES_OF_A_CELL + 1);
        Put::<true>(&mut cells).deserialize(&mut from)?;
        from.end()?;
        Ok(Self { cells })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tape<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut cells = Vec::new();
        Put::<false>(&mut cells).deserialize(from)?;
        Ok(Self { cells })
    }
}

/// Reads a value, and puts it behind the cells that there are. Out of a JSON text what serde lends of
/// it has no escapes, and needs none.
struct Put<'c, 'a, const OF_TEXT: bool>(&'c mut Vec<Cell<'a>>);

impl<'de, const OF_TEXT: bool> DeserializeSeed<'de> for Put<'_, 'de, OF_TEXT> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, const OF_TEXT: bool> Put<'_, 'de, OF_TEXT> {
    #[allow(clippy::unnecessary_wraps, reason = "it is what a visitor returns")]
    fn leaf<E>(self, cell: Cell<'de>) -> Result<(), E> {
        self.0.push(cell);
        Ok(())
    }
}

impl<'de, const OF_TEXT: bool> Visitor<'de> for Put<'_, 'de, OF_TEXT> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.leaf(Cell::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.leaf(Cell::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.leaf(Cell::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.leaf(Cell::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.leaf(Number::from_f64(number).map_or(Cell::Null, Cell::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.leaf(if OF_TEXT {
            Cell::Plain(text)
        } else {
            Cell::String(Cow::Borrowed(text))
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.leaf(Cell::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(cells) = self;
        let at = super::open(cells);
        let mut length = 0;
        while items.next_element_seed(Put::<OF_TEXT>(cells))?.is_some() {
            length += 1;
        }
        cells[at] = Cell::Array(super::span(cells, at, length));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(cells) = self;
        let at = super::open(cells);
        let mut length = 0;
        while members.next_key_seed(Name::<OF_TEXT>(cells))?.is_some() {
            members.next_value_seed(Put::<OF_TEXT>(cells))?;
            length += 1;
        }
        let read = Members {
            length,
            cells: &cells[at + 1..],
        };
        if read.has_twins() {
            length = make_unique(cells, at + 1);
        }
        cells[at] = Cell::Object(super::span(cells, at, length));
        Ok(())
    }
}

/// Of the members from a place on, leaves of each name the last one's value, in the place of the
/// first; gives how many there are then.
fn make_unique(cells: &mut Vec<Cell<'_>>, from: usize) -> usize {
    let mut rest = cells.split_off(from).into_iter();
    let mut places = HashMap::new();
    let mut unique: Vec<Vec<Cell<'_>>> = Vec::new();
    while let (Some(name), Some(value)) = (rest.next(), rest.next()) {
        let behind = value.width() - 1;
        let key = name.text().map(str::to_owned);
        let mut member = vec![name, value];
        member.extend(rest.by_ref().take(behind));
        let place = *places.entry(key).or_insert(unique.len());
        match unique.get_mut(place) {
            Some(twin) => *twin = member,
            None => unique.push(member),
        }
    }
    let length = unique.len();
    cells.extend(unique.into_iter().flatten());
    length
}

/// Reads the name of a member, as a text.
struct Name<'c, 'a, const OF_TEXT: bool>(&'c mut Vec<Cell<'a>>);

impl<'de, const OF_TEXT: bool> DeserializeSeed<'de> for Name<'_, 'de, OF_TEXT> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(Put::<OF_TEXT>(self.0))
    }
}
