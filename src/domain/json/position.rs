//! Where the values of a JSON text stand: the byte range of what a pointer names, the line and
//! column of an offset, and keys that stand twice in one object.
//!
//! The text is scanned once for any number of pointers. It must be valid JSON, as serde_json has
//! already found; for anything else the answers are merely empty, never a panic.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use super::pointer::Pointer;
use crate::domain::diagnostic::Place;

/// What one scan of a text found.
#[derive(Debug, Default)]
pub struct Positions {
    values: HashMap<Pointer, Range<usize>>,
}

/// A key that stands twice in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key, unescaped.
    pub key: String,
    /// The byte range where it stands first, quotes included.
    pub first: Range<usize>,
    /// The byte range where it stands again.
    pub second: Range<usize>,
}

impl Positions {
    /// The byte range of the value at `pointer`, if the scan was asked for it and it exists.
    pub fn of(&self, pointer: &Pointer) -> Option<Range<usize>> {
        self.values.get(pointer).cloned()
    }

    /// The byte range of the value at `pointer`, or of its nearest parent that exists: for a
    /// member that is missing, the object that lacks it.
    pub fn of_or_parent(&self, pointer: &Pointer) -> Option<Range<usize>> {
        let mut text = pointer.as_str();
        loop {
            if let Some(range) = self.of(&Pointer::parse(text)?) {
                return Some(range);
            }
            text = &text[..text.rfind('/')?];
        }
    }
}

/// Scans `text` for the values that `wanted` and all their parents name.
pub fn locate<'a>(text: &str, wanted: impl IntoIterator<Item = &'a Pointer>) -> Positions {
    let mut tree = Wanted::default();
    for pointer in wanted {
        tree.add(pointer);
    }
    let mut scanner = Scanner::new(text, false);
    scanner.value(Some(&tree), 0);
    scanner.found
}

/// The first key of `text` that stands twice in one object, however it is escaped.
pub fn duplicate_key(text: &str) -> Option<DuplicateKey> {
    let mut scanner = Scanner::new(text, true);
    scanner.value(None, 0);
    scanner.duplicate
}

/// The line and column, both from 1, of the byte `offset` in `text`; columns count characters.
pub fn place(text: &str, offset: usize) -> Place {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |index| index + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    let column = 1 + String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    Place { line, column }
}

/// The places of many offsets, which must be in ascending order: one pass over the text, where
/// asking one by one would take a pass each.
pub fn places(text: &str, offsets: impl IntoIterator<Item = usize>) -> Vec<Place> {
    let mut here = Place { line: 1, column: 1 };
    let mut at = 0;
    let mut found = Vec::new();
    for offset in offsets {
        let until = offset.clamp(at, text.len());
        for byte in &text.as_bytes()[at..until] {
            match byte {
                b'\n' => {
                    here = Place {
                        line: here.line + 1,
                        column: 1,
                    }
                }
                // The bytes that continue a character add no column.
                0x80..=0xbf => {}
                _ => here.column += 1,
            }
        }
        at = until;
        found.push(here);
    }
    found
}

/// The byte offset of a line and a column as serde_json counts them (line from 1, column in
/// bytes from 1; 0 for the very start).
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column.saturating_sub(1)).min(text.len())
}

#[derive(Default)]
struct Wanted {
    below: HashMap<String, Wanted>,
}

impl Wanted {
    fn add(&mut self, pointer: &Pointer) {
        let mut node = self;
        for token in pointer.tokens() {
            node = node.below.entry(token).or_default();
        }
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    found: Positions,
    path: Pointer,
    seeks_duplicates: bool,
    duplicate: Option<DuplicateKey>,
}

/// serde_json refuses deeper texts before they come here; this keeps the stack safe all the same.
const DEEPEST: usize = 200;

impl<'a> Scanner<'a> {
    fn new(text: &'a str, seeks_duplicates: bool) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            found: Positions::default(),
            path: Pointer::ROOT,
            seeks_duplicates,
            duplicate: None,
        }
    }

    fn value(&mut self, wanted: Option<&Wanted>, depth: usize) {
        self.blanks();
        let start = self.at;
        match self.peek() {
            Some(b'{') if depth < DEEPEST => self.object(wanted, depth),
            Some(b'[') if depth < DEEPEST => self.array(wanted, depth),
            Some(b'"') => {
                self.string();
            }
            _ => self.scalar(),
        }
        if wanted.is_some() {
            self.found.values.insert(self.path.clone(), start..self.at);
        }
    }

