//! The scanner: reads a text into a tape in one pass. It accepts exactly what serde_json accepts; the
//! error messages for other text come from serde_json.
//!
//! serde_json does not report the position of a value. Positions are needed for findings, and to copy
//! unchanged parts when a value is written (docs/dependencies.md names the alternatives that were
//! measured). Escapes, and numbers other than short integers, are left to serde_json.

use serde_json::Number;

use super::{
    cell::{Branch, BranchKind, Cell, Seen, open, since},
    view::Members,
};

/// Estimated bytes of text per cell. An estimate that is slightly too high avoids a reallocation.
const BYTES_PER_CELL: usize = 6;
/// The most cells that are allocated at the start.
const MAX_INITIAL_CELLS: usize = 16 * 1024;
/// The deepest accepted nesting, the same as in serde_json, which bounds the recursion.
const MAX_LEVELS: usize = 127;
/// Digits of an integer that always fits an `i64`.
const MAX_DIGITS: usize = 18;

/// Reads a text that is one value; `None` if it is not JSON.
pub(super) fn scan(text: &str) -> Option<Scan<'_>> {
    let capacity = (text.len() / BYTES_PER_CELL + 1).min(MAX_INITIAL_CELLS);
    let mut scan = Scan {
        text,
        cells: Vec::with_capacity(capacity),
        non_canonical: 0,
        has_duplicate_keys: false,
        seen: Seen::default(),
    };
    let (first, at) = scan.next(0)?;
    let end = scan.value(first, at, 0)?;
    let is_all = scan.next(end).is_none();
    is_all.then_some(scan)
}

/// The state of the scanner. Its methods take and return byte offsets in the text.
pub(super) struct Scan<'a> {
    text: &'a str,
    /// All cells, including those of duplicate members.
    pub(super) cells: Vec<Cell<'a>>,
    /// The number of differences so far between the text and its serialised form.
    non_canonical: usize,
    pub(super) has_duplicate_keys: bool,
    pub(super) seen: Seen,
}

/// The start of an array or object.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    cell: usize,
    non_canonical: usize,
}

impl<'a> Scan<'a> {
    /// Reads the value that starts with the byte `first` at `at`, at nesting depth `levels`; returns the
    /// offset after it.
    fn value(&mut self, first: u8, at: usize, levels: usize) -> Option<usize> {
        match first {
            b'"' => self.string(at),
            b'{' => self.object(at, levels + 1),
            b'[' => self.array(at, levels + 1),
            b't' => self.word("true", Cell::Bool(true), at),
            b'f' => self.word("false", Cell::Bool(false), at),
            b'n' => self.word("null", Cell::Null, at),
            _ => self.number(at),
        }
    }

    fn array(&mut self, at: usize, levels: usize) -> Option<usize> {
        let start = self.open(at, levels)?;
        let (mut byte, mut at) = self.next(at + 1)?;
        if byte != b']' {
            loop {
                let end = self.value(byte, at, levels)?;
                (byte, at) = self.next(end)?;
                match byte {
                    b',' => (byte, at) = self.next(at + 1)?,
                    b']' => break,
                    _ => return None,
                }
            }
        }
        Some(self.close(start, at + 1, BranchKind::Array))
    }

