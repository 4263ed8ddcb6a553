//! How long replay waits: an event that can no longer pass is given up, the next is sent while one
//! settles, and the end of the skill is charged to the right event. A `--wait` of ten minutes is
//! a wait that must not happen.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::{
    support::{has, project, skillctl},
    world::{Invocation, MockBox, Skill, failed_check, json_lines, keyword},
};

fn fixture() -> String {
    let path = project("fixtures/events/upload-text/event.json");
    path.display().to_string()
}

/// Options with which only the silence of `--give-up` ends the wait in time.
const PATIENT: [&str; 4] = ["--wait", "10m", "--give-up", "100ms"];

/// The outcomes of a replay, and its summary.
fn outcomes(mock: &MockBox, skill: &Skill, options: &[&str]) -> (Vec<Value>, Value) {
    let output = mock
        .replay(skill, &[&fixture()])
        .args(["--format", "json", "--no-check", "expected"])
        .args(options)
        .output()
        .expect("it runs");
    json_lines(&output.stdout)
}

#[test]
fn after_the_wrong_token_the_cards_are_not_waited_for() {
    let mock = MockBox::start();
    let skill = Skill::at(&mock, |invocation| {
        invocation.download(&invocation.token("write"));
    });
    let (outcomes, _) = outcomes(&mock, &skill, &PATIENT);
    failed_check(&outcomes[0], "tokens");
    let finished = failed_check(&outcomes[0], "finished");
    assert_eq!(
        finished["reason"],
        "no card was written and nothing happened for 100 ms"
    );
}

#[test]
fn after_a_refused_write_the_cards_are_not_waited_for() {
    let mock = MockBox::start();
    let skill = Skill::at(&mock, |invocation| {
        let mut card = keyword("done");
        card["skill"]["id"] = json!(137);
        assert_eq!(invocation.report("success", &json!([card])), 400);
    });
    let (outcomes, _) = outcomes(&mock, &skill, &PATIENT);
    failed_check(&outcomes[0], "cards");
}

#[test]
fn a_conflict_is_waited_out_since_the_skill_may_still_change_the_cards() {
    let mock = MockBox::start();
    let skill = Skill::at(&mock, |invocation| {
        invocation.report("processing", &json!([]));
        assert_eq!(invocation.create(&json!([keyword("done")])), 409);
    });
    let (outcomes, _) = outcomes(&mock, &skill, &["--wait", "300ms", "--give-up", "0s"]);
    let finished = failed_check(&outcomes[0], "finished");
    assert_eq!(
        finished["reason"],
        "left on processing: no final status within 300 ms"
    );
    let hint = finished["hint"].as_str().expect("a hint");
    assert!(hint.contains("PUT with a JSON Patch"), "{hint}");
}

#[test]
fn the_next_event_is_sent_while_one_settles() {
    let mock = MockBox::start();
    let first = Mutex::new(None::<Invocation>);
    // The second event reports the success of the first once more.
    let skill = Skill::at(&mock, move |invocation| {
        let before = first.lock().expect("the first").replace(invocation.clone());
        if let Some(first) = before {
            first.report("success", &json!([keyword("again")]));
        }
        invocation.report("success", &json!([keyword("done")]));
    });
    let (outcomes, summary) = outcomes(&mock, &skill, &["--repeat", "2", "--settle", "3s"]);
    let settling = outcomes.iter().find(|it| {
        let case = it["case"].as_str().expect("a case");
        case.ends_with("#1")
    });
    let reason = &failed_check(settling.expect("the first"), "finished")["reason"];
    let reason = reason.as_str().expect("a reason");
    assert!(
        reason.starts_with("success was reported 2 times"),
        "{reason}"
    );
    assert_eq!(summary["strays"], json!([]));
}

#[test]
fn the_end_of_the_process_is_charged_to_the_event_that_was_sent_last() {
    if !has("python3") {
        return;
    }
    let output = skillctl()
        .args([
            "replay", "--format", "json", "--repeat", "2", "--settle", "10s",
        ])
        .args([
            "--no-check",
            "expected",
            &fixture(),
            "--",
            "python3",
            "-c",
            ENDS_WITH_THE_SECOND,
        ])
        .output()
        .expect("it runs");
    let (outcomes, _) = json_lines(&output.stdout);
    let named = |end: &str| {
        let mut all = outcomes.iter();
        let found = all.find(|it| it["case"].as_str().is_some_and(|case| case.ends_with(end)));
        found.expect("an outcome")
    };
    assert_eq!(named("#1")["ok"], true, "{}", named("#1"));
    let reason = &failed_check(named("#2"), "reply")["reason"];
    let reason = reason.as_str().expect("a reason");
    assert!(
        reason.contains("ended during the run") || reason.contains("closed the connection"),
        "{reason}"
    );
}

/// A skill that reports the success of its first event, and ends with its second.
const ENDS_WITH_THE_SECOND: &str = r#"
import http.server, json, os, urllib.request
class Skill(http.server.BaseHTTPRequestHandler):
    seen = 0
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Skill.seen += 1
        if Skill.seen == 2:
            os._exit(3)
        body = {"status": "success", "file": {"type": "file", "id": event["source"]["id"]}, "metadata": {"cards": []}}
        urllib.request.urlopen(urllib.request.Request(
            os.environ["BOX_API_BASE_URL"] + "/2.0/skill_invocations/" + event["skill"]["id"], json.dumps(body).encode(),
            {"Authorization": "Bearer " + event["token"]["write"]["access_token"]}, method="PUT"))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Skill).serve_forever()
"#;

#[test]
fn a_duplicate_is_sent_even_if_the_first_delivery_failed() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let counter = Mutex::new(0);
    let skill = Skill::new(move |invocation: &Invocation| {
        let mut count = counter.lock().expect("the counter");
        *count += 1;
        let card = keyword(&format!("delivery {count}"));
        invocation.at(&url).report("success", &json!([card]));
        500
    });
    let (outcomes, _) = outcomes(&mock, &skill, &["--duplicate", "--no-check", "reply"]);
    assert_eq!(skill.events(), 2);
    let reason = &failed_check(&outcomes[0], "duplicate")["reason"];
    let reason = reason.as_str().expect("a reason");
    assert!(
        reason.contains("changed the stored cards in one place"),
        "{reason}"
    );
}
