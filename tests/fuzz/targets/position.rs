//! A JSON document and the places of its values: the text at the place of a pointer must be the
//! value that it names. What is refused must be what serde_json refuses, or a duplicate key.

use serde_json::Value;
use skillctl::{
    domain::json::{
        document::Document,
        pointer::{Pointer, nearest},
        position::{locate, offset, place, places},
        tree::{DuplicateKey, StrictError, Tape},
    },
    render::diagnostic::syntax_excerpt,
};

/// The maximum number of pointers that are checked in one document.
const MAX_POINTERS: usize = 300;
/// serde_json treats a member of this name in a special way.
const PRIVATE: &str = "$serde_json::private::";

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_any_text(text);
    }
    let name = "a.json";
    match Document::parse(name, bytes.to_vec()) {
        Ok(document) => check_document(&document),
        Err(error) => {
            assert!(error.text.get(error.range.clone()).is_some(), "{error:?}");
            let _ = syntax_excerpt(&error, 80);
            let is_plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            if let Ok(text) = std::str::from_utf8(is_plain)
                && serde_json::from_str::<Value>(text).is_ok()
            {
                let twice =
                    duplicate_key(text).expect("valid JSON is refused for a duplicate key alone");
                assert!(text.get(twice.first.clone()).is_some());
                assert!(text.get(twice.second.clone()).is_some());
                assert!(twice.first.end <= twice.second.start);
            }
        }
    }
}

fn check_any_text(text: &str) {
    let wanted = ["", "/a", "/0", "/a/0/b"].map(|it| Pointer::parse(it).expect("a pointer"));
    let found = locate(text, &wanted);
    let is_json = Tape::read(text.as_bytes()).is_ok();
    for pointer in &wanted {
        let range = found.get_or_parent(pointer);
        assert_eq!(range.is_some(), is_json, "at least the whole");
        assert!(range.is_none_or(|range| text.get(range).is_some()));
    }
    let _ = duplicate_key(text);
}

fn duplicate_key(text: &str) -> Option<DuplicateKey> {
    match Tape::read_strictly(text) {
        Err(StrictError::DuplicateKey(duplicate)) => Some(duplicate),
        _ => None,
    }
}

fn check_document(document: &Document) {
    let text = &document.text;
    let value = Value::from(document.tree());
    if !text.contains(PRIVATE) && !text.contains("\\u") {
        let plain: Value = serde_json::from_str(text).expect("what is read is JSON");
        assert_eq!(value, plain);
    }
    assert_eq!(duplicate_key(text), None);
    let mut pointers = Vec::new();
    collect(&value, &Pointer::ROOT, &mut pointers);
    let found = locate(text, &pointers);
    let mut starts = Vec::new();
    for pointer in &pointers {
        let range = found.get(pointer).expect("every value has a place");
        let there = text.get(range.clone()).expect("between characters");
        let part = Document::parse("part", there.into()).expect("a value is there");
        assert_eq!(Some(part.tree()), document.tree().at(pointer));
        starts.push(range.start);
    }
    starts.sort_unstable();
    let one_by_one: Vec<_> = starts.iter().map(|at| place(text, *at)).collect();
    assert_eq!(places(text, starts.iter().copied()), one_by_one);
    for (start, place) in starts.iter().zip(&one_by_one) {
        // Columns count characters there and bytes here: they agree where all are ASCII.
        if text.is_ascii() {
            assert_eq!(offset(text, place.line, place.column), *start);
        }
    }
    if let Some(last) = pointers.last() {
        let near = nearest(&value, last);
        assert!(pointers.len() == 1 || near.is_some());
    }
}

fn collect(value: &Value, at: &Pointer, pointers: &mut Vec<Pointer>) {
    if pointers.len() >= MAX_POINTERS {
        return;
    }
    pointers.push(at.clone());
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, member)| collect(member, &at.key(key), pointers)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| collect(item, &at.index(index), pointers)),
        _ => {}
    }
}
