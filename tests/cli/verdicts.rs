//! The verdicts of replay with a real mock and a real skill. The rules themselves are tested in
//! `src/domain/outcome/check/tests.rs`.

use std::{io::Read, net::TcpListener, thread, time::Duration};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};

use crate::{
    support::{project, skillctl},
    world::{Invocation, MockBox, Skill, failed_check, http, json_lines, keyword, status_card},
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
    let reason = &failed_check(outcome, check)["reason"];
    reason.as_str().expect("a reason")
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
        "the skill reported permanent_failure; success was expected"
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
    assert_eq!(
        failed_check(&outcome, "tokens")["hint"],
        "use the event's read token (token.read.access_token)"
    );
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
fn a_call_without_an_event_still_counts_as_a_call() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = skill(&mock, move |_| {
        let request = http()
            .put(format!("{url}/2.0/skill_invocations/1"))
            .bearer_auth("unknown");
        assert_eq!(request.send().expect("an answer").status(), 401);
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &["--wait", "300ms"]);
    assert!(!green);
    let finished = failed_check(&outcome, "finished");
    assert!(finished.get("hint").is_none(), "{outcome}");
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
fn what_the_validator_warns_of_is_a_warning_and_fails_with_strict() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        let mut card = keyword("done");
        let title = json!({"code": "skills_topics", "message": "Topics"});
        let members = card.as_object_mut().expect("a card");
        members.remove("skill_card_title");
        members.insert("title".to_owned(), title);
        assert_eq!(invocation.report("success", &json!([card, card])), 200);
        200
    });
    let (found, green) = outcome(&mock, &skill, &[]);
    assert!(green, "{found}");
    let warnings = found["warnings"].as_array().expect("warnings");
    assert_eq!(warnings.len(), 2, "{found}");
    assert_eq!(warnings[0]["code"], "title-ignored");
    assert_eq!(warnings[0]["pointer"], "/0/title");
    let message = warnings[0]["message"].as_str().expect("a message");
    mock.replay(&skill, &[&fixture()])
        .args(["--no-check", "expected"])
        .assert()
        .success()
        .stdout(contains(format!(
            "warning   {message}  at /0/title, and 1 more"
        )))
        .stdout(contains("1 passed, 1 with warnings"));
    let (found, green) = outcome(&mock, &skill, &["--strict"]);
    assert!(!green);
    assert!(reason(&found, "warnings").starts_with("--strict accepts no warning"));
}

#[test]
fn a_body_that_names_another_file_is_named_with_the_file_of_the_event() {
    let mock = MockBox::start();
    let skill = skill(&mock, |invocation| {
        let mut other = invocation.clone();
        other.event["source"]["id"] = json!("12345");
        assert_eq!(other.report("success", &json!([keyword("done")])), 403);
        200
    });
    let (outcome, green) = outcome(&mock, &skill, &["--give-up", "0s"]);
    assert!(!green);
    let reason = reason(&outcome, "tokens");
    assert!(
        reason.starts_with("file 12345 is not this event's file (900000000101)"),
        "{reason}"
    );
}

#[test]
fn replies_that_refuse_the_event_say_what_to_try() {
    let mock = MockBox::start();
    for (status, hint) in [
        (401, "--primary-key-env VAR"),
        (404, "the event was sent to the path /"),
    ] {
        let skill = skill(&mock, move |_| status);
        let (outcome, _) = outcome(&mock, &skill, &["--settle", "0s"]);
        let found = failed_check(&outcome, "reply")["hint"].as_str();
        assert!(found.is_some_and(|it| it.contains(hint)), "{outcome}");
    }
}

#[test]
fn a_refused_certificate_is_named_even_if_the_skill_then_closes_the_connection() {
    let mock = MockBox::start();
    let port = mock.url.rsplit(':').next().expect("a port").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let skill = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            if stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {
                let url = format!("https://127.0.0.1:{port}/2.0/files/1");
                assert!(http().get(url).send().is_err());
            }
        }
    });
    skillctl()
        .args(["replay", "--box", &mock.url, "--skill", &skill, &fixture()])
        .args(["--give-up", "300ms"])
        .assert()
        .code(1)
        .stdout(
            contains("closed the connection without an answer")
                .and(contains("The mock saw instead"))
                .and(contains("trust the mock's certificate")),
        );
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
    let (outcome, green) = outcome(&mock, &skill, &["--timeout", "200ms", "--give-up", "0s"]);
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
        .stdout(
            contains("no card was written within 300 ms")
                .and(contains("try: no call reached the mock")),
        );
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
                .and(contains(
                    "try: make the client trust the mock's certificate",
                ))
                .and(contains("SSL_CERT_FILE")),
        );
}