    fn object(&mut self, wanted: Option<&Wanted>, depth: usize) {
        self.at += 1;
        let mut seen: HashMap<Cow<'_, [u8]>, Range<usize>> = HashMap::new();
        loop {
            self.blanks();
            match self.peek() {
                Some(b'"') => {}
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                Some(b'}') => {
                    self.at += 1;
                    return;
                }
                _ => return,
            }
            let key_start = self.at;
            let raw = self.string();
            let key_range = key_start..self.at;
            if self.seeks_duplicates && self.duplicate.is_none() {
                let bytes: &'a [u8] = self.bytes;
                let key = match &bytes[raw] {
                    escaped if escaped.contains(&b'\\') => {
                        Cow::Owned(self.decode(&key_range).into_bytes())
                    }
                    plain => Cow::Borrowed(plain),
                };
                if let Some(first) = seen.insert(key, key_range.clone()) {
                    self.duplicate = Some(DuplicateKey {
                        key: self.decode(&key_range),
                        first,
                        second: key_range.clone(),
                    });
                }
            }
            let below = wanted.filter(|node| !node.below.is_empty());
            // The key is decoded only where somebody may ask for it: scanning stays linear and
            // nearly free of allocations in the parts that nobody wants.
            let key = below.map(|_| self.decode(&key_range));
            let parent = key.as_ref().map(|key| {
                let below = self.path.key(key);
                std::mem::replace(&mut self.path, below)
            });
            self.blanks();
            if self.peek() == Some(b':') {
                self.at += 1;
            }
            let next = below.and_then(|node| node.below.get(key.as_deref()?));
            self.value(next, depth + 1);
            if let Some(parent) = parent {
                self.path = parent;
            }
        }
    }

    fn array(&mut self, wanted: Option<&Wanted>, depth: usize) {
        self.at += 1;
        let below = wanted.filter(|node| !node.below.is_empty());
        let mut index = 0;
        loop {
            self.blanks();
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    return;
                }
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                None => return,
                Some(_) => {}
            }
            let before = self.at;
            let next = below.and_then(|node| node.below.get(index.to_string().as_str()));
            if next.is_some() {
                let item = self.path.index(index);
                let parent = std::mem::replace(&mut self.path, item);
                self.value(next, depth + 1);
                self.path = parent;
            } else {
                self.value(None, depth + 1);
            }
            if self.at == before {
                return;
            }
            index += 1;
        }
    }

    /// Passes over a string and gives the range of its inside.
    fn string(&mut self) -> Range<usize> {
        self.at += 1;
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at = (self.at + 2).min(self.bytes.len()),
                b'"' => {
                    let inside = start..self.at;
                    self.at += 1;
                    return inside;
                }
                _ => self.at += 1,
            }
        }
        start..self.at
    }

    fn scalar(&mut self) {
        while let Some(byte) = self.peek() {
            if matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n') {
                return;
            }
            self.at += 1;
        }
    }

    fn decode(&self, quoted: &Range<usize>) -> String {
        serde_json::from_slice(&self.bytes[quoted.clone()]).unwrap_or_default()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"a\": [1, {\"é/x\": \"long\"}],\n  \"b\": true\n}";

    fn pointer(text: &str) -> Pointer {
        Pointer::parse(text).expect("a pointer")
    }

    #[test]
    fn values_are_found_by_pointer() {
        let wanted = [pointer("/a/1/é~1x"), pointer("/b"), pointer("/nowhere")];
        let found = locate(TEXT, &wanted);
        let text = |range: Range<usize>| &TEXT[range];
        assert_eq!(found.of(&wanted[0]).map(text), Some("\"long\""));
        assert_eq!(found.of(&wanted[1]).map(text), Some("true"));
        assert_eq!(found.of(&wanted[2]), None);
    }

    #[test]
    fn a_missing_member_is_shown_at_its_object() {
        let wanted = [pointer("/a/1/missing/deeper")];
        let found = locate(TEXT, &wanted);
        let range = found.of_or_parent(&wanted[0]).expect("the parent");
        assert_eq!(&TEXT[range], "{\"é/x\": \"long\"}");
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let at = TEXT.find("\"long\"").expect("it is there");
        assert_eq!(
            place(TEXT, at),
            Place {
                line: 2,
                column: 20
            }
        );
        assert_eq!(place(TEXT, 0), Place { line: 1, column: 1 });
    }

    #[test]
    fn the_first_duplicate_key_is_named_however_it_is_escaped() {
        let text = r#"{"a": {"b": 1, "c": 2, "\u0062": 3}, "a": 1}"#;
        let found = duplicate_key(text).expect("there is one");
        assert_eq!(found.key, "b");
        assert_eq!(&text[found.first], "\"b\"");
        assert_eq!(&text[found.second], "\"\\u0062\"");
        assert_eq!(duplicate_key(r#"[{"a": 1}, {"a": {"a": 2}}]"#), None);
    }

    #[test]
    fn many_places_are_those_found_one_by_one() {
        let offsets = [0, 1, 4, TEXT.find("\"long\"").expect("there"), TEXT.len()];
        let one_by_one: Vec<_> = offsets.iter().map(|at| place(TEXT, *at)).collect();
        assert_eq!(places(TEXT, offsets), one_by_one);
    }

    #[test]
    fn broken_text_gives_no_panic() {
        for text in ["", "{", "[", "{\"a", "{\"a\":", "[1,", "\"\\", "}", "{]"] {
            let wanted = [pointer("/a/0")];
            let _ = locate(text, &wanted);
        }
    }
}
