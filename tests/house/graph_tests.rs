//! The graph of files on small made-up crates.

use crate::{
    forbidden_edges,
    graph::{Code, Graph, Sources},
    unused_edges,
};

/// A crate whose `lib.rs` declares every top-level module among the files.
fn crate_of(files: &[(&str, &str)]) -> Sources {
    let mut sources: Sources = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    let of_the_root = |path: &String| {
        let module = path.strip_suffix("/mod.rs").or(path.strip_suffix(".rs"))?;
        (!module.contains('/')).then(|| format!("mod {module};"))
    };
    let root = sources.keys().filter_map(of_the_root).collect();
    sources.insert("lib.rs".to_owned(), root);
    sources
}

fn read(files: &[(&str, &str)]) -> Graph {
    Graph::read(&crate_of(files), Code::Production)
}

fn edges(graph: &Graph) -> Vec<String> {
    graph
        .edges
        .iter()
        .map(|((from, to), names)| format!("{from} -> {to}: {names:?}"))
        .collect()
}

#[test]
fn a_planted_circle_is_found_with_the_names_that_tie_it() {
    let graph = read(&[
        ("a.rs", "use crate::b::Two;\npub struct One;"),
        ("b.rs", "pub struct Two;\nfn f() { crate::c::three(); }"),
        ("c.rs", "pub fn three() -> super::a::One { todo!() }"),
        ("d.rs", "use crate::{a::One, b::Two};"),
    ]);
    assert_eq!(graph.circles(), [["a.rs", "b.rs", "c.rs"]]);
    assert_eq!(
        graph.ties(&graph.circles()[0]),
        "  a.rs -> b.rs: Two\n  b.rs -> c.rs: three\n  c.rs -> a.rs: One"
    );
}

#[test]
fn two_circles_are_distinguished() {
    let graph = read(&[
        ("a.rs", "use crate::b::B;\npub struct A;"),
        ("b.rs", "use crate::a::A;\npub struct B(A);"),
        ("c.rs", "use crate::d::D;\nuse crate::a::A;\npub struct C;"),
        ("d.rs", "use crate::c::C;\npub struct D(C);"),
    ]);
    assert_eq!(graph.circles(), [["a.rs", "b.rs"], ["c.rs", "d.rs"]]);
}

