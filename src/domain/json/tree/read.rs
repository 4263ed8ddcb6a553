//! A tape out of its text, as serde hands it over. What it says is told elsewhere.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::{Cell, Members, Span, Tape, split};

/// Bytes of text that make a cell, about: room for a few too many is better than to move them.
const BYTES_OF_A_CELL: usize = 6;
/// Cells that there is room for from the start, at the most.
const MOST_ROOM: usize = 16 * 1024;

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
        let room = (length / BYTES_OF_A_CELL + 1).min(MOST_ROOM);
        let mut reading = Reading::<true>::with_room(room);
        Put(&mut reading).deserialize(&mut from)?;
        from.end()?;
        Ok(reading.end())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tape<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut reading = Reading::<false>::with_room(0);
        Put(&mut reading).deserialize(from)?;
        Ok(reading.end())
    }
}

/// What was read so far. Out of a JSON text what serde lends of it has no escapes, and needs none.
struct Reading<'a, const OF_TEXT: bool> {
    cells: Vec<Cell<'a>>,
    /// Whether members of an object have the same name.
    has_twins: bool,
}

impl<'a, const OF_TEXT: bool> Reading<'a, OF_TEXT> {
    fn with_room(cells: usize) -> Self {
        Self {
            cells: Vec::with_capacity(cells),
            has_twins: false,
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "it is what a visitor returns")]
    fn leaf<E>(&mut self, cell: Cell<'a>) -> Result<(), E> {
        self.cells.push(cell);
        Ok(())
    }

    fn end(self) -> Tape<'a> {
        let Self { cells, has_twins } = self;
        if !has_twins {
            return Tape { cells };
        }
        let mut unique = Vec::with_capacity(cells.len());
        add_unique(&cells, &mut unique);
        Tape { cells: unique }
    }
}

/// Adds the value that a row begins with, of members with the same name the last one's value in the
/// place of the first. The others are not looked into.
fn add_unique<'a>(cells: &[Cell<'a>], to: &mut Vec<Cell<'a>>) {
    let Some((cell, mut rest)) = cells.split_first() else {
        return;
    };
    match cell {
        Cell::Array(Span { length, .. }) => {
            let at = super::open(to);
            while let Some((item, behind)) = split(rest) {
                add_unique(item, to);
                rest = behind;
            }
            to[at] = Cell::Array(super::span(to, at, *length));
        }
        Cell::Object(_) => {
            let at = super::open(to);
            let mut places = HashMap::new();
            let mut unique: Vec<(&Cell<'a>, &[Cell<'a>])> = Vec::new();
            while let Some((name, value)) = rest.split_first()
                && let Some((value, behind)) = split(value)
            {
                let place = *places.entry(name.text()).or_insert(unique.len());
                match unique.get_mut(place) {
                    Some((_, twin)) => *twin = value,
                    None => unique.push((name, value)),
                }
                rest = behind;
            }
            for (name, value) in &unique {
                to.push((*name).clone());
                add_unique(value, to);
            }
            to[at] = Cell::Object(super::span(to, at, unique.len()));
        }
        leaf => to.push(leaf.clone()),
    }
}

/// Reads a value, and puts it behind what was read.
struct Put<'r, 'a, const OF_TEXT: bool>(&'r mut Reading<'a, OF_TEXT>);

impl<'de, const OF_TEXT: bool> DeserializeSeed<'de> for Put<'_, 'de, OF_TEXT> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, const OF_TEXT: bool> Visitor<'de> for Put<'_, 'de, OF_TEXT> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.leaf(Cell::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.0.leaf(Cell::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.leaf(Cell::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.leaf(Cell::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        let number = Number::from_f64(number);
        self.0.leaf(number.map_or(Cell::Null, Cell::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.0.leaf(if OF_TEXT {
            Cell::Plain(text)
        } else {
            Cell::String(Cow::Borrowed(text))
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.leaf(Cell::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(reading) = self;
        let at = super::open(&mut reading.cells);
        let mut length = 0;
        while items.next_element_seed(Put(reading))?.is_some() {
            length += 1;
        }
        reading.cells[at] = Cell::Array(super::span(&reading.cells, at, length));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(reading) = self;
        let at = super::open(&mut reading.cells);
        let mut length = 0;
        while members.next_key_seed(Name(reading))?.is_some() {
            members.next_value_seed(Put(reading))?;
            length += 1;
        }
        let read = Members {
            length,
            cells: &reading.cells[at + 1..],
        };
        reading.has_twins |= read.has_twins();
        reading.cells[at] = Cell::Object(super::span(&reading.cells, at, length));
        Ok(())
    }
}

/// Reads the name of a member, as a text.
struct Name<'r, 'a, const OF_TEXT: bool>(&'r mut Reading<'a, OF_TEXT>);

impl<'de, const OF_TEXT: bool> DeserializeSeed<'de> for Name<'_, 'de, OF_TEXT> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(Put(self.0))
    }
}
