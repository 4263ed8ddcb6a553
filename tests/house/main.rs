//! The rules of the house that the compiler does not hold: which folder may import which, no circle
//! of files, and what the documents name is there.

mod box_calls;
mod graph;
mod graph_tests;
mod uses;

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use graph::{Code, Graph, Sources};
use walkdir::WalkDir;

/// Folder of `src` → the folders that it may import. Arrows point down only. An entry that nothing
/// uses fails.
const ALLOWED: Table = &[
    ("domain", &[]),
    ("env", &["domain"]),
    ("render", &["domain"]),
    ("cli", &["domain", "env"]),
    ("exit", &["render"]),
    ("terminal", &["cli", "env", "render"]),
    ("mock_box", &["domain"]),
    ("store", &["domain", "env", "mock_box"]),
    ("delivery", &["client", "domain"]),
    ("client", &["domain", "env"]),
    ("server", &["domain", "env", "mock_box", "render", "store"]),
    ("pump", &["delivery", "domain", "mock_box", "store"]),
    ("watch", &["domain", "mock_box", "store"]),
    ("skill", &["domain", "env"]),
    ("replay", &["client", "delivery", "domain", "env"]),
    ("sample_skill", &[]),
    ("init", &[]),
    ("doctor", &["client", "domain", "env", "server", "skill"]),
    ("capture", &["client", "domain", "env", "server"]),
    (
        "commands",
        &[
            "capture",
            "cli",
            "client",
            "delivery",
            "doctor",
            "domain",
            "env",
            "exit",
            "init",
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

/// The same for the files and folders of `src/mock_box`.
const MOCK_BOX: Table = &[
    ("model", &[]),
    ("state", &["model"]),
    ("http", &["model"]),
    ("auth", &["http", "model", "state"]),
    ("context", &["auth", "http", "model", "state"]),
    ("view", &["http", "model", "state"]),
    ("ops", &["model", "state"]),
    (
        "api",
        &["auth", "context", "http", "model", "ops", "state", "view"],
    ),
    (
        "pipeline",
        &["api", "auth", "context", "http", "model", "state"],
    ),
    ("admin", &["context", "http", "model", "ops", "state"]),
];

#[test]
fn every_folder_imports_only_what_the_table_allows() {
    let wrong = forbidden_edges(with_tests(), ALLOWED);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_edge_of_the_table_is_used_by_production_code() {
    let unused = unused_edges(production(), ALLOWED);
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

#[test]
fn the_mock_box_imports_downwards() {
    let graph = production().below("mock_box/");
    let wrong = [
        forbidden_edges(&graph, MOCK_BOX),
        unused_edges(&graph, MOCK_BOX),
    ]
    .concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_arrows_of_the_tables_point_down_only() {
    for table in [ALLOWED, MOCK_BOX] {
        let mut left: Vec<_> = table.to_vec();
        while let Some(lowest) = left
            .iter()
            .position(|(_, below)| !left.iter().any(|(folder, _)| below.contains(folder)))
        {
            left.remove(lowest);
        }
        assert!(left.is_empty(), "these import each other: {left:?}");
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let graph = production();
    let circles = graph.circles().into_iter().map(|circle| {
        let ties = graph.ties(&circle);
        format!("these files import each other in a circle:\n{ties}")
    });
    let circles: Vec<_> = circles.collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn every_source_file_is_compiled() {
    let sources = sources();
    let compiled = &with_tests().files;
    let left_out: Vec<_> = sources
        .keys()
        .filter(|file| !compiled.contains(*file))
        .collect();
    assert!(left_out.is_empty(), "no `mod` declares {left_out:?}");
}

#[test]
fn pure_folders_touch_nothing_outside() {
    const OUTSIDE: &[&str] = &[
        "std::fs",
        "std::net::Tcp",
        "std::net::ToSocketAddrs",
        "std::net::Udp",
        "std::os",
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
    let graph = production();
    let mut wrong = Vec::new();
    for (file, paths) in &graph.foreign {
        if !matches!(folder_of(file), "domain" | "mock_box" | "render") {
            continue;
        }
        for path in paths {
            if OUTSIDE.iter().any(|outside| leads_to(path, outside)) {
                wrong.push(format!("{file}: {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_terminal_knows_colours_and_progress_bars() {
    let mut wrong = Vec::new();
    for (file, paths) in &with_tests().foreign {
        let folder = folder_of(file);
        let of_terminals = folder == "terminal";
        let of_arguments = matches!(folder, "cli" | "commands" | "exit" | "main");
        for path in paths {
            let is_a_colour = leads_to(path, "colored") || leads_to(path, "indicatif");
            let is_an_argument = leads_to(path, "clap");
            if is_a_colour && !of_terminals || is_an_argument && !of_arguments {
                wrong.push(format!("{file}: {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// In `docs/architecture.md` the functions of a file are named after it, on the same line:
/// `src/a.rs`, then `run()`.
#[test]
fn the_files_and_functions_that_the_architecture_names_are_there() {
    let document = fs::read_to_string(root().join("docs/architecture.md")).expect("it is there");
    let mut wrong = Vec::new();
    let (mut paths, mut functions) = (0, 0);
    for line in document.lines() {
        let mut file = None;
        for word in line.split('`').skip(1).step_by(2) {
            if word.starts_with("src/") {
                paths += 1;
                file = Some(word);
                if !root().join(word).exists() {
                    wrong.push(format!("there is no {word}"));
                }
            } else if let (Some(file), Some(name)) = (file, word.strip_suffix("()")) {
                functions += 1;
                let text = fs::read_to_string(root().join(file)).unwrap_or_default();
                let is_there = |ending| text.contains(&format!("fn {name}{ending}"));
                if !is_there('(') && !is_there('<') {
                    wrong.push(format!("{file} has no function {name}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        paths > 30 && functions > 30,
        "{paths} paths, {functions} functions"
    );
}

/// What production code uses.
fn production() -> &'static Graph {
    static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::read(&sources(), Code::Production));
    &GRAPH
}

/// What production code and the tests next to it use.
fn with_tests() -> &'static Graph {
    static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::read(&sources(), Code::WithTests));
    &GRAPH
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below `src`, by its path from there.
fn sources() -> Sources {
    let src = root().join("src");
    let mut found = Sources::new();
    for entry in WalkDir::new(&src) {
        let entry = entry.expect("src can be walked");
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(&src).expect("it is below src");
            let text = fs::read_to_string(path).expect("sources are text");
            found.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    assert!(found.len() > 10, "the walk found the sources");
    found
}

/// `mock_box/pipeline.rs` and `mock_box.rs` are both of the folder `mock_box`.
fn folder_of(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.trim_end_matches(".rs")
}

/// `lib.rs`, and `mod.rs` of a folder, which declare and re-export all others.
fn is_a_root(folder: &str) -> bool {
    matches!(folder, "lib" | "mod")
}

/// A table of folders: folder → the folders that it may import.
type Table<'a> = &'a [(&'a str, &'a [&'a str])];

/// The edges between folders that a table does not have.
fn forbidden_edges(graph: &Graph, table: Table) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in &graph.files {
        let folder = folder_of(file);
        if !is_a_root(folder) && !table.iter().any(|(name, _)| *name == folder) {
            wrong.push(format!("{file}: the folder `{folder}` is not in the table"));
        }
    }
    for ((from, to), names) in &graph.edges {
        let (folder, other) = (folder_of(from), folder_of(to));
        let is_allowed = table
            .iter()
            .any(|(name, others)| *name == folder && others.contains(&other));
        if folder != other && !is_a_root(folder) && !is_allowed {
            wrong.push(format!(
                "{from} must not import from `{other}`: {names:?} of {to}"
            ));
        }
    }
    wrong
}

/// The entries of a table that no file uses.
fn unused_edges(graph: &Graph, table: Table) -> Vec<String> {
    let used: BTreeSet<_> = graph
        .edges
        .keys()
        .map(|(from, to)| (folder_of(from), folder_of(to)))
        .collect();
    let mut unused = Vec::new();
    for (folder, others) in table {
        for other in *others {
            if !used.contains(&(*folder, *other)) {
                unused.push(format!("`{folder}` imports nothing from `{other}`"));
            }
        }
    }
    unused
}

/// Whether a path has a part that starts with these segments: `std::fs::File` is part of `std::fs`.
fn leads_to(path: &str, segments: &str) -> bool {
    format!("::{path}").contains(&format!("::{segments}"))
}
