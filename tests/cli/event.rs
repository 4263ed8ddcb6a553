//! `skillctl event new|redact|verify`.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::{project, skillctl, skillctl_process};

/// The keys that fixtures/events/api-gateway is signed with.
const PRIMARY: &str = "fixture-primary-key";
const SECONDARY: &str = "fixture-secondary-key";

fn capture() -> Value {
    let text = fs::read(project("fixtures/events/api-gateway/event.json")).expect("the fixture");
    serde_json::from_slice(&text).expect("it is JSON")
}

/// The capture in its parts, as files: the body and the headers.
fn parts(folder: &Path, body: impl Fn(&str) -> String) -> (String, String) {
    let capture = capture();
    let text = body(capture["body"].as_str().expect("a body"));
    let headers: String = capture["headers"]
        .as_object()
        .expect("headers")
        .iter()
        .map(|(name, value)| [name, ": ", value.as_str().unwrap_or_default(), "\r\n"].concat())
        .collect();
    let path = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("it can be written");
        path.to_str().expect("UTF-8").to_owned()
    };
    (path("body", &text), path("headers", &headers))
}

fn verify() -> assert_cmd::Command {
    let mut command = skillctl();
    command
        .args(["event", "verify"])
        .env("PRIMARY_KEY", PRIMARY)
        .env("SECONDARY_KEY", SECONDARY);
    command
}

#[test]
fn new_makes_an_event_of_a_local_file() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("Überblick.txt");
    fs::write(&file, "words").expect("it can be written");
    let output = skillctl()
        .args(["event", "new"])
        .arg(&file)
        .args(["--trigger", "move", "--from-folder-id", "77"])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let event: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(event["source"]["name"], "Überblick.txt");
    assert_eq!(event["source"]["size"], 5);
    assert_eq!(event["source"]["old_parent_id"], "77");
    assert_eq!(event["event"]["event_type"], "ITEM_MOVE");
    assert_eq!(event["token"]["read"]["access_token"], "REDACTED");
}

#[test]
fn new_makes_a_case_folder_once() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("photo.jpg");
    fs::write(&file, "no real photo").expect("it can be written");
    let case = folder.path().join("cases/photo");
    let mut command = skillctl();
    command
        .args(["event", "new"])
        .arg(&file)
        .arg("--case")
        .arg(&case);
    command.assert().success();
    assert_eq!(
        fs::read(case.join("content.jpg")).expect("the content"),
        b"no real photo"
    );
    assert!(case.join("event.json").is_file());
    command
        .assert()
        .code(2)
        .stderr(contains("content.jpg already exists"));
}

/// A mock in a process of its own, ended with the test.
struct Mock {
    child: Child,
    address: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mock {
    fn start() -> Self {
        let mut child = skillctl_process()
            .args(["mock-box", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let address = stderr
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("http://")?.1.to_owned()))
            .expect("it says where it listens");
        let end = address
            .find(|character: char| !character.is_ascii_digit() && !".:".contains(character))
            .unwrap_or(address.len());
        Self {
            child,
            address: address[..end].to_owned(),
        }
    }

    fn get(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the mock accepts");
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .expect("the mock reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the mock answers");
        answer
    }
}

#[test]
fn new_with_a_running_mock_registers_the_file_and_shows_the_tokens_it_minted() {
    let mock = Mock::start();
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("notes.txt");
    fs::write(&file, "words of this very file").expect("it can be written");
    let output = skillctl()
        .args(["event", "new"])
        .arg(&file)
        .args(["--box", &format!("http://{}", mock.address)])
        .output()
        .expect("it runs");
    let event: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |pointer: &str| {
        let value = event.pointer(pointer).and_then(Value::as_str);
        value
            .unwrap_or_else(|| panic!("{pointer} in {event}"))
            .to_owned()
    };
    let (id, token) = (text("/source/id"), text("/token/read/access_token"));
    assert_ne!(token, "REDACTED");
    let answer = mock.get(&format!("/2.0/files/{id}/content?access_token={token}"));
    let download = answer
        .lines()
        .find_map(|line| Some(line.split_once(&mock.address)?.1.trim().to_owned()))
        .unwrap_or_else(|| panic!("no redirect: {answer}"));
    let answer = mock.get(&download);
    assert!(answer.ends_with("words of this very file"), "{answer}");
}

#[test]
fn new_with_a_mock_that_is_not_there_exits_3() {
    skillctl()
        .args(["event", "new"])
        .arg(project("Cargo.toml"))
        .args(["--box", "http://127.0.0.1:1"])
        .assert()
        .code(3)
        .stdout("")
        .stderr(contains("127.0.0.1:1"));
}

#[test]
fn new_for_a_file_that_is_not_there_exits_2() {
    skillctl()
        .args(["event", "new", "no-such-file.txt"])
        .assert()
        .code(2)
        .stderr(contains("no-such-file.txt"));
}

#[test]
fn redact_scrubs_a_capture_and_says_that_its_signatures_are_gone() {
    let output = skillctl()
        .args(["event", "redact"])
        .arg(project("fixtures/events/api-gateway/event.json"))
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for leak in [
        "FAKE-",
        "Ada",
        "ada.ficticia",
        "900000000107",
        "box-signature-primary",
    ] {
        assert!(!text.contains(leak), "{leak} is left in {text}");
    }
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.contains("the signatures were removed"), "{stderr}");
}

