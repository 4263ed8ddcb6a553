//! What `replay` reads as events, what it changes in them, and what it refuses before anything is
//! sent.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;
use tiny_http::{Response, Server};

use crate::{
    support::{project, skillctl},
    world::{MockBox, Skill, json_lines},
};

fn event() -> Value {
    let text = fs::read_to_string(project("fixtures/events/upload-text/event.json"));
    serde_json::from_str(&text.expect("it reads")).expect("JSON")
}

/// A skill that keeps what it got: the headers by their names in lower case, and the bytes.
struct Keeper {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

/// Headers and body of one delivery.
type Got = (Value, Vec<u8>);

impl Keeper {
    fn start(answer: &'static str) -> Self {
        let server = Server::http("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", server.server_addr());
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for mut request in server.incoming_requests() {
                let headers: serde_json::Map<String, Value> = request
                    .headers()
                    .iter()
                    .map(|header| {
                        let name = header.field.as_str().as_str().to_lowercase();
                        (name, json!(header.value.as_str()))
                    })
                    .collect();
                let mut body = Vec::new();
                request.as_reader().read_to_end(&mut body).expect("a body");
                kept.lock()
                    .expect("the list")
                    .push((Value::Object(headers), body));
                let _ = request.respond(Response::from_string(answer));
            }
        });
        Self { url, got }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().expect("the list").clone()
    }

    fn replay(&self, fixture: &Path) -> assert_cmd::Command {
        let mut command = skillctl();
        command
            .args(["replay", "--no-mock", "--skill", &self.url])
            .arg(fixture);
        command
    }
}

fn written(name: &str, text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("it is written");
    (folder, path)
}

#[test]
fn without_a_mock_the_exact_bytes_go_out() {
    let keeper = Keeper::start("");
    let text = format!("{:#}\n\n", event());
    let (_folder, path) = written("odd.json", &text);
    keeper.replay(&path).assert().success();
    let (headers, body) = keeper.got().remove(0);
    assert_eq!(body, text.as_bytes());
    assert_eq!(headers["user-agent"], "Box-Skills-Client/0.1");
    assert_eq!(headers["content-type"], "application/json; charset=UTF-8");
    assert!(headers.get("box-signature-primary").is_none());
}

#[test]
fn a_capture_of_api_gateway_keeps_its_bytes_and_headers_and_is_signed_again() {
    let keeper = Keeper::start("");
    let path = project("fixtures/events/api-gateway/event.json");
    let capture: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("it reads")).expect("JSON");
    keeper.replay(&path).assert().success().stderr("");
    keeper
        .replay(&path)
        .env("KEY", "the-primary-key")
        .args(["--primary-key-env", "KEY"])
        .assert()
        .success();
    let got = keeper.got();
    for (headers, body) in &got {
        assert_eq!(
            Some(body.as_slice()),
            capture["body"].as_str().map(str::as_bytes)
        );
        assert_eq!(headers["accept"], "*/*");
        assert!(headers.get("x-forwarded-for").is_none());
        assert_ne!(headers["host"], "harbour.example.com");
    }
    // Without a key, the captured headers of the delivery are sent: they are valid for these bytes.
    for name in ["box-delivery-timestamp", "box-signature-primary"] {
        assert_eq!(got[0].0[name], capture["headers"][name]);
        assert_ne!(got[1].0[name], capture["headers"][name]);
    }
    assert!(got[1].0.get("box-signature-primary").is_some());
    assert_ne!(
        got[1].0["box-signature-primary"],
        capture["headers"]["box-signature-primary"]
    );
}

#[test]
fn a_key_variable_that_is_not_set_exits_2() {
    skillctl()
        .args(["replay", "--sample-skill", "--secondary-key-env", "NOT_SET"])
        .arg(project("fixtures/events/minimal"))
        .assert()
        .code(2)
        .stderr(contains(
            "--secondary-key-env NOT_SET: the variable is not set",
        ));
}