#[test]
fn declarations_make_no_circle() {
    let graph = read(&[
        ("a/mod.rs", "mod child;\npub struct Parent;"),
        ("a/child.rs", "use super::Parent;\nstruct Child(Parent);"),
    ]);
    assert_eq!(edges(&graph), [r#"a/child.rs -> a/mod.rs: {"Parent"}"#]);
    assert!(graph.circles().is_empty());
}

#[test]
fn a_parent_that_uses_its_child_is_in_a_circle_with_it() {
    let graph = read(&[
        (
            "a/mod.rs",
            "mod child;\npub use child::Child;\npub struct Parent;",
        ),
        (
            "a/child.rs",
            "use super::Parent;\npub struct Child(Parent);",
        ),
    ]);
    assert_eq!(graph.circles(), [["a/child.rs", "a/mod.rs"]]);
}

#[test]
fn code_for_tests_makes_no_circle_wherever_it_is() {
    let files = [
        (
            "a.rs",
            "
            pub struct One;
            #[cfg(test)]
            use crate::b::Two;
            pub fn kept() { crate::c::three() }
            #[cfg(all(test, unix))]
            mod tests { use crate::b::Two; }
            impl One {
                #[cfg(test)]
                fn f(&self) -> crate::b::Two { crate::b::Two }
                fn g(&self) { #[cfg(test)] let it = crate::b::Two; }
            }
            #[test]
            fn it_works() { crate::b::Two; }
            ",
        ),
        (
            "b.rs",
            "use crate::a::One;\npub struct Two;\n#[cfg(test)]\nmod tests;",
        ),
        ("b/tests.rs", "use crate::c::three;"),
        ("c.rs", "pub fn three() {}"),
    ];
    let graph = read(&files);
    assert_eq!(
        edges(&graph),
        [r#"a.rs -> c.rs: {"three"}"#, r#"b.rs -> a.rs: {"One"}"#]
    );
    assert!(!graph.files.contains("b/tests.rs"));

    let with_tests = Graph::read(&crate_of(&files), Code::WithTests);
    assert_eq!(with_tests.circles(), [["a.rs", "b.rs"]]);
    assert!(with_tests.files.contains("b/tests.rs"));
}

#[test]
fn what_is_compiled_outside_of_tests_too_counts() {
    let graph = read(&[
        (
            "a.rs",
            "
            #[cfg(not(test))]
            use crate::b::Two;
            #[cfg(any(test, unix))]
            use crate::b::Three;
            ",
        ),
        ("b.rs", "pub struct Two;\npub struct Three;"),
    ]);
    assert_eq!(edges(&graph), [r#"a.rs -> b.rs: {"Three", "Two"}"#]);
}

#[test]
fn a_re_export_is_resolved_to_the_file_that_defines_the_name() {
    let graph = read(&[
        (
            "a/mod.rs",
            "mod deep;\npub mod named;\npub use self::deep::{Hidden as Shown, inner};\npub use named::*;",
        ),
        (
            "a/deep.rs",
            "pub struct Hidden;\npub mod inner { pub struct Inner; }",
        ),
        ("a/named.rs", "pub struct Named;"),
        (
            "b.rs",
            "
            use crate::a::{self, Shown};
            fn f(it: a::Named) { a::inner::Inner; }
            ",
        ),
        ("c/mod.rs", "use crate::a::Shown;\nmod child;"),
        ("c/child.rs", "use super::Shown;"),
    ]);
    let of_b_and_c: Vec<_> = edges(&graph)
        .into_iter()
        .filter(|edge| !edge.starts_with("a/"))
        .collect();
    assert_eq!(
        of_b_and_c,
        [
            r#"b.rs -> a/deep.rs: {"Hidden", "Inner"}"#,
            r#"b.rs -> a/named.rs: {"Named"}"#,
            r#"c/child.rs -> a/deep.rs: {"Hidden"}"#,
            r#"c/mod.rs -> a/deep.rs: {"Hidden"}"#,
        ]
    );
}

#[test]
fn a_function_with_the_name_of_a_module_is_not_part_of_its_paths() {
    let graph = read(&[
        ("a/mod.rs", "mod run;\nmod runner;\npub use runner::run;"),
        ("a/run.rs", "pub struct Run;"),
        (
            "a/runner.rs",
            "use super::run::Run;\npub fn run(run: Run) {}",
        ),
        ("b.rs", "use crate::a::run;"),
    ]);
    assert_eq!(
        edges(&graph),
        [
            r#"a/mod.rs -> a/runner.rs: {"run"}"#,
            r#"a/runner.rs -> a/run.rs: {"Run"}"#,
            r#"b.rs -> a/runner.rs: {"run"}"#,
        ]
    );
}

#[test]
fn paths_are_read_in_braces_bodies_types_macros_and_attributes() {
    let graph = read(&[
        (
            "a.rs",
            "use crate::{b::{c::{D, e}, F}, g};\nfn h() { g::i() }",
        ),
        ("b/mod.rs", "pub mod c;\npub struct F;"),
        ("b/c.rs", "pub struct D;\npub fn e() {}"),
        ("g.rs", "pub fn i() {}"),
        (
            "j.rs",
            r#"
            #[serde(with = "crate::g::i")]
            struct K(Vec<crate::b::F>);
            fn l() { println!("{}", [crate::b::c::e()]); }
            /// [`crate::a::h`] in a comment is not a use.
            fn m() { use crate::b::c::D; }
            "#,
        ),
        (
            "n.rs",
            "fn f(it: Option<u8>) { match it { Some(crate::o::P) => {} _ => {} } }",
        ),
        ("o.rs", "pub const P: u8 = 1;"),
    ]);
    assert_eq!(
        edges(&graph),
        [
            r#"a.rs -> b/c.rs: {"D", "e"}"#,
            r#"a.rs -> b/mod.rs: {"F"}"#,
            r#"a.rs -> g.rs: {"i"}"#,
            r#"j.rs -> b/c.rs: {"D", "e"}"#,
            r#"j.rs -> b/mod.rs: {"F"}"#,
            r#"j.rs -> g.rs: {"i"}"#,
            r#"n.rs -> o.rs: {"P"}"#,
        ]
    );
}

#[test]
fn names_of_other_crates_are_written_out() {
    let graph = read(&[(
        "a.rs",
        "
        use std::{fs, time::{self, SystemTime}};
        use jiff::Timestamp;
        fn f() { fs::read(Timestamp::now()); ::tokio::spawn(SystemTime::now()); time::Instant::now(); }
        ",
    )]);
    let paths: Vec<_> = graph.foreign["a.rs"].iter().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "jiff::Timestamp",
            "jiff::Timestamp::now",
            "std::fs",
            "std::fs::read",
            "std::time",
            "std::time::Instant::now",
            "std::time::SystemTime",
            "std::time::SystemTime::now",
            "tokio::spawn",
        ]
    );
}

#[test]
fn the_program_reaches_the_library_by_its_name() {
    let mut sources = crate_of(&[("a.rs", "pub fn run() {}")]);
    sources.insert(
        "main.rs".to_owned(),
        "use skillctl::a;\nfn main() { a::run() }".to_owned(),
    );
    let graph = Graph::read(&sources, Code::Production);
    assert_eq!(edges(&graph), [r#"main.rs -> a.rs: {"run"}"#]);
}

#[test]
fn edges_that_the_table_lacks_and_edges_that_nothing_uses_are_named() {
    let graph = read(&[
        ("low/mod.rs", "pub struct Low;"),
        ("high/mod.rs", "use crate::low::Low;\npub struct High;"),
        ("side.rs", "use crate::high::High;"),
    ]);
    let table: &[(&str, &[&str])] = &[
        ("high", &["low", "side"]),
        ("low", &["high"]),
        ("side", &[]),
    ];
    assert_eq!(
        forbidden_edges(&graph, table),
        [r#"side.rs must not import from `high`: {"High"} of high/mod.rs"#]
    );
    assert_eq!(
        unused_edges(&graph, table),
        [
            "`high` imports nothing from `side`",
            "`low` imports nothing from `high`"
        ]
    );
    assert_eq!(
        forbidden_edges(&graph, &[("high", &["low"]), ("low", &[])]),
        [
            "side.rs: the folder `side` is not in the table",
            r#"side.rs must not import from `high`: {"High"} of high/mod.rs"#
        ]
    );
}
