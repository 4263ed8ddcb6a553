//! `mock-box --fault` and `/_mock/faults`: how calls fail, and how replay judges a skill then.

use predicates::str::contains;
use reqwest::{StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};

use crate::{
    support::skillctl,
    world::{Invocation, MockBox, Skill, http, json_lines, keyword},
};

/// The first answer to a download, before any redirect.
fn download(mock: &MockBox, event: &Invocation) -> reqwest::Result<reqwest::blocking::Response> {
    let url = format!("{}/2.0/files/{}/content", mock.url, event.file_id());
    http().get(url).bearer_auth(event.token("read")).send()
}

fn post_faults(mock: &MockBox, text: &str) -> (StatusCode, Value) {
    let answer = http()
        .post(format!("{}/_mock/faults", mock.url))
        .body(text.to_owned())
        .send()
        .expect("an answer");
    let status = answer.status();
    let body = answer.bytes().expect("bytes");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[test]
fn the_first_writes_of_each_event_are_refused_and_nothing_is_recorded_of_them() {
    let mock = MockBox::with(&["--fault", "cards=429:7,x1", "--fault", "invocation=503,x1"]);
    for file in ["7", "8"] {
        let event = mock.register(file);
        assert_eq!(event.create(&json!([keyword("a")])), 429);
        assert_eq!(event.create(&json!([keyword("a")])), 201);
        assert_eq!(event.report("success", &json!([])), 503);
        assert_eq!(event.report("success", &json!([])), 200);
    }
    assert_eq!(mock.ask("writes")["next"], 4);
    assert_eq!(
        mock.ask("faults")["faults"],
        json!([
            {"fault": "cards=429:7,x1", "struck": 2},
            {"fault": "invocation=503,x1", "struck": 2}
        ])
    );
}

#[test]
fn faults_come_and_go_by_the_admin_api() {
    let mock = MockBox::start();
    let event = mock.register("7");
    let (status, faults) = post_faults(&mock, "download=429:7,x1\ncards=conflict\n");
    assert_eq!(
        (status, faults["faults"].as_array().map(Vec::len)),
        (StatusCode::OK, Some(2))
    );
    let limited = download(&mock, &event).expect("an answer");
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()[RETRY_AFTER], "7");
    assert_eq!(download(&mock, &event).expect("an answer").status(), 200);
    assert_eq!(event.create(&json!([])), 409);

    let (status, refused) = post_faults(&mock, "download=nothing");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|error| error.contains("`nothing`"))
    );

    let gone = http().delete(format!("{}/_mock/faults", mock.url)).send();
    assert_eq!(gone.expect("an answer").status(), 200);
    assert_eq!(event.create(&json!([])), 201);
}

#[test]
fn downloads_are_truncated_and_reset() {
    for fault in ["download=truncate,x1", "download=reset,x1"] {
        let mock = MockBox::with(&["--fault", fault]);
        let event = mock.register("7");
        let broken = download(&mock, &event).and_then(reqwest::blocking::Response::bytes);
        assert!(broken.is_err(), "{fault}");
        let whole = download(&mock, &event).and_then(reqwest::blocking::Response::bytes);
        assert!(!whole.expect("bytes").is_empty(), "{fault}");
    }
}

#[test]
fn a_download_is_pending_for_as_many_attempts() {
    let mock = MockBox::with(&["--fault", "download=pending=2"]);
    let event = mock.register("7");
    for status in [202, 202, 200] {
        let answer = download(&mock, &event).expect("an answer");
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key(RETRY_AFTER), status == 202);
    }
}

#[test]
fn an_expired_token_is_refused_from_then_on() {
    let mock = MockBox::with(&["--fault", "info=expire,x1"]);
    let event = mock.register("7");
    let url = format!("{}/2.0/files/7", mock.url);
    let info = |token: &str| {
        let answer = http().get(&url).bearer_auth(token).send();
        answer.expect("an answer").status()
    };
    assert_eq!(info(&event.token("read")), 401);
    assert_eq!(info(&event.token("read")), 401);
    assert_eq!(download(&mock, &event).expect("an answer").status(), 401);
    assert_eq!(
        info(&event.token("write")),
        200,
        "the other token is as good as before"
    );
}

#[test]
fn replay_does_not_charge_a_skill_with_injected_faults() {
    let mock = MockBox::with(&["--fault", "download=401,x1", "--fault", "cards=503,x1"]);
    let url = mock.url.clone();
    let skill = Skill::new(move |event| {
        let event = event.at(&url);
        let statuses = [(); 2].map(|()| event.download(&event.token("read")).0);
        let writes = [(); 2].map(|()| event.create(&json!([keyword("a")])));
        let survived = (statuses, writes) == ([401, 200], [503, 201]);
        if !survived {
            event.report("permanent_failure", &json!([keyword("a")]));
        }
        200
    });
    let output = mock
        .replay(
            &skill,
            &[
                "fixtures/events",
                "--format",
                "json",
                "--no-check",
                "expected",
                "--repeat",
                "2",
                "--concurrency",
                "4",
            ],
        )
        .output()
        .expect("it runs");
    let (outcomes, summary) = json_lines(&output.stdout);
    assert!(output.status.success(), "{summary}: {}", outcomes[0]);
    let faults: Vec<&Value> = outcomes[0]["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .map(|call| &call["fault"])
        .filter(|fault| !fault.is_null())
        .collect();
    assert_eq!(faults, ["download=401,x1", "cards=503,x1"]);
}

#[test]
fn a_fault_that_does_not_read_is_a_usage_error() {
    skillctl()
        .args([
            "mock-box",
            "--listen",
            "127.0.0.1:0",
            "--fault",
            "upload=503",
        ])
        .assert()
        .code(2)
        .stderr(contains(
            "`upload` is not a call that a fault can apply to; try download, cards",
        ));
}
