//! A tape out of its text, in one look at each byte. What is taken here is JSON beyond doubt; of
//! what is not, serde_json says what it is: it has the words for what is wrong, and takes what is
//! nested deeper.
//!
//! serde_json cannot say where a value stood in its text, and to know that spares writing out most
//! of what is read (docs/dependencies.md names what else was tried). What is hard about JSON is left
//! to serde_json here too: escapes, and numbers that are not whole.

use serde_json::Number;

use super::{Cell, Members, Seen, Tape, open, since};

/// Bytes of text that make a cell, about: room for a few too many is better than to move them.
const BYTES_OF_A_CELL: usize = 6;
/// Cells that there is room for from the start, at the most.
const MOST_ROOM: usize = 16 * 1024;
/// Levels of lists and objects that are taken, so that the stack is safe.
const MOST_LEVELS: usize = 100;
/// Digits of a whole number that surely fits.
const MOST_DIGITS: usize = 18;

/// Reads a value that is all of a text; nothing where serde_json is to be asked.
pub(super) fn scan(text: &str) -> Option<Tape<'_>> {
    let room = (text.len() / BYTES_OF_A_CELL + 1).min(MOST_ROOM);
    let mut scan = Scan {
        text,
        cells: Vec::with_capacity(room),
        detours: 0,
        has_twins: false,
        seen: Seen::default(),
    };
    let (first, at) = scan.next(0)?;
    let end = scan.value(first, at, 0)?;
    let is_all = scan.next(end).is_none();
    is_all.then(|| scan.tape())
}

/// What was read so far. Where it stands is handed from one to the next: a place in the text, in
/// bytes.
struct Scan<'a> {
    text: &'a str,
    cells: Vec<Cell<'a>>,
    /// How often so far the text is not what would be written of it.
    detours: usize,
    has_twins: bool,
    seen: Seen,
}

/// Where a list or an object began, and what was known then.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    cell: usize,
    detours: usize,
}

impl<'a> Scan<'a> {
    fn tape(self) -> Tape<'a> {
        if self.has_twins {
            return Tape::of_unique(&self.cells);
        }
        Tape {
            cells: self.cells,
            has_texts: true,
            seen: Some(self.seen),
        }
    }

    /// Takes the value that begins with this byte in this place, inside of so many lists and objects;
    /// gives the place behind it.
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
        let (cells, text) = self.since(start, at + 1);
        self.cells[start.cell] = Cell::Array { cells, text };
        Some(at + 1)
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
                let detours = self.detours;
                let end = self.string(at)?;
                names.add(&self.text.as_bytes()[at..end]);
                if self.detours != detours {
                    // One with escapes may be another than it looks.
                    names.may_be_twins = true;
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
        if names.may_be_twins && (Members { row }).has_twins() {
            self.has_twins = true;
            self.detours += 1;
        }
        let (cells, text) = self.since(start, at + 1);
        self.cells[start.cell] = Cell::Object { cells, text };
        Some(at + 1)
    }

    fn open(&mut self, at: usize, levels: usize) -> Option<Start> {
        self.seen.levels = self.seen.levels.max(levels);
        (levels <= MOST_LEVELS).then(|| Start {
            at,
            cell: open(&mut self.cells),
            detours: self.detours,
        })
    }

    /// What a list or an object that ends here has in it, and its text where that would be written
    /// of it.
    #[inline]
    fn since(&self, start: Start, end: usize) -> (u32, &'a str) {
        let is_as_written = self.detours == start.detours;
        let text = if is_as_written {
            &self.text[start.at..end]
        } else {
            ""
        };
        (since(&self.cells, start.cell), text)
    }

    fn word(&mut self, word: &str, cell: Cell<'a>, at: usize) -> Option<usize> {
        let is_here = self.text.get(at..)?.starts_with(word);
        is_here.then(|| self.cells.push(cell))?;
        Some(at + word.len())
    }

    /// Takes a text, from its first quote to its last.
    #[allow(
        clippy::inline_always,
        reason = "what is read of most texts is other texts, and most are short"
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
        self.detours += 1;
        self.cells.push(Cell::Own(text.into()));
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
        let is_whole = (1..=MOST_DIGITS).contains(&digits)
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
        self.detours += 1;
        self.cells.push(Cell::Number(value));
        Some(at + number.len())
    }

    /// The first byte that is not blank, and its place.
    fn next(&mut self, at: usize) -> Option<(u8, usize)> {
        match *self.text.as_bytes().get(at)? {
            byte @ b'!'.. => Some((byte, at)),
            _ => self.behind_blanks(at),
        }
    }

    #[cold]
    fn behind_blanks(&mut self, at: usize) -> Option<(u8, usize)> {
        self.detours += 1;
        let rest = self.text.as_bytes().get(at..)?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let blanks = rest.iter().take_while(|byte| is_blank(byte)).count();
        Some((*rest.get(blanks)?, at + blanks))
    }
}

/// The place, from `start` on, of the first byte that does not stand in a text as it is: a quote, a
/// backslash, a control character; or the end. Eight are looked at together.
#[inline]
fn plain_end(bytes: &[u8], start: usize) -> usize {
    const ONE: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = ONE << 7;
    const fn all(byte: u8) -> u64 {
        ONE * byte as u64
    }
    // The lowest byte of a word that is under a limit has its top bit set in this; above it there
    // may be some for nothing.
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

/// The same where less than eight are left.
#[cold]
fn plain_rest(bytes: &[u8], at: usize) -> usize {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | ..b' ');
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| is_plain(byte)).count()
}

/// The names of an object's members, looked at so far that most are known to differ.
#[derive(Default)]
struct Names {
    /// A bit for each that was seen, by its length and both its ends.
    seen: u64,
    may_be_twins: bool,
    has_dollars: bool,
}

impl Names {
    /// Looks at a name without escapes, in its quotes.
    fn add(&mut self, quoted: &[u8]) {
        let byte = |at: usize| usize::from(quoted.get(at).copied().unwrap_or_default());
        let length = quoted.len();
        self.has_dollars |= byte(1) == usize::from(b'$');
        let mixed = length * 7 + byte(1) * 5 + byte(length.wrapping_sub(2));
        let bit = 1 << (mixed % 64);
        self.may_be_twins |= self.seen & bit != 0;
        self.seen |= bit;
    }
}
