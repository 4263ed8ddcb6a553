//! Positions in a text: lines and columns of byte offsets and of the values that pointers name.

use std::{collections::HashMap, ops::Range};

use super::{pointer::Pointer, tree};
use crate::domain::diagnostic::LineColumn;

/// The spans of values.
#[derive(Debug, Default)]
pub struct Positions {
    values: HashMap<Pointer, Range<usize>>,
}

impl Positions {
    /// The bytes of the value at `pointer`, if it was asked for and exists.
    pub fn get(&self, pointer: &Pointer) -> Option<Range<usize>> {
        self.values.get(pointer).cloned()
    }

    /// The bytes of the value at `pointer`, or of its nearest parent that exists: for a missing
    /// member, the object that lacks it.
    pub fn get_or_parent(&self, pointer: &Pointer) -> Option<Range<usize>> {
        let mut text = pointer.as_str();
        loop {
            if let Some(range) = self.get(&Pointer::parse(text)?) {
                return Some(range);
            }
            text = &text[..text.rfind('/')?];
        }
    }
}

/// Finds the values of `wanted` and of all their parents. Empty for text that is not JSON.
pub fn locate<'a>(text: &str, wanted: impl IntoIterator<Item = &'a Pointer>) -> Positions {
    let values = tree::locate(text, wanted);
    Positions { values }
}

/// The line and column, both from 1, of the byte `offset` in `text`; columns count characters.
pub fn place(text: &str, offset: usize) -> LineColumn {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |index| index + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    let column = 1 + String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    LineColumn { line, column }
}

/// The positions of offsets in ascending order, in one pass over the text.
pub fn places(text: &str, offsets: impl IntoIterator<Item = usize>) -> Vec<LineColumn> {
    let mut here = LineColumn { line: 1, column: 1 };
    let mut at = 0;
    let mut found = Vec::new();
    for offset in offsets {
        let until = offset.clamp(at, text.len());
        for byte in &text.as_bytes()[at..until] {
            match byte {
                b'\n' => {
                    here = LineColumn {
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
        assert_eq!(found.get(&wanted[0]).map(text), Some("\"long\""));
        assert_eq!(found.get(&wanted[1]).map(text), Some("true"));
        assert_eq!(found.get(&wanted[2]), None);
    }

    #[test]
    fn a_missing_member_is_shown_at_its_object() {
        let wanted = [pointer("/a/1/missing/deeper")];
        let found = locate(TEXT, &wanted);
        let range = found.get_or_parent(&wanted[0]).expect("the parent");
        assert_eq!(&TEXT[range], "{\"é/x\": \"long\"}");
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let at = TEXT.find("\"long\"").expect("it is there");
        assert_eq!(
            place(TEXT, at),
            LineColumn {
                line: 2,
                column: 20
            }
        );
        assert_eq!(place(TEXT, 0), LineColumn { line: 1, column: 1 });
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
