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
fn the_licence_is_at_the_top() {
    assert!(project("LICENSE").is_file());
}

#[test]
fn a_wrong_value_is_reported_with_what_is_expected_and_an_example() {
    for (words, expected) in [
        (
            "replay --skill localhost:8080 x",
            "did you mean http://localhost:8080/?",
        ),
        (
            "replay --sample-skill --wait soon x",
            "try 300ms, 10s or 1m 30s",
        ),
        (
            "fetch --event x --box api.box.com",
            "did you mean http://api.box.com/?",
        ),
        ("mock-box --listen 7269", "did you mean 127.0.0.1:7269?"),
        (
            "event new x --created-at yesterday",
            "try 2026-03-02T09:15:01-08:00",
        ),
        ("replay --sample-skill --set /a x", "POINTER=VALUE, as in"),
    ] {
        skillctl()
            .args(words.split(' '))
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains(expected));
    }
}
