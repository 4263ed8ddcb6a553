//! `expected.json`: what it can expect, how long that is waited for, and what `--update` writes. A
//! `--wait` of ten minutes is a wait that must not happen.

use std::{fs, path::Path};

use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::project,
    world::{MockBox, Skill, failed_check, json_lines, keyword},
};

/// A case folder with this `expected.json`, or without one.
fn case(expected: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let event = project("fixtures/events/upload-text/event.json");
    fs::copy(event, folder.path().join("event.json")).expect("it is copied");
    if let Some(text) = expected {
        fs::write(folder.path().join("expected.json"), text).expect("it is written");
    }
    folder
}

/// Options with which only the silence of `--give-up` ends the wait in time.
const PATIENT: [&str; 4] = ["--wait", "10m", "--give-up", "100ms"];

/// The outcome of a case.
fn outcome(mock: &MockBox, skill: &Skill, case: &Path, options: &[&str]) -> Value {
    let output = mock
        .replay(skill, &[&case.display().to_string()])
        .args(["--format", "json"])
        .args(options)
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.stdout.is_empty(), "{stderr}");
    json_lines(&output.stdout).0.remove(0)
}

#[test]
fn processing_nothing_and_any_cards_can_be_expected() {
    let mock = MockBox::start();
    let nothing = Skill::at(&mock, |_| {});
    let working = Skill::at(&mock, |invocation| {
        invocation.report("processing", &json!([]));
    });
    let done = Skill::at(&mock, |invocation| {
        invocation.report("success", &json!([keyword("done")]));
    });
    for (expected, skill) in [
        (r#"{"status": null}"#, &nothing),
        (r#"{"cards": []}"#, &nothing),
        (r#"{"status": null, "cards": []}"#, &nothing),
        (r#"{"status": "processing"}"#, &working),
        (r#"{"cards": "<any>"}"#, &done),
        (r#"{"status": "success", "cards": "<any>"}"#, &done),
    ] {
        let case = case(Some(expected));
        let found = outcome(&mock, skill, case.path(), &PATIENT);
        assert_eq!(found["ok"], true, "{expected}: {found}");
    }
}

#[test]
fn a_skill_that_fills_another_template_passes_where_that_is_expected() {
    let mock = MockBox::start();
    let skill = Skill::at(&mock, |invocation| {
        let fields = json!({"invoice": "2214"});
        assert_eq!(
            invocation.create_metadata("global/properties", &fields),
            201
        );
    });
    let right = case(Some(
        r#"{"metadata": {"global/properties": {"invoice": "2214"}}}"#,
    ));
    let found = outcome(&mock, &skill, right.path(), &["--wait", "10m"]);
    assert_eq!(found["ok"], true, "{found}");
    let wrong = case(Some(
        r#"{"metadata": {"global/properties": {"invoice": "1"}}}"#,
    ));
    let found = outcome(&mock, &skill, wrong.path(), &["--wait", "10m"]);
    let check = failed_check(&found, "expected");
    assert_eq!(check["differences"][0]["pointer"], "/invoice");
    let unexpected = case(None);
    let found = outcome(&mock, &skill, unexpected.path(), &["--wait", "300ms"]);
    let check = failed_check(&found, "finished");
    assert_eq!(check["reason"], "no card was written within 300 ms");
    let hint = check["hint"].as_str().expect("a hint");
    assert!(
        hint.starts_with("the skill wrote global/properties"),
        "{hint}"
    );
}

#[test]
fn update_writes_what_the_next_replay_expects() {
    let mock = MockBox::start();
    let metadata = Skill::at(&mock, |invocation| {
        invocation.create_metadata("global/properties", &json!({"invoice": "2214"}));
    });
    let working = Skill::at(&mock, |invocation| {
        invocation.report("processing", &json!([]));
    });
    for (skill, written, said) in [
        (
            &metadata,
            json!({"metadata": {"global/properties": {"invoice": "2214"}}}),
            "global/properties",
        ),
        (
            &working,
            json!({"status": "processing", "cards": []}),
            "processing, no cards",
        ),
    ] {
        let case = case(None);
        mock.replay(skill, &[&case.path().display().to_string()])
            .args(["--update", "--wait", "300ms"])
            .assert()
            .success()
            .stderr(contains(format!("expected.json: {said}")));
        let text = fs::read_to_string(case.path().join("expected.json")).expect("it is written");
        let found: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found, written);
        let found = outcome(&mock, skill, case.path(), &PATIENT);
        assert_eq!(found["ok"], true, "{found}");
    }
}

#[test]
fn a_wrong_expected_json_exits_2_with_its_position_and_sends_nothing() {
    let mock = MockBox::start();
    let skill = Skill::at(&mock, |_| {});
    for (expected, position, message) in [
        (
            "{\n  \"stats\": 1}",
            "expected.json:2:12",
            "no member `stats`",
        ),
        (
            "{\"status\": \"done\"}",
            "expected.json:1:12",
            "not a status",
        ),
        (
            "{\"cards\": null}",
            "expected.json:1:11",
            "`cards` is not a list",
        ),
        (
            "{\"metadata\": {\"properties\": {}}}",
            "expected.json:1:29",
            "another template",
        ),
        ("[]", "expected.json:1:1", "not an expected.json"),
    ] {
        let case = case(Some(expected));
        mock.replay(&skill, &[&case.path().display().to_string()])
            .assert()
            .code(2)
            .stderr(contains(position))
            .stderr(contains(message));
    }
    assert_eq!(skill.events(), 0);
}