#[test]
fn redact_keeps_lines_as_lines_and_one_file_as_one_file() {
    let line =
        fs::read_to_string(project("fixtures/events/slash-field/event.json")).expect("the fixture");
    let output = skillctl()
        .args(["event", "redact", "-"])
        .write_stdin(format!("{line}\n\n{line}\n"))
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0], lines[1]);
    assert!(!lines[0].contains("FAKE-"), "{text}");
}

#[test]
fn redact_takes_the_secrets_out_of_a_cassette_and_leaves_a_cassette() {
    let har = json!({"log": {"version": "1.2", "entries": [{
        "request": {
            "method": "POST",
            "url": "https://ml.example/v1?key=planted-1&lang=en",
            "headers": [{"name": "Authorization", "value": "Bearer planted-2"}],
            "cookies": [{"name": "session", "value": "planted-3"}],
            "postData": {"mimeType": "text/plain", "text": "it is by-value-1234"}
        },
        "response": {"status": 200, "content": {"text": "{\"access_token\":\"planted-4\"}"}}
    }]}});
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("from-a-browser.har");
    fs::write(&file, har.to_string()).expect("it can be written");
    let redact = |file: &str, more: &[&str]| {
        let mut command = skillctl();
        command
            .args(["event", "redact", file])
            .args(more)
            .env("ML_API_KEY", "by-value-1234")
            .write_stdin(har.to_string());
        command.output().expect("it runs")
    };
    let path = file.to_str().expect("UTF-8");
    let output = redact(path, &[]);
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    assert!(output.status.success(), "{output:?}");
    assert!(!text.contains("planted"), "{text}");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let request = &value["log"]["entries"][0]["request"];
    assert_eq!(request["url"], "https://ml.example/v1?key=REDACTED&lang=en");
    assert_eq!(request["postData"]["text"], "it is REDACTED");
    assert_eq!(redact("-", &[]).stdout, output.stdout);

    let refused = redact(path, &["--keep", "ids"]);
    assert_eq!(refused.status.code(), Some(2));
    fs::write(&file, &har.to_string()[..90]).expect("it can be written");
    let refused = redact(path, &[]);
    assert_eq!(refused.status.code(), Some(2));
    let stderr = String::from_utf8(refused.stderr).expect("UTF-8");
    assert!(stderr.contains("from-a-browser.har:1:"), "{stderr}");
}

#[test]
fn redact_refuses_input_that_is_not_an_event_and_a_destination_that_exists() {
    skillctl()
        .args(["event", "redact", "-"])
        .write_stdin("{\"type\": \"webhook_event\"}")
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("not a skill_invocation event"));
    skillctl()
        .args(["event", "redact", "-"])
        .write_stdin("{\"a\": oops}")
        .assert()
        .code(2)
        .stderr(contains("<stdin>:1:7"));
    let folder = tempdir().expect("a folder");
    let there = folder.path().join("there.json");
    fs::write(&there, "precious").expect("it can be written");
    skillctl()
        .args(["event", "redact"])
        .arg(project("fixtures/events/minimal/event.json"))
        .arg("-o")
        .arg(&there)
        .assert()
        .code(2)
        .stderr(contains("already exists"));
    assert_eq!(fs::read(&there).expect("still there"), b"precious");
}

