//! `init`: a new skill is green at once.

use std::fs;

use predicates::str::contains;

use crate::support::skillctl;

/// Makes a skill and replays its case.
fn is_green(language: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    skillctl()
        .args(["init", "skill", "--lang", language])
        .current_dir(folder.path())
        .assert()
        .success()
        .stderr(contains("next: cd skill && skillctl replay"));
    skillctl()
        .arg("replay")
        .current_dir(folder.path().join("skill"))
        .assert()
        .success()
        .stdout(contains("1 event: 1 passed"));
}

#[test]
fn a_new_skill_for_node_is_green() {
    is_green("node");
}

#[test]
fn a_new_skill_for_python_is_green() {
    is_green("python");
}

#[test]
fn a_new_lambda_function_for_node_is_green() {
    is_green("node-lambda");
}

#[test]
fn a_new_lambda_function_for_python_is_green() {
    is_green("python-lambda");
}

#[test]
fn a_new_skill_verifies_signatures_when_it_has_a_key() {
    for language in ["node", "python", "node-lambda", "python-lambda"] {
        let folder = tempfile::tempdir().expect("a folder");
        let replay = |key: &str| {
            let mut command = skillctl();
            command
                .args(["replay", "--primary-key-env", "KEY"])
                .current_dir(folder.path())
                .env("KEY", key)
                .env("BOX_PRIMARY_KEY", "the-key");
            command
        };
        skillctl()
            .args(["init", "--lang", language])
            .current_dir(folder.path())
            .assert()
            .success();
        replay("the-key").assert().success();
        replay("another").assert().code(1).stdout(contains("403"));
    }
}

#[test]
fn init_never_overwrites_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("app.py"), "mine").expect("it is written");
    skillctl()
        .args(["init", "--lang", "python"])
        .current_dir(folder.path())
        .assert()
        .code(2)
        .stderr(contains("app.py exists already"));
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1);
}

#[test]
fn a_missing_runtime_is_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    skillctl()
        .args(["init", "--lang", "node"])
        .current_dir(folder.path())
        .env("PATH", "/no/such/folder")
        .assert()
        .success()
        .stderr(contains("node is not on the PATH"));
}