#[test]
fn an_envelope_goes_around_the_event_and_its_answer_comes_out_of_one() {
    let path = project("fixtures/events/slash-field/event.json");
    for (answer, code) in [
        (r#"{"statusCode":200,"body":""}"#, 0),
        (r#"{"statusCode":"500"}"#, 1),
        (r#"{"errorMessage":"Task timed out"}"#, 1),
        ("OK", 1),
    ] {
        let keeper = Keeper::start(answer);
        keeper
            .replay(&path)
            .args(["--envelope", "aws-proxy"])
            .assert()
            .code(code);
        let (_, body) = keeper.got().remove(0);
        let wrapped: Value = serde_json::from_slice(&body).expect("JSON");
        let exact = fs::read_to_string(&path).expect("it reads");
        assert_eq!(wrapped["body"].as_str(), Some(exact.as_str()));
        assert_eq!(wrapped["headers"]["User-Agent"], "Box-Skills-Client/0.1");
        assert!(wrapped["headers"]["box-delivery-timestamp"].is_string());
    }
}

#[test]
fn lines_of_a_file_and_of_the_standard_input_are_cases() {
    let keeper = Keeper::start("");
    let lines = format!("{}\n\n{}\n", event(), event());
    let (folder, path) = written("many.jsonl", &lines);
    let case_names = |command: &mut assert_cmd::Command| {
        let output = command
            .args(["--format", "json"])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        let (outcomes, _) = json_lines(&output.stdout);
        outcomes
            .iter()
            .map(|it| it["case"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let names = case_names(skillctl().current_dir(folder.path()).args([
        "replay",
        "--no-mock",
        "--skill",
        &keeper.url,
        "many.jsonl",
    ]));
    assert_eq!(names, ["many.jsonl:1", "many.jsonl:3"]);
    let names = case_names(keeper.replay(Path::new("-")).write_stdin(lines));
    assert_eq!(names, ["<stdin>:1", "<stdin>:3"]);
    let names = case_names(
        keeper
            .replay(Path::new("-"))
            .write_stdin(format!("{:#}", event())),
    );
    assert_eq!(names, ["<stdin>"]);
    drop(path);
}

#[test]
fn a_line_has_its_expectation_in_a_folder_of_the_files_name() {
    let (folder, path) = written("many.jsonl", &format!("{}\n{}\n", event(), event()));
    skillctl()
        .args(["replay", "--sample-skill", "--update"])
        .arg(&path)
        .assert()
        .success();
    assert!(folder.path().join("many/1.expected.json").is_file());
    let second = folder.path().join("many/2.expected.json");
    let text = fs::read_to_string(&second).expect("written");
    fs::write(
        &second,
        text.replace("\"success\"", "\"permanent_failure\""),
    )
    .expect("it writes");
    skillctl()
        .args(["replay", "--sample-skill"])
        .arg(&path)
        .assert()
        .code(1)
        .stdout(contains("2 events: 1 passed, 1 failed"));
}

#[test]
fn a_glob_and_a_filter_choose_cases() {
    let keeper = Keeper::start("");
    skillctl()
        .current_dir(project("fixtures"))
        .args(["replay", "--no-mock", "--skill", &keeper.url])
        .args([
            "events/upload-*",
            "--filter",
            "*image*",
            "--filter",
            "*text*",
        ])
        .assert()
        .success()
        .stdout(contains("PASS  events/upload-image"))
        .stdout(contains("2 events: 2 passed"));
}

#[test]
fn an_edit_changes_what_is_sent_and_survives_the_refresh() {
    let mock = MockBox::start();
    let skill = Skill::new(|invocation| {
        match (
            &invocation.event["source"]["name"],
            &invocation.event["created_at"],
        ) {
            (Value::String(name), Value::String(at)) if name == "other.txt" && at == "then" => 200,
            _ => 500,
        }
    });
    let path = project("fixtures/events/upload-text/event.json");
    mock.replay(&skill, &[&path.display().to_string()])
        .args([
            "--set",
            "/source/name=other.txt",
            "--set",
            "/created_at=then",
        ])
        .args(["--wait", "0s"])
        .assert()
        .stdout(contains("200 in"));
}

#[test]
fn what_is_wrong_exits_2_before_anything_is_sent() {
    let keeper = Keeper::start("");
    let good = project("fixtures/events/upload-text").display().to_string();
    let (_bad, bad) = written("bad.jsonl", &format!("{}\n{{\"source\":1}}\n", event()));
    let (_text, text) = written("latin.json", "{}");
    fs::write(&text, b"{\"name\": \"\xfc\"}").expect("it writes");
    let (bad, text) = (bad.display().to_string(), text.display().to_string());
    for (options, wanted) in [
        (&["no/such/file.json"][..], "cannot read no/such/file.json"),
        (&["no/such/*.json"], "holds no events"),
        (&["[z*"], "is not a valid glob"),
        (&[&bad], "bad.jsonl:2:"),
        (&[&text], "is not UTF-8"),
        (&["-", "-"], "only once"),
        (
            &["--filter", "*nothing*"],
            "--filter matches none of 1 cases",
        ),
        (&["--filter", "["], "--filter is not a valid glob"),
        (&["--shard", "3/2"], "is not a shard"),
        (&["--set", "/sorce/name=x"], "did you mean /source/name?"),
        (
            &["--set", "/source/id={}"],
            "is not an event any more after --set",
        ),
        (&["--set", "name=x"], "is not a JSON Pointer"),
        (&["--rate", "0"], "a number above 0"),
        (&["--tolerance=-1"], "0 or more"),
        (&["--report", "pdf=x"], "unknown format `pdf`"),
        (
            &["--report", "html=no/such/x.html"],
            "there is no folder no/such",
        ),
        (&["--no-check", "all"], "invalid value 'all'"),
        (
            &["--duration", "1m", "--repeat", "2"],
            "cannot be used with",
        ),
        (&["--no-mock", "--keep"], "cannot be used with"),
    ] {
        skillctl()
            .args(["replay", "--skill", &keeper.url, &good])
            .args(options)
            .write_stdin(event().to_string())
            .assert()
            .code(2)
            .stderr(contains(wanted));
    }
    assert_eq!(keeper.got().len(), 0);
}

#[test]
fn an_event_that_no_mock_could_take_is_refused_before_anything_is_sent() {
    let keeper = Keeper::start("");
    let nested = |levels: usize| {
        let mut event = event();
        event["deep"] = (0..levels).fold(json!(1), |inner, _| json!([inner]));
        written("event.json", &event.to_string())
    };
    let (_folder, path) = nested(123);
    let refused = keeper.replay(&path).assert().code(2);
    refused.stderr(contains("nested deeper than 120 levels"));
    assert_eq!(keeper.got().len(), 0);

    let (_folder, path) = nested(119);
    skillctl()
        .args(["replay", "--sample-skill"])
        .arg(&path)
        .assert()
        .success();
}

#[test]
fn a_file_that_is_not_an_event_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["index.js", "package.json"] {
        fs::write(folder.path().join(name), "{}").expect("it is written");
    }
    for (fixtures, help) in [
        (
            &["node", "serve"][..],
            "after --: skillctl replay FIXTURE -- node",
        ),
        (&["."], "events are *.json and *.jsonl files"),
    ] {
        skillctl()
            .current_dir(&folder)
            .args(["replay", "--skill", "http://127.0.0.1:1/"])
            .args(fixtures)
            .assert()
            .code(2)
            .stderr(contains(help));
    }
}

#[test]
fn a_single_other_file_is_uploaded_and_its_event_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it writes");
    };
    write("talk.mp3", "sound");
    write("index.js", "listen()");
    write("run", "#!/bin/sh\n");
    write("content.mp3", "sound");
    write("cassette.har", "[]");
    let replay = |arguments: &[&str]| {
        let mut command = skillctl();
        command
            .current_dir(folder.path())
            .args(["replay", "--sample-skill"])
            .args(arguments);
        command
    };
    replay(&["talk.mp3", "--show-cards"])
        .assert()
        .success()
        .stdout(contains("PASS  talk.mp3 "));
    replay(&["talk.mp3", "--update"])
        .assert()
        .code(2)
        .stderr(contains("skillctl event new talk.mp3 --case"));
    replay(&["index.js"])
        .assert()
        .code(2)
        .stderr(contains("index.js is a program"))
        .stderr(contains("put -- before"));
    for name in ["content.mp3", "cassette.har"] {
        let refused = replay(&[name]).assert().code(2);
        refused.stderr(contains("is a part of a case"));
    }
    // Of several paths each is a fixture.
    replay(&["talk.mp3", "index.js"]).assert().code(2);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 5);
}