#[test]
fn verify_reads_headers_that_a_load_balancer_sends_as_lists() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("event.json");
    let body = "{\"type\": \"skill_invocation\", \"id\": \"x\", \"source\": {\"type\": \"file\", \
                \"id\": \"1\", \"name\": \"\u{e9}.txt\"}, \"token\": {\"read\": {\"access_token\": \"r\"}, \
                \"write\": {\"access_token\": \"w\"}}}";
    let event = json!({
        "multiValueHeaders": {
            "Box-Delivery-Timestamp": ["2026-03-02T09:15:01-08:00"],
            "Box-Signature-Primary": ["Za7++S+qXR8Rf0RTrmO05PU7H5Y4aMSz3L+SbetEyQ0="],
            "Box-Signature-Version": ["1"],
            "Box-Signature-Algorithm": ["HmacSHA256"]
        },
        "body": body,
        "isBase64Encoded": false
    });
    fs::write(&path, event.to_string()).expect("it is written");
    skillctl()
        .env("K", "alpha-key")
        .args(["event", "verify", "--primary-key-env", "K"])
        .arg(&path)
        .assert()
        .success();
}

#[test]
fn verify_names_the_key_that_matched() {
    verify()
        .arg(project("fixtures/events/api-gateway/event.json"))
        .args(["--primary-key-env", "PRIMARY_KEY"])
        .args(["--secondary-key-env", "SECONDARY_KEY"])
        .assert()
        .success()
        .stdout(contains("holds with the key in PRIMARY_KEY").and(contains("SECONDARY_KEY")));
}

#[test]
fn verify_takes_the_parts_by_themselves_too() {
    let folder = tempdir().expect("a folder");
    let (body, headers) = parts(folder.path(), str::to_owned);
    verify()
        .args(["--body", &body, "--headers", &headers])
        .args(["--secondary-key-env", "SECONDARY_KEY"])
        .assert()
        .success();
    let capture = capture();
    let header = |name: &str| {
        capture["headers"][name]
            .as_str()
            .expect("a header")
            .to_owned()
    };
    verify()
        .args(["--body", &body, "--primary-key-env", "PRIMARY_KEY"])
        .args(["--timestamp", &header("box-delivery-timestamp")])
        .args(["--signature-primary", &header("box-signature-primary")])
        .assert()
        .success();
}

#[test]
fn verify_recognises_a_body_that_was_written_again() {
    let folder = tempdir().expect("a folder");
    let (body, headers) = parts(folder.path(), |text| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        format!("{value:#}")
    });
    verify()
        .args(["--body", &body, "--headers", &headers])
        .args(["--primary-key-env", "PRIMARY_KEY", "--format", "json"])
        .assert()
        .code(1)
        .stdout(contains("\"ok\":false").and(contains("parsed and written again")));
}

#[test]
fn verify_says_when_the_key_is_wrong_and_shows_none() {
    verify()
        .env("PRIMARY_KEY", "another-key-altogether")
        .arg(project("fixtures/events/api-gateway/event.json"))
        .args(["--primary-key-env", "PRIMARY_KEY"])
        .assert()
        .code(1)
        .stdout(contains("no key made a signature").and(contains("another-key-altogether").not()));
}

#[test]
fn verify_refuses_an_old_delivery_only_when_asked() {
    verify()
        .arg(project("fixtures/events/api-gateway/event.json"))
        .args(["--primary-key-env", "PRIMARY_KEY", "--max-age", "10m"])
        .assert()
        .code(1)
        .stdout(contains("600 are allowed"));
}

#[test]
fn verify_without_a_timestamp_says_so() {
    let folder = tempdir().expect("a folder");
    let (body, _) = parts(folder.path(), str::to_owned);
    verify()
        .args(["--body", &body, "--primary-key-env", "PRIMARY_KEY"])
        .args(["--signature-primary", "c2lnbmF0dXJl"])
        .assert()
        .code(1)
        .stdout(contains("box-delivery-timestamp is missing"));
}

#[test]
fn verify_needs_a_capture_with_headers_and_a_key_that_is_set() {
    verify()
        .arg(project("fixtures/events/upload-text/event.json"))
        .args(["--primary-key-env", "PRIMARY_KEY"])
        .assert()
        .code(2)
        .stderr(contains("--headers"));
    verify()
        .arg(project("fixtures/events/api-gateway/event.json"))
        .args(["--primary-key-env", "NO_SUCH_VARIABLE"])
        .assert()
        .code(2)
        .stderr(contains(
            "--primary-key-env NO_SUCH_VARIABLE: the variable is not set",
        ));
    verify()
        .arg(project("fixtures/events/api-gateway/event.json"))
        .assert()
        .code(2)
        .stderr(contains("--primary-key-env"));
}