    fn object(&mut self, at: usize, levels: usize) -> Option<usize> {
        let start = self.open(at, levels)?;
        let mut names = Names::default();
        let (mut byte, mut at) = self.next(at + 1)?;
        if byte != b'}' {
            loop {
                if byte != b'"' {
                    return None;
                }
                let non_canonical = self.non_canonical;
                let end = self.string(at)?;
                names.add(&self.text.as_bytes()[at..end]);
                if self.non_canonical != non_canonical {
                    // An escaped name may equal another one.
                    names.may_have_duplicates = true;
                    self.seen.has_dollars = true;
                }
                let (b':', colon) = self.next(end)? else {
                    return None;
                };
                let (first, value) = self.next(colon + 1)?;
                let end = self.value(first, value, levels)?;
                (byte, at) = self.next(end)?;
                match byte {
                    b',' => (byte, at) = self.next(at + 1)?,
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        self.seen.has_dollars |= names.has_dollars;
        let row = &self.cells[start.cell..];
        if names.may_have_duplicates && (Members { row }).has_duplicate_keys() {
            self.has_duplicate_keys = true;
            self.non_canonical += 1;
        }
        Some(self.close(start, at + 1, BranchKind::Object))
    }

    fn open(&mut self, at: usize, levels: usize) -> Option<Start> {
        self.seen.levels = self.seen.levels.max(levels);
        (levels <= MAX_LEVELS).then(|| Start {
            at,
            cell: open(&mut self.cells),
            non_canonical: self.non_canonical,
        })
    }

    /// Completes an array or object that ends before `end`, and returns `end`.
    #[inline]
    fn close(&mut self, start: Start, end: usize, kind: BranchKind) -> usize {
        self.cells[start.cell] = Cell::Branch(Branch {
            kind,
            cells: since(&self.cells, start.cell),
            is_canonical: self.non_canonical == start.non_canonical,
            source: &self.text[start.at..end],
        });
        end
    }

    fn word(&mut self, word: &str, cell: Cell<'a>, at: usize) -> Option<usize> {
        let is_here = self.text.get(at..)?.starts_with(word);
        is_here.then(|| self.cells.push(cell))?;
        Some(at + word.len())
    }

    /// Reads a string, from its first quote to its last.
    #[allow(
        clippy::inline_always,
        reason = "most values are strings, and most strings are short"
    )]
    #[inline(always)]
    fn string(&mut self, at: usize) -> Option<usize> {
        let start = at + 1;
        let end = plain_end(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return self.escaped(at);
        }
        self.cells.push(Cell::Plain(&self.text[start..end]));
        Some(end + 1)
    }

    #[cold]
    fn escaped(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut end = at + 1;
        while *bytes.get(end)? != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let quoted = self.text.get(at..=end)?;
        let text: String = serde_json::from_str(quoted).ok()?;
        self.non_canonical += 1;
        self.cells.push(Cell::Owned(text.into()));
        Some(end + 1)
    }

    fn number(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let is_negative = bytes[at] == b'-';
        let first = at + usize::from(is_negative);
        let mut end = first;
        let mut value: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = bytes.get(end) {
            value = value.wrapping_mul(10).wrapping_add((digit - b'0').into());
            end += 1;
        }
        let digits = end - first;
        let is_whole = (1..=MAX_DIGITS).contains(&digits)
            && (bytes[first] != b'0' || digits == 1 && !is_negative)
            && !matches!(bytes.get(end), Some(b'.' | b'e' | b'E'));
        if !is_whole {
            return self.other_number(at);
        }
        let value = if is_negative { -value } else { value };
        self.cells.push(Cell::Number(value.into()));
        Some(end)
    }

    #[cold]
    fn other_number(&mut self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let is_of_it = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = rest.bytes().position(|byte| !is_of_it(byte));
        let number = &rest[..end.unwrap_or(rest.len())];
        let value: Number = serde_json::from_str(number).ok()?;
        self.non_canonical += 1;
        self.cells.push(Cell::Number(value));
        Some(at + number.len())
    }

    /// The next byte that is not blank, and its offset.
    fn next(&mut self, at: usize) -> Option<(u8, usize)> {
        match *self.text.as_bytes().get(at)? {
            byte @ b'!'.. => Some((byte, at)),
            _ => self.after_blanks(at),
        }
    }

    #[cold]
    fn after_blanks(&mut self, at: usize) -> Option<(u8, usize)> {
        self.non_canonical += 1;
        let rest = self.text.as_bytes().get(at..)?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let blanks = rest.iter().take_while(|byte| is_blank(byte)).count();
        Some((*rest.get(blanks)?, at + blanks))
    }
}

/// The offset, from `start` on, of the first quote, backslash or control character, or the end. Checks
/// eight bytes at once.
#[inline]
fn plain_end(bytes: &[u8], start: usize) -> usize {
    const ONE: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = ONE << 7;
    const fn all(byte: u8) -> u64 {
        ONE * byte as u64
    }
    // Sets the top bit of the lowest byte that is under the limit. Higher bytes may be false positives.
    let under = |word: u64, limit: u8| word.wrapping_sub(all(limit)) & !word & TOP;
    let mut at = start;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let ends = under(word ^ all(b'"'), 1) | under(word ^ all(b'\\'), 1) | under(word, b' ');
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + plain_rest(bytes, at)
}

/// The same for the last seven bytes or fewer.
#[cold]
fn plain_rest(bytes: &[u8], at: usize) -> usize {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | ..b' ');
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| is_plain(byte)).count()
}

/// A filter over the member names of an object that rules out most duplicates without a comparison.
#[derive(Default)]
struct Names {
    /// A bit for each name, by its length and its first and last byte.
    seen: u64,
    may_have_duplicates: bool,
    has_dollars: bool,
}

impl Names {
    /// Adds a quoted name without escapes.
    fn add(&mut self, quoted: &[u8]) {
        let byte = |at: usize| usize::from(quoted.get(at).copied().unwrap_or_default());
        let length = quoted.len();
        self.has_dollars |= byte(1) == usize::from(b'$');
        let mixed = length * 7 + byte(1) * 5 + byte(length.wrapping_sub(2));
        let bit = 1 << (mixed % 64);
        self.may_have_duplicates |= self.seen & bit != 0;
        self.seen |= bit;
    }
}
