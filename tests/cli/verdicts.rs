//! The verdicts of replay with a real mock and a real skill. The rules themselves are tested in
//! `src/domain/outcome/check/tests.rs`.

use std::{thread, time::Duration};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};

use crate::{
    support::project,
    world::{Invocation, MockBox, Skill, http, json_lines, keyword, status_card},
};

const TEXT: &str = "fixtures/events/upload-text/event.json";

fn fixture() -> String {
    project(TEXT).display().to_string()
}

/// The one outcome of a replay in JSON, and whether it exited with 0.
fn outcome(mock: &MockBox, skill: &Skill, options: &[&str]) -> (Value, bool) {
    let output = mock
        .replay(skill, &[&fixture()])
        .args(["--format", "json", "--no-check", "expected"])
        .args(options)
        .output()
        .expect("it runs");
    let (mut outcomes, summary) = json_lines(&output.stdout);
    assert_eq!(
        outcomes.len(),
        1,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(summary["ok"].as_bool(), Some(output.status.success()));
    (outcomes.remove(0), output.status.success())
}

/// The reason of a check that failed.
fn reason<'a>(outcome: &'a Value, check: &str) -> &'a str {
    let checks = outcome["checks"].as_array().expect("checks");
    let found = checks
        .iter()
        .find(|found| found["name"] == check)
        .expect("the check");
    assert_eq!(found["ok"], false, "{check} passed: {outcome}");
    found["reason"].as_str().expect("a reason")
}

/// A skill whose `work` calls this mock.
fn skill(mock: &MockBox, work: impl Fn(&Invocation) -> u16 + Send + Sync + 'static) -> Skill {
    let url = mock.url.clone();
    Skill::new(move |invocation| work(&invocation.at(&url)))
}

#[test]
fn a_skill_that_reports_permanent_failure_is_red() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        invocation.report(
            "permanent_failure",
            &json!([status_card("skills_unknown_error")]),
        );
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(!green);
    assert_eq!(
        reason(&outcome, "outcome"),
        "the skill reported permanent_failure, expected was success"
    );
}

#[test]
fn two_writes_before_the_reply_are_both_seen() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        invocation.create(&json!([keyword("first")]));
        invocation.patch(&json!([{"op": "add", "path": "/cards/-", "value": keyword("second")}]));
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(green, "{outcome}");
    let calls = outcome["calls"].as_array().expect("calls");
    let methods: Vec<&str> = calls
        .iter()
        .map(|call| call["method"].as_str().expect("a method"))
        .collect();
    assert_eq!(methods, ["POST", "PUT"]);
}

#[test]
fn the_second_of_two_writes_after_the_reply_is_waited_for() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::afterwards(move |invocation| {
        let invocation = invocation.at(&url);
        invocation.create(&json!([keyword("first")]));
        thread::sleep(Duration::from_millis(50));
        invocation.patch(&json!([{"op": "add", "path": "/cards/-", "value": keyword("second")}]));
    });
    let (outcome, green) = outcome(&mock, &skill, &["--settle", "3s"]);
    assert!(green, "{outcome}");
    assert_eq!(outcome["calls"].as_array().expect("calls").len(), 2);
}

#[test]
fn a_processing_card_after_success_is_red() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        invocation.report("success", &json!([keyword("done")]));
        invocation.report("processing", &json!([status_card("skills_pending_status")]));
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(!green);
    let reason = reason(&outcome, "finished");
    assert!(
        reason.starts_with("processing was written at +"),
        "{reason}"
    );
    assert!(reason.contains("after the final success"), "{reason}");
}

#[test]
fn downloading_with_the_write_token_fails_tokens_and_names_the_right_one() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        assert_eq!(invocation.download(&invocation.token("write")).0, 403);
        invocation.report("success", &json!([keyword("done")]));
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(!green);
    let reason = reason(&outcome, "tokens");
    assert!(reason.starts_with("the write token was used to download: 403 on GET /2.0/files/"));
    assert!(reason.ends_with("that takes the read token"), "{reason}");
}

#[test]
fn a_token_that_the_mock_does_not_know_fails_the_run() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        assert_eq!(invocation.download("a-token-from-somewhere-else").0, 401);
        invocation.report("success", &json!([keyword("done")]));
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(!green);
    assert!(reason(&outcome, "tokens").contains("a token that the mock does not know"));
}

#[test]
fn writing_through_the_metadata_api_alone_is_green() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        let (status, bytes) = invocation.download(&invocation.token("read"));
        assert_eq!(status, 200);
        assert!(!bytes.is_empty());
        assert_eq!(invocation.create(&json!([keyword("done")])), 201);
        assert_eq!(invocation.create(&json!([keyword("again")])), 409);
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(green, "{outcome}");
    assert_eq!(outcome["status"], "success");
}

#[test]
fn answering_before_the_work_is_green() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::afterwards(move |invocation| {
        let invocation = invocation.at(&url);
        thread::sleep(Duration::from_millis(100));
        invocation.report("processing", &json!([status_card("skills_pending_status")]));
        invocation.report("success", &json!([keyword("done")]));
    });
    let (outcome, green) = outcome(&mock, &skill, &[]);
    assert!(green, "{outcome}");
    assert_eq!(outcome["reply"]["status"], 200);
}

#[test]
fn a_card_with_an_integer_id_is_refused_and_red() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        let mut card = keyword("done");
        card["skill"]["id"] = json!(137);
        assert_eq!(invocation.report("success", &json!([card])), 400);
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &["--wait", "300ms"]);
    assert!(!green);
    assert!(reason(&outcome, "cards").contains("(pointer: /cards/0/skill/id)"));
}

#[test]
fn a_reply_of_500_is_red_at_once() {
    let mock = MockBox::start();
    let skill = skill(&mock, |_| 500);
    let (outcome, green) = outcome(&mock, &skill, &["--wait", "10m"]);
    assert!(!green);
    assert!(reason(&outcome, "reply").starts_with("the skill answered 500"));
}

#[test]
fn a_late_reply_is_red() {
    let mock = MockBox::start();
    let skill = skill(&mock, |_| {
        thread::sleep(Duration::from_secs(2));
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &["--timeout", "200ms"]);
    assert!(!green);
    assert!(reason(&outcome, "reply").starts_with("no reply within 200 ms"));
}

#[test]
fn a_skill_that_never_calls_box_gets_a_hint() {
    let mock = MockBox::start();
    let skill = skill(&mock, |_| 200);
    mock.replay(&skill, &[&fixture()])
        .args(["--wait", "300ms"])
        .assert()
        .code(1)
        .stdout(contains("no card was written within 300 ms").and(contains("BOX_API_BASE_URL")));
}

#[test]
fn a_client_that_refuses_the_mocks_certificate_gets_a_hint() {
    let mock = MockBox::start();
    let port = mock.url.rsplit(':').next().expect("a port").to_owned();
    let skill = Skill::new(move |_| {
        // It trusts nothing, as a client with a list of its own does not trust the mock.
        let url = format!("https://127.0.0.1:{port}/2.0/files/1");
        assert!(http().get(url).send().is_err());
        200
    });
    mock.replay(&skill, &[&fixture()])
        .args(["--wait", "300ms"])
        .assert()
        .code(1)
        .stdout(
            contains("The mock saw instead")
                .and(contains("try: start the skill with `-- COMMAND`"))
                .and(contains("NODE_EXTRA_CA_CERTS")),
        );
}
