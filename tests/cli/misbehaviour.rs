//! Skills that break the protocol, or use the tokens and files of other events: each is a failed
//! check with its reason, never a crash.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use predicates::str::contains;
use serde_json::{Value, json};

use crate::{
    support::{project, skillctl},
    world::{Invocation, MockBox, Skill, json_lines, keyword},
};

fn fixture() -> String {
    let path = project("fixtures/events/upload-text/event.json");
    path.display().to_string()
}

/// A skill that reads a request, writes these bytes as they are, and closes the connection.
fn raw(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                let mut body = vec![0; length];
                let _ = stream.read_exact(&mut body);
                let _ = stream.write_all(answer);
            });
        }
    });
    url
}

/// The reason of the reply check of a replay without a mock.
fn reply_reason(url: &str, options: &[&str]) -> String {
    let output = skillctl()
        .args(["replay", "--no-mock", "--skill", url, &fixture()])
        .args(["--format", "json"])
        .args(options)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (outcomes, _) = json_lines(&output.stdout);
    let check = &outcomes[0]["checks"][0];
    assert_eq!(
        (&check["name"], &check["ok"]),
        (&json!("reply"), &json!(false))
    );
    check["reason"].as_str().expect("a reason").to_owned()
}

#[test]
fn a_broken_answer_fails_the_reply_and_is_named() {
    for (answer, wanted) in [
        (&b""[..], "closed the connection without an answer"),
        (b"\x00\x01garbage\r\n\r\n", "is not an HTTP answer"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
            "answered 200, but closed the connection before the end of its answer",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
            "a redirect, which Box does not follow",
        ),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "the skill answered 404",
        ),
    ] {
        let reason = reply_reason(&raw(answer), &[]);
        assert!(reason.contains(wanted), "{wanted}: {reason}");
    }
}

#[test]
fn a_skill_that_never_answers_fails_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let reason = reply_reason(&url, &["--timeout", "200ms"]);
    assert!(reason.starts_with("no reply within 200 ms"), "{reason}");
}

#[test]
fn a_server_that_closes_after_each_answer_passes() {
    let url = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    skillctl()
        .args(["replay", "--no-mock", "--skill", &url, &fixture()])
        .args(["--repeat", "50", "--concurrency", "4"])
        .assert()
        .success()
        .stdout(contains("50 events: 50 passed"));
}

#[test]
fn the_token_of_another_event_fails_both_events_with_the_reason() {
    let mock = MockBox::start();
    let (url, first) = (mock.url.clone(), Arc::new(Mutex::new(None::<String>)));
    let skill = Skill::new(move |invocation: &Invocation| {
        let invocation = invocation.at(&url);
        let token = {
            let mut first = first.lock().expect("the token");
            first
                .get_or_insert_with(|| invocation.token("read"))
                .clone()
        };
        invocation.download(&token);
        invocation.report("success", &json!([keyword("done")]));
        200
    });
    let output = mock
        .replay(&skill, &[&fixture()])
        .args([
            "--format",
            "json",
            "--repeat",
            "2",
            "--no-check",
            "expected",
            // The second event is sent only when the first has its verdict.
            "--fail-fast",
        ])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let (outcomes, summary) = json_lines(&output.stdout);
    let tokens = outcomes[1]["checks"]
        .as_array()
        .and_then(|checks| checks.iter().find(|check| check["name"] == "tokens"))
        .expect("the check");
    let reason = tokens["reason"].as_str().expect("a reason");
    assert!(
        reason.starts_with("the read token of another event was used to download: 403"),
        "{reason}"
    );
    assert_eq!(outcomes[0]["ok"], true, "its verdict does not change");
    let strays = summary["strays"].to_string();
    assert!(strays.contains("after its verdict"), "{strays}");
}

#[test]
fn a_write_after_the_verdict_fails_the_run_under_a_line_of_its_own() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let (late, wrote) = mpsc::channel();
    let (late, wrote) = (Mutex::new(late), Mutex::new(wrote));
    let before = Mutex::new(None::<Invocation>);
    let skill = Skill::new(move |invocation: &Invocation| {
        let invocation = invocation.at(&url);
        // The second event writes to the first once more.
        if let Some(first) = before.lock().expect("the first").take() {
            first.report("processing", &json!([]));
            late.lock()
                .expect("a sender")
                .send(())
                .expect("it is heard");
        } else {
            *before.lock().expect("the first") = Some(invocation.clone());
        }
        invocation.report("success", &json!([keyword("done")]));
        200
    });
    mock.replay(&skill, &[&fixture()])
        // The second event is sent only when the first has its verdict.
        .args(["--repeat", "2", "--no-check", "expected", "--fail-fast"])
        .assert()
        .code(1)
        .stdout(contains("2 passed"))
        .stdout(contains("processing was written at +"))
        .stdout(contains("after its verdict"));
    wrote
        .lock()
        .expect("a receiver")
        .recv()
        .expect("it wrote late");
}

#[test]
fn an_event_without_an_id_is_tracked_too() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::new(move |invocation: &Invocation| {
        assert!(invocation.event.get("id").is_none(), "no id is invented");
        invocation
            .at(&url)
            .report("success", &json!([keyword("done")]));
        200
    });
    let text = std::fs::read_to_string(fixture()).expect("it reads");
    let mut event: Value = serde_json::from_str(&text).expect("JSON");
    event.as_object_mut().expect("an object").remove("id");
    let path = mock.folder().join("no-id.json");
    std::fs::write(&path, event.to_string()).expect("it writes");
    mock.replay(&skill, &[&path.display().to_string()])
        .assert()
        .success();
}

#[test]
fn a_connection_that_idles_long_is_not_used_again() {
    // A server that closes idle connections just when the next event comes would lose it.
    let skill = Skill::new(|_| 200);
    let output = skillctl()
        .args(["replay", "--no-mock", "--skill", &skill.url, &fixture()])
        .args(["--rate", "0.7", "--repeat", "2", "--format", "json"])
        .timeout(Duration::from_mins(1))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(skill.events(), 2);
}
