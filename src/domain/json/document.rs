//! A JSON input with its text, so that findings can be shown at their position. All JSON inputs of the
//! tool are read here: cards, events, expectations.

use std::ops::Range;

use serde_json::error::Category;

use super::{
    position,
    tree::{DuplicateKey, StrictError, Tape, Tree},
};
use crate::domain::{
    diagnostic::{Diagnostic, LineColumn},
    text::shortened,
};

/// Characters of a key that a message shows.
const MAX_KEY_CHARS: usize = 60;

/// A parsed JSON text.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is called in messages: the path, or `<stdin>`.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
    tape: Tape<'static>,
}

/// Why a text is not a JSON document, and where.
#[derive(Clone, Debug)]
pub struct SyntaxError {
    /// What the text is called.
    pub name: String,
    /// The text; invalid UTF-8 is shown as replacement characters.
    pub text: String,
    /// The start of the fault.
    pub place: LineColumn,
    /// The faulty bytes of `text`.
    pub range: Range<usize>,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// A second range with its label: the first occurrence of a duplicate key.
    pub related: Option<(Range<usize>, String)>,
    /// How to correct it.
    pub help: Option<String>,
}

/// A finding with its place in the text.
#[derive(Clone, Debug)]
pub struct Located<'a> {
    /// The finding.
    pub finding: &'a Diagnostic,
    /// Where its value begins.
    pub place: LineColumn,
    /// The bytes of its value; for a member that is missing, the opening bracket of the object
    /// that lacks it.
    pub range: Range<usize>,
}

/// A fault without its text and name.
struct Fault {
    range: Range<usize>,
    message: String,
    related: Option<(Range<usize>, String)>,
    help: Option<String>,
}

impl Fault {
    fn at(offset: usize, message: impl Into<String>) -> Self {
        Self {
            range: offset..offset + 1,
            message: message.into(),
            related: None,
            help: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn into_error(self, name: String, text: String) -> Box<SyntaxError> {
        let start = self.range.start.min(text.len());
        Box::new(SyntaxError {
            place: position::place(&text, start),
            range: start..self.range.end.clamp(start, text.len()),
            name,
            text,
            message: self.message,
            related: self.related,
            help: self.help,
        })
    }
}

impl Document {
    /// Reads `bytes` as one JSON value. Refuses text that is not UTF-8, is not JSON, is nested deeper than
    /// 127 levels, or has a duplicate key in an object, since readers differ in which value they use.
    pub fn parse(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Box<SyntaxError>> {
        let name = name.into();
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(refused) => return Err(refused.0.into_error(name, refused.1)),
        };
        match tape_of(&text) {
            Ok(tape) => Ok(Self { name, text, tape }),
            Err(fault) => Err(fault.into_error(name, text)),
        }
    }

    /// Its value.
    pub fn tree(&self) -> Tree<'_> {
        self.tape.tree()
    }

    /// The positions of findings, in the order of the text. Takes two passes over the text.
    pub fn locate<'a>(&self, findings: &'a [Diagnostic]) -> Vec<Located<'a>> {
        let pointers = findings.iter().map(|finding| &finding.pointer);
        let positions = position::locate(&self.text, pointers);
        let range = |finding: &Diagnostic| match positions.get(&finding.pointer) {
            Some(range) => range,
            None => positions
                .get_or_parent(&finding.pointer)
                .map_or(0..0, |parent| parent.start..parent.start + 1),
        };
        let mut found: Vec<_> = findings.iter().map(|it| (range(it), it)).collect();
        found.sort_by_key(|(range, _)| range.start);
        let places = position::places(&self.text, found.iter().map(|(range, _)| range.start));
        found
            .into_iter()
            .zip(places)
            .map(|((range, finding), place)| Located {
                finding,
                place,
                range,
            })
            .collect()
    }
}

/// The text of `bytes`; else the fault, and the text as far as it can be shown.
fn text_of(bytes: Vec<u8>) -> Result<String, Box<(Fault, String)>> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let fault = Fault::at(0, "the file is UTF-16, JSON is UTF-8").help("save it as UTF-8");
        return Err(Box::new((fault, String::new())));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let mut fault = Fault::at(
                at,
                format!("the byte 0x{byte:02x} at offset {at} is not UTF-8"),
            )
            .help("save the file as UTF-8");
            fault.range.end = at + '\u{fffd}'.len_utf8();
            Err(Box::new((fault, text)))
        }
    }
}

fn tape_of(text: &str) -> Result<Tape<'static>, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::at(0, "the file is empty").help("it should hold one JSON value"));
    }
    match Tape::read_strictly(text) {
        Ok(tape) => Ok(tape.into_owned()),
        Err(StrictError::DuplicateKey(duplicate)) => Err(duplicate_key(duplicate)),
        Err(StrictError::Syntax(error)) => Err(syntax_fault(text, &error)),
    }
}

fn duplicate_key(duplicate: DuplicateKey) -> Fault {
    Fault {
        message: format!(
            "the key \"{}\" appears twice in one object",
            shortened(&duplicate.key, MAX_KEY_CHARS)
        ),
        range: duplicate.second,
        related: Some((duplicate.first, "it appears here first".to_owned())),
        help: Some("remove one of the two: JSON readers differ in which one they use".to_owned()),
    }
}

