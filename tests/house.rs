//! The house rules that the compiler does not hold: which room may import which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use walkdir::WalkDir;

/// Room → the rooms it may import, beside itself. Arrows point down only: a room that is not
/// named in another's row must not be reached from there.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("env", &["domain"]),
    ("render", &["domain"]),
    ("cli", &["domain"]),
    ("exit", &["render"]),
    ("terminal", &["cli", "domain", "env", "render"]),
    ("mock_box", &["domain"]),
    ("store", &["domain", "env", "mock_box"]),
    ("delivery", &["client", "domain", "env"]),
    ("client", &["domain", "env"]),
    ("server", &["domain", "env", "mock_box", "store"]),
    ("pump", &["delivery", "domain", "env", "mock_box", "store"]),
    ("watch", &["domain", "mock_box", "store"]),
    ("skill", &["domain", "env"]),
    ("replay", &["client", "delivery", "domain", "env"]),
    ("sample_skill", &[]),
    (
        "commands",
        &[
            "cli",
            "client",
            "delivery",
            "domain",
            "env",
            "exit",
            "mock_box",
            "pump",
            "render",
            "replay",
            "sample_skill",
            "server",
            "store",
            "skill",
            "terminal",
            "watch",
        ],
    ),
    ("main", &["cli", "commands", "env", "exit", "terminal"]),
];

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(room, rooms)| (*room, rooms.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room_of(&path);
        if room == "lib" {
            continue;
        }
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{path}: the room `{room}` is not in the table"));
            continue;
        };
        for other in imported_rooms(&text) {
            if other != room && !may.contains(other.as_str()) {
                wrong.push(format!("{path}: `{room}` must not import `{other}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn domain_and_the_state_machine_touch_nothing_outside() {
    const OUTSIDE: &[&str] = &[
        "std::fs",
        "std::net",
        "io::std",
        "std::env",
        "std::process",
        "std::time::SystemTime",
        "Timestamp::now",
        "Zoned::now",
        "tokio",
        "reqwest",
        "hyper",
        "clap",
        "colored",
        "Uuid::new_v4",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !matches!(room_of(&path).as_str(), "domain" | "mock_box" | "render") {
            continue;
        }
        let rules = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in OUTSIDE {
            if code_of(rules).any(|line| line.contains(word)) {
                wrong.push(format!("{path}: `{word}`"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "pure rooms reach outside:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn only_the_terminal_knows_colours_and_progress_bars() {
    for (path, text) in sources() {
        let room = room_of(&path);
        for word in ["colored::", "indicatif::"] {
            assert!(
                room == "terminal" || !code_of(&text).any(|line| line.contains(word)),
                "{path}: `{word}` outside src/terminal"
            );
        }
        assert!(
            matches!(room.as_str(), "cli" | "commands" | "exit" | "main")
                || !code_of(&text).any(|line| line.contains("clap::")),
            "{path}: clap types stop at `commands`"
        );
    }
}

#[test]
fn main_stays_within_thirty_lines() {
    let main = fs::read_to_string(root().join("src/main.rs")).expect("main.rs is there");
    assert!(main.lines().count() <= 30);
}

#[test]
fn the_tests_that_the_security_document_names_are_there() {
    let document = fs::read_to_string(root().join("docs/security.md")).expect("it is there");
    let is_of_a_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let named: BTreeSet<&str> = document
        .split('`')
        .filter(|word| word.matches('_').count() >= 3 && word.chars().all(is_of_a_name))
        .collect();
    assert!(named.len() > 50, "{} tests are named", named.len());
    let mut there = String::new();
    for folder in ["src", "tests"] {
        for entry in WalkDir::new(root().join(folder)) {
            let entry = entry.expect("it can be walked");
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "rs") {
                there += &fs::read_to_string(path).expect("sources are text");
            }
        }
    }
    let is_missing = |name: &&&str| !there.contains(&format!("fn {name}("));
    let missing: Vec<_> = named.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below `src`, by its path from there.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let mut found = Vec::new();
    for entry in WalkDir::new(&src).sort_by_file_name() {
        let entry = entry.expect("src can be walked");
        if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "rs")
        {
            let name = entry.path().strip_prefix(&src).expect("it is below src");
            let text = fs::read_to_string(entry.path()).expect("sources are text");
            found.push((name.to_string_lossy().into_owned(), text));
        }
    }
    assert!(found.len() > 10, "the walk found the sources");
    found
}

/// `mock_box/routes.rs` and `mock_box.rs` are both in the room `mock_box`.
fn room_of(path: &str) -> String {
    let first = path.split('/').next().unwrap_or(path);
    first.trim_end_matches(".rs").to_owned()
}

/// The lines that are no comments.
fn code_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

/// The rooms behind `crate::` and `skillctl::` in a file, also inside braces.
fn imported_rooms(text: &str) -> BTreeSet<String> {
    let code: String = code_of(text).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for root in ["crate::", "skillctl::"] {
        for (at, _) in code.match_indices(root) {
            let rest = &code[at + root.len()..];
            if let Some(inside) = rest.strip_prefix('{') {
                rooms.extend(first_names_in_braces(inside));
            } else {
                rooms.extend(first_name(rest));
            }
        }
    }
    rooms
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .take_while(|character| character.is_ascii_lowercase() || *character == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The first path segments of `a::b, c::{d, e}, f}`.
fn first_names_in_braces(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut starts = true;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts = true,
            _ if character.is_whitespace() => {}
            _ => {
                if starts && depth == 0 {
                    names.extend(first_name(&text[at..]));
                }
                starts = false;
            }
        }
    }
    names
}
