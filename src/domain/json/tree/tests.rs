//! Tapes and trees, compared with what serde_json makes of the same text.

use proptest::prelude::*;

use serde_json::Value;

use super::{
    cell::{BranchKind, Cell},
    scan::scan,
    *,
};
use crate::domain::json::pointer::Pointer;

/// Any JSON text, with members of the same name, numbers of all forms and escapes.
fn texts() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        Just(r#""\u0041\n""#.to_owned()),
    ];
    let name = prop_oneof![
        Just("\"a\"".to_owned()),
        Just(r#""\u0061""#.to_owned()),
        "[a-d]{1,2}".prop_map(|name| format!("\"{name}\"")),
        Just(r#""$a""#.to_owned()),
        Just(r#""\u0024""#.to_owned()),
    ];
    leaf.prop_recursive(4, 64, 24, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6);
        let members = prop::collection::vec((name.clone(), inner), 0..24);
        prop_oneof![
            list.prop_map(|items| format!("[{}]", items.join(" ,"))),
            members.prop_map(|members| {
                let member = |(name, value)| format!("{name}: {value}");
                format!(
                    "{{{}}}",
                    members
                        .into_iter()
                        .map(member)
                        .collect::<Vec<_>>()
                        .join(",")
                )
            }),
        ]
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn has_name(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_name(item, name)),
        Value::Object(members) => members
            .iter()
            .any(|(own, member)| own == name || has_name(member, name)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_tree_equals_the_value_of_serde_json(text in texts()) {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let compact = value.to_string();
        let of_compact = Tape::read(compact.as_bytes()).expect("JSON");
        prop_assert_eq!(of_compact.tree().to_string(), value.to_string());
        let tape = Tape::read(text.as_bytes()).expect("JSON");
        prop_assert_eq!(&tape, &of_compact);
        prop_assert_eq!(&tape, &Tape::from_value(&value));
        prop_assert_eq!(tape.tree().to_string(), value.to_string());
        prop_assert_eq!(serde_json::to_string(&tape).expect("JSON"), value.to_string());
        prop_assert_eq!(tape.tree().depth(), depth(&value));
        for levels in 0..=depth(&value) {
            let is_deeper = depth(&value) > levels;
            prop_assert_eq!(tape.tree().is_deeper_than(levels), is_deeper);
        }
        let has_dollars = tape.tree().has_name(|own| own.starts_with('$'));
        for tape in [&tape, &of_compact] {
            for levels in 0..=depth(&value) {
                let is_plain = depth(&value) <= levels && !has_dollars;
                prop_assert!(is_plain || !tape.is_surely_plain(levels));
            }
        }
        for name in ["a", "ab", "zz"] {
            let found = tape.tree().has_name(|own| own == name);
            prop_assert_eq!(found, has_name(&value, name));
        }
        prop_assert_eq!(&tape.tree().to_tape(), &tape);
        prop_assert_eq!(&tape.clone().into_owned(), &tape);
        prop_assert_eq!(Value::from(tape), value);
    }
}

/// The pointers to all that is in a value.
fn pointers(value: &Value, at: &Pointer) -> Vec<Pointer> {
    let below: Vec<(Pointer, &Value)> = match value {
        Value::Array(items) => (0..).map(|nth| at.index(nth)).zip(items).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, it)| (at.key(name), it))
            .collect(),
        _ => Vec::new(),
    };
    let deeper = |(at, value): (Pointer, &Value)| {
        let inside = pointers(value, &at);
        std::iter::once(at).chain(inside)
    };
    below.into_iter().flat_map(deeper).collect()
}

fn place(tape: &Tape<'_>, pointer: &Pointer) -> CellIndex {
    pointer
        .tokens()
        .fold(Tape::TOP, |at, token| match tape.at(at) {
            Tree::Array(_) => tape.items(at)[token.parse::<usize>().expect("a number")],
            _ => tape.member(at, &token).expect("a member"),
        })
}

proptest! {
    #[test]
    fn a_tape_is_changed_as_a_value_is(text in texts()) {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        for pointer in pointers(&value, &Pointer::ROOT) {
            let below = |value: &mut Value, with: &dyn Fn(&mut Value)| {
                with(value.pointer_mut(pointer.as_str()).expect("it is there"));
            };
            let compact = value.to_string();
            let mut tape = Tape::read(compact.as_bytes()).expect("JSON");
            let mut other = value.clone();
            tape.put(place(&tape, &pointer), "new");
            below(&mut other, &|it| *it = "new".into());
            prop_assert_eq!(&tape, &Tape::from_value(&other));
            prop_assert_eq!(tape.tree().to_string(), other.to_string());

            let mut tape = Tape::read(compact.as_bytes()).expect("JSON");
            let mut other = value.clone();
            let at = place(&tape, &pointer);
            tape.insert(at, "a", Leaf::Number(1.into()));
            tape.insert(at, "z", "new".to_owned());
            below(&mut other, &|it| {
                if let Value::Object(members) = it {
                    members.insert("a".to_owned(), 1.into());
                    members.insert("z".to_owned(), "new".into());
                }
            });
            prop_assert_eq!(&tape, &Tape::from_value(&other));
            prop_assert_eq!(tape.tree().to_string(), other.to_string());
        }
    }
}

#[test]
fn nested_duplicate_keys_take_no_longer_than_others() {
    const LEVELS: usize = 120;
    let inside = format!("[{}0]", "0,".repeat(200_000));
    let text = (0..LEVELS).fold(inside.clone(), |inner, _| {
        format!(r#"{{"a":0,"a":{inner}}}"#)
    });
    let tape = Tape::read(text.as_bytes()).expect("JSON");
    assert_eq!(tape.tree().depth(), LEVELS + 1);
    let bottom = tape.tree().below(&["a"; LEVELS]).expect("it is there");
    assert_eq!(bottom.to_string(), inside);
    assert!(!tape.tree().has_name(|name| name == "b"));
}

#[test]
fn notes_of_the_scanner_are_valid_until_a_change() {
    let text = br#"{"a": [{"b": 1}], "c": "$"}"#;
    let mut tape = Tape::read(text).expect("JSON");
    let known = |tape: &Tape<'_>| [2, 3].map(|levels| tape.is_surely_plain(levels));
    assert_eq!(known(&tape), [false, true]);
    tape.insert(Tape::TOP, "$d", Leaf::Number(1.into()));
    assert_eq!(known(&tape), [false, false]);
    for text in [r#"{"$a":1}"#, r#"{"\u0024a":1}"#, r#"{"a":{"$":1}}"#] {
        let tape = Tape::read(text.as_bytes()).expect("JSON");
        assert_eq!(known(&tape), [false, false], "{text}");
    }
}

#[test]
fn the_last_of_duplicate_members_is_used_at_the_position_of_the_first() {
    let text = br#"{"a":1,"b":[2],"\u0061":[3,{"a":4,"a":5}]}"#;
    let tape = Tape::read(text).expect("JSON");
    assert_eq!(tape.tree().to_string(), r#"{"a":[3,{"a":5}],"b":[2]}"#);
}

#[test]
fn only_a_whole_value_is_read() {
    for text in ["", "[1", "[1] 2", "{\"a\"}", "\"\u{0}\""] {
        assert!(Tape::read(text.as_bytes()).is_err(), "{text}");
    }
    let error = Tape::read(b"[\"\xff\"]").expect_err("no text");
    assert!(error.to_string().contains("column"), "{error}");
}

#[test]
fn a_pointer_finds_a_value() {
    let tape = Tape::read(br#"{"a/b":[1,{"c":2}]}"#).expect("JSON");
    let tree = tape.tree();
    let list = Pointer::ROOT.key("a/b");
    assert_eq!(tree.at(&Pointer::ROOT), Some(tree));
    let two = tree.at(&list.index(1).key("c"));
    assert_eq!(two.and_then(Tree::as_i64), Some(2));
    assert_eq!(tree.at(&list.index(2)), None);
    assert_eq!(tree.at(&list.key("c")), None);
}

#[test]
fn items_are_iterated_in_order() {
    let mut tape = Tape::read(br#"[[1,[2]],{"a":[3]},4]"#).expect("JSON");
    let items = tape.items(Tape::TOP);
    let shown: Vec<String> = items.iter().map(|at| tape.at(*at).to_string()).collect();
    assert_eq!(shown, ["[1,[2]]", r#"{"a":[3]}"#, "4"]);
    // From behind, for those behind are moved.
    tape.put(items[1], "b");
    tape.put(items[0], "a");
    assert_eq!(tape.tree().to_string(), r#"["a","b",4]"#);
    assert!(tape.items(items[0]).is_empty());
    assert!(tape.member(items[0], "a").is_none());
}

#[test]
fn texts_without_escapes_are_borrowed() {
    let tape = Tape::read(br#"["plain", "es\"caped"]"#).expect("JSON");
    assert!(matches!(&tape.cells[1], Cell::Plain("plain")));
    assert!(matches!(&tape.cells[2], Cell::Owned(text) if &**text == "es\"caped"));
}

#[test]
fn compact_json_is_written_unchanged() {
    let is_kept = |text: &str| {
        let scan = scan(text).expect("JSON");
        let Cell::Branch(list) = scan.cells[0] else {
            panic!("no list");
        };
        assert_eq!((list.kind, list.source), (BranchKind::Array, text));
        list.is_canonical
    };
    assert!(is_kept("[{\"a\":-1,\"b\":[true,\"\u{e9}\u{7f}\"]},null]"));
    assert!(is_kept("[]"));
    for other in [
        "[ ]",
        "[1 ,2]",
        r#"[{"a": 1}]"#,
        r#"["\/"]"#,
        r#"[{"a":1,"a":2}]"#,
        "[1.0e1]",
        "[-0]",
    ] {
        assert!(!is_kept(other), "{other}");
    }
    let mut tape = Tape::read(b"[[1],[2]]").expect("JSON");
    let first = tape.items(Tape::TOP)[0];
    tape.put(tape.items(first)[0], "a");
    assert_eq!(tape.tree().to_string(), r#"[["a"],[2]]"#);
}

#[test]
fn a_cell_is_small() {
    assert_eq!(size_of::<Cell<'_>>(), 24);
}

/// JSON texts with a letter more, less, or another.
fn misspelt() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        prop::sample::select(r#"[]{},:"\/ -+.eE019tfnu"#.chars().collect::<Vec<_>>()),
        any::<char>(),
    ];
    let change = (any::<prop::sample::Index>(), 0..3_usize, letter);
    (texts(), change).prop_map(|(text, (at, how, letter))| {
        let mut letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        match how {
            0 => letters.insert(at, letter),
            1 => letters[at] = letter,
            _ => drop(letters.remove(at)),
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn text_that_serde_json_refuses_is_refused(text in misspelt()) {
        if scan(&text).is_some() {
            let tape = Tape::read(text.as_bytes()).expect("JSON");
            let value: Value = serde_json::from_str(&text).expect("what is taken is JSON");
            prop_assert_eq!(tape.tree().to_string(), value.to_string());
            prop_assert_eq!(Value::from(tape), value);
        }
    }

    #[test]
    fn text_that_serde_json_accepts_is_scanned(text in texts()) {
        prop_assert!(scan(&text).is_some());
    }
}

#[test]
fn white_space_is_accepted_everywhere() {
    let text = "\r\n\t [ 1 ,\t{ \"a\" :\r2 , \"b\":[ ]\n} ] \n";
    let tape = Tape::read(text.as_bytes()).expect("JSON");
    assert_eq!(tape.tree().to_string(), r#"[1,{"a":2,"b":[]}]"#);
    assert!(scan("[1]\u{b}").is_none());
}

#[test]
fn nesting_is_read_as_deep_as_serde_json_reads() {
    for levels in 98..130 {
        let text = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let tape = Tape::read(text.as_bytes());
        let value = serde_json::from_str::<Value>(&text);
        assert_eq!(tape.is_ok(), value.is_ok(), "{levels}");
        assert!(tape.is_err() || tape.is_ok_and(|tape| tape.tree().depth() == levels));
        assert_eq!(scan(&text).is_some(), value.is_ok());
    }
}

#[test]
fn an_empty_row_is_an_empty_array() {
    let empty = Tape::read(b"[[],{}]").expect("JSON");
    let items: Vec<Tree<'_>> = empty.tree().as_array().expect("a list").iter().collect();
    for (tree, empty) in [
        (Tree::Array(Items::default()), items[0]),
        (Tree::Object(Members::default()), items[1]),
    ] {
        assert_eq!(tree, empty);
        assert_eq!(tree.to_tape(), empty.to_tape());
        assert_eq!(tree.to_string(), empty.to_string());
    }
}

proptest! {
    #[test]
    fn each_value_is_found_in_its_text(text in texts()) {
        match Tape::read_strictly(&text) {
            Ok(tape) => {
                let pointers = pointers(&Value::from(tape), &Pointer::ROOT);
                let found = locate(&text, &pointers);
                let tape = Tape::read(text.as_bytes()).expect("JSON");
                for pointer in &pointers {
                    let there = Tape::read(text[found[pointer].clone()].as_bytes());
                    let there = there.expect("a value is there");
                    prop_assert_eq!(Some(there.tree()), tape.tree().at(pointer));
                }
            }
            Err(StrictError::DuplicateKey(duplicate)) => {
                for span in [duplicate.first.clone(), duplicate.second.clone()] {
                    let key: String = serde_json::from_str(&text[span]).expect("a key");
                    prop_assert_eq!(&key, &duplicate.key);
                }
                prop_assert!(duplicate.first.end <= duplicate.second.start);
            }
            Err(StrictError::Syntax(error)) => return Err(TestCaseError::fail(error.to_string())),
        }
    }
}

#[test]
fn the_first_duplicate_key_is_named_however_it_is_escaped() {
    let duplicate = |text| match Tape::read_strictly(text) {
        Err(StrictError::DuplicateKey(duplicate)) => Some(duplicate),
        _ => None,
    };
    let text = r#"{"a": {"b": 1, "c": 2, "\u0062": 3}, "a": 1}"#;
    let found = duplicate(text).expect("there is one");
    assert_eq!(found.key, "b");
    assert_eq!(&text[found.first], "\"b\"");
    assert_eq!(&text[found.second], "\"\\u0062\"");
    assert_eq!(duplicate(r#"[{"a": 1}, {"a": {"a": 2}}]"#), None);
}

#[test]
fn text_that_is_not_json_has_no_spans() {
    for text in ["", "{", "[", "{\"a", "{\"a\":", "[1,", "\"\\", "}", "{]"] {
        assert!(locate(text, &[Pointer::ROOT.key("a")]).is_empty(), "{text}");
    }
}