/// The fault that serde_json reports.
fn syntax_fault(text: &str, error: &serde_json::Error) -> Fault {
    let message = message_of(error);
    let message = message.as_str();
    let mut at = position::offset(text, error.line(), error.column());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let length = text[at..].chars().next().map_or(1, char::len_utf8);
    let mut fault = match message {
        "recursion limit exceeded" => Fault::at(at, "it is nested deeper than 127 levels")
            .help("no card or event nests deeper than about ten: a value may contain itself"),
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => Fault::at(
            lone_surrogate(text, at),
            "half of a surrogate pair is missing: \\ud800 to \\udfff come in pairs",
        )
        .help("write the character itself, or both halves: \\ud83d\\ude00"),
        "trailing characters" => Fault::at(at, "more text follows after the JSON value")
            .help("only one JSON value is read; choose a line of a .jsonl file: sed -n 1p FILE | skillctl … -"),
        "trailing comma" => Fault::at(at, message).help("remove the comma before it"),
        _ if error.classify() == Category::Eof => Fault::at(
            text.trim_end().len(),
            format!("the text ends too early: {message}"),
        )
        .help("is the file cut off, or a bracket or quote not closed?"),
        _ => Fault::at(at, message),
    };
    fault.range.end = fault.range.start.max(at) + length;
    fault
}

/// The start of the escape that serde_json refused at `at`, which is behind it: serde_json reads on
/// after the first half of a pair.
fn lone_surrogate(text: &str, at: usize) -> usize {
    const MAX_PAIR_BYTES: usize = 13;
    let from = at.saturating_sub(MAX_PAIR_BYTES);
    text.as_bytes()[from..at]
        .windows(3)
        .position(|bytes| matches!(bytes, [b'\\', b'u', b'd' | b'D']))
        .map_or(at, |found| from + found)
}

/// serde_json's message without its position.
pub fn message_of(error: &serde_json::Error) -> String {
    let full = error.to_string();
    match full.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => full,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn refused(bytes: &[u8]) -> SyntaxError {
        *Document::parse("a.json", bytes.to_vec()).expect_err("it is refused")
    }

    fn at(error: &SyntaxError) -> (usize, usize) {
        (error.place.line, error.place.column)
    }

    #[test]
    fn a_document_says_what_serde_json_says() {
        let text = r#"{"a": [1, -2, 3.5, null, true, "é\n"], "b": {}}"#;
        let document = Document::parse("a.json", text.into()).expect("it is JSON");
        let value: Value = serde_json::from_str(text).expect("it is JSON");
        assert_eq!(Value::from(document.tree()), value);
        assert_eq!(document.text, text);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let document = Document::parse("a.json", b"\xef\xbb\xbf{}".to_vec()).expect("it is JSON");
        assert_eq!(document.text, "{}");
        assert!(refused(b"\xff\xfe{\0}\0").message.contains("UTF-16"));
    }

    #[test]
    fn a_byte_that_is_not_utf8_is_named_with_its_position() {
        let error = refused(b"{\n  \"a\": \"\xe9t\xe9\"\n}");
        assert_eq!(at(&error), (2, 9));
        assert_eq!(error.message, "the byte 0xe9 at offset 10 is not UTF-8");
        assert_eq!(&error.text[error.range.clone()], "\u{fffd}");
    }

    #[test]
    fn malformed_json_is_shown_where_it_breaks() {
        let error = refused(b"{\n  \"a\": 1,\n  \"b\": oops\n}");
        assert_eq!(at(&error), (3, 8));
        assert_eq!(error.message, "expected value");
        let error = refused(b"[1, 2,]");
        assert_eq!((at(&error), &*error.message), ((1, 7), "trailing comma"));
    }

    #[test]
    fn a_text_that_stops_early_is_shown_at_its_end() {
        let error = refused(b"{\"a\": [1, 2\n\n");
        assert!(
            error.message.starts_with("the text ends too early"),
            "{error:?}"
        );
        assert_eq!(at(&error), (1, 12));
        for text in ["", "  \n", "\u{feff}"] {
            assert_eq!(refused(text.as_bytes()).message, "the file is empty");
        }
    }

    #[test]
    fn a_duplicate_key_is_refused_and_both_are_shown() {
        let error = refused(b"{\"a\": 1,\n \"b\": {\"c\": 1, \"\\u0063\": 2}}");
        assert_eq!(error.message, "the key \"c\" appears twice in one object");
        assert_eq!(at(&error), (2, 16));
        let (first, _) = error.related.expect("the first is shown");
        assert_eq!(&error.text[first], "\"c\"");
    }

    #[test]
    fn deep_nesting_and_lone_surrogates_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(refused(deep.as_bytes()).message.contains("127 levels"));
        for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#] {
            let error = refused(text.as_bytes());
            assert!(
                error.message.contains("surrogate"),
                "{text}: {}",
                error.message
            );
            assert_eq!(error.place.column, 2, "{text}");
        }
        assert!(Document::parse("a", br#""\ud83d\ude00""#.to_vec()).is_ok());
    }

    #[test]
    fn a_second_value_is_not_passed_over() {
        assert!(refused(b"{} {}").message.contains("more text follows"));
    }
}
