//! A tape out of its text: scanned where it is plainly JSON, else as serde hands it over. Of members
//! with the same name one is kept.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::{Cell, Members, Tape, scan, since, split};

impl<'a> Tape<'a> {
    /// Reads a value that is all of a text.
    ///
    /// # Errors
    /// serde_json's own.
    pub fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        if let Ok(text) = str::from_utf8(text)
            && let Some(tape) = scan::scan(text)
        {
            return Ok(tape);
        }
        // It knows what is wrong, and where.
        serde_json::from_slice(text)
    }

    /// The tape of cells, of members with the same name one.
    pub(super) fn of_unique(cells: &[Cell<'a>]) -> Self {
        let mut unique = Vec::with_capacity(cells.len());
        add_unique(cells, &mut unique);
        Self::without_texts(unique)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tape<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut reading = Reading::default();
        Put(&mut reading).deserialize(from)?;
        Ok(if reading.has_twins {
            Self::of_unique(&reading.cells)
        } else {
            Self::without_texts(reading.cells)
        })
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading<'a> {
    cells: Vec<Cell<'a>>,
    /// Whether members of an object have the same name.
    has_twins: bool,
}

impl<'a> Reading<'a> {
    #[allow(clippy::unnecessary_wraps, reason = "it is what a visitor returns")]
    fn leaf<E>(&mut self, cell: Cell<'a>) -> Result<(), E> {
        self.cells.push(cell);
        Ok(())
    }
}

/// Adds the value that a row begins with, of members with the same name the last one's value in the
/// place of the first. The others are not looked into.
fn add_unique<'a>(cells: &[Cell<'a>], to: &mut Vec<Cell<'a>>) {
    let Some((cell, mut rest)) = cells.split_first() else {
        return;
    };
    match cell {
        Cell::Array { .. } => {
            let at = super::open(to);
            while let Some((item, behind)) = split(rest) {
                add_unique(item, to);
                rest = behind;
            }
            let cells = since(to, at);
            to[at] = Cell::Array { cells, text: "" };
        }
        Cell::Object { .. } => {
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
            let cells = since(to, at);
            to[at] = Cell::Object { cells, text: "" };
        }
        leaf => to.push(leaf.clone()),
    }
}

/// Reads a value, and puts it behind what was read.
struct Put<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Put<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Put<'_, 'de> {
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
        self.0.leaf(Cell::Lent(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.leaf(Cell::Own(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(reading) = self;
        let at = super::open(&mut reading.cells);
        while items.next_element_seed(Put(reading))?.is_some() {}
        let cells = since(&reading.cells, at);
        reading.cells[at] = Cell::Array { cells, text: "" };
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(reading) = self;
        let at = super::open(&mut reading.cells);
        while members.next_key_seed(Name(reading))?.is_some() {
            members.next_value_seed(Put(reading))?;
        }
        let read = Members {
            row: &reading.cells[at..],
        };
        reading.has_twins |= read.has_twins();
        let cells = since(&reading.cells, at);
        reading.cells[at] = Cell::Object { cells, text: "" };
        Ok(())
    }
}

/// Reads the name of a member, as a text.
struct Name<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(Put(self.0))
    }
}
