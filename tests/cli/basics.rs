//! What holds for the binary as a whole.

use predicates::{prelude::PredicateBooleanExt, str::contains};

use crate::support::{project, skillctl};

#[test]
fn version_names_the_crate_and_exits_0() {
    skillctl()
        .arg("--version")
        .assert()
        .success()
        .stdout(format!("skillctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_unknown_option_exits_2_and_points_to_help() {
    skillctl()
        .arg("--no-such-option")
        .assert()
        .code(2)
        .stderr(contains("--no-such-option").and(contains("--help")));
}

#[test]
fn the_licence_lies_at_the_top() {
    assert!(project("LICENSE").is_file());
}
