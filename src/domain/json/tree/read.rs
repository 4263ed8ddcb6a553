//! Reads a tape from a text. The lenient reader uses the last of duplicate members, the strict one
//! refuses them.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    cell::{BranchKind, Cell, Tape, close, open, split},
    scan::{Scan, scan},
    spans::{DuplicateKey, Spans},
};

/// Why a text was refused.
#[derive(Debug)]
pub enum StrictError {
    /// It is not JSON.
    Syntax(serde_json::Error),
    /// An object has a duplicate key.
    DuplicateKey(DuplicateKey),
}

impl<'a> Tape<'a> {
    /// Reads a text that is one value. Of duplicate members the last value is used, at the position of
    /// the first, as in serde_json.
    ///
    /// # Errors
    /// serde_json's own.
    pub fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        match str::from_utf8(text).ok().and_then(scan) {
            Some(scan) => Ok(Self::from_scan(scan)),
            None => Self::refused(text),
        }
    }

    /// The same, but refuses duplicate keys.
    ///
    /// # Errors
    /// The first fault.
    pub fn read_strictly(text: &'a str) -> Result<Self, StrictError> {
        let Some(scan) = scan(text) else {
            return Self::refused(text.as_bytes()).map_err(StrictError::Syntax);
        };
        if scan.has_duplicate_keys
            && let Some(duplicate) = Spans::new(text, &scan.cells).first_duplicate_key()
        {
            return Err(StrictError::DuplicateKey(duplicate));
        }
        Ok(Self::from_scan(scan))
    }

    fn from_scan(scan: Scan<'a>) -> Self {
        if scan.has_duplicate_keys {
            let mut unique = Vec::with_capacity(scan.cells.len());
            add_unique(&scan.cells, &mut unique);
            return Self::without_sources(unique);
        }
        Self {
            cells: scan.cells,
            has_sources: true,
            seen: Some(scan.seen),
        }
    }

    /// Reads with serde_json, for its error message.
    #[cold]
    fn refused(text: &[u8]) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_slice(text)?;
        Ok(Tape::from_value(&value).into_owned())
    }
}

/// For a value inside another type that serde reads.
impl<'de> Deserialize<'de> for Tape<'static> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Ok(Tape::from_value(&value).into_owned())
    }
}

/// Appends the first value of a row. Of duplicate members the last value is used, at the position of the
/// first; the others are skipped.
fn add_unique<'a>(cells: &[Cell<'a>], to: &mut Vec<Cell<'a>>) {
    let Some((cell, mut rest)) = cells.split_first() else {
        return;
    };
    let Cell::Branch(branch) = cell else {
        return to.push(cell.clone());
    };
    let at = open(to);
    match branch.kind {
        BranchKind::Array => {
            while let Some((item, after)) = split(rest) {
                add_unique(item, to);
                rest = after;
            }
        }
        BranchKind::Object => {
            let mut places = HashMap::new();
            let mut unique: Vec<(&Cell<'a>, &[Cell<'a>])> = Vec::new();
            while let Some((name, value)) = rest.split_first()
                && let Some((value, after)) = split(value)
            {
                let place = *places.entry(name.text()).or_insert(unique.len());
                match unique.get_mut(place) {
                    Some((_, earlier)) => *earlier = value,
                    None => unique.push((name, value)),
                }
                rest = after;
            }
            for (name, value) in &unique {
                to.push((*name).clone());
                add_unique(value, to);
            }
        }
    }
    close(to, at, branch.kind);
}
