//! The admin API of `mock-box`: how a script or a test suite reads its state and controls it.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::world::{MockBox, http, keyword};

#[test]
fn a_wait_for_writes_returns_the_moment_one_lands() {
    let mock = &MockBox::start();
    let event = &mock.register("7");
    let other = &mock.register("8");
    let before = Instant::now();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| mock.ask("writes?file_id=7&wait=60"));
        // Writes of another file do not end the wait.
        assert_eq!(other.create(&json!([keyword("a")])), 201);
        assert_eq!(event.create(&json!([keyword("b")])), 201);
        let found = waiting.join().expect("an answer");
        assert_eq!(found["writes"][0]["file_id"], "7");
        assert_eq!(found["next"], 2);
    });
    assert!(before.elapsed() < Duration::from_secs(50), "it waited on");
}

#[test]
fn writes_are_listed_by_file_by_event_and_after_a_number() {
    let mock = MockBox::start();
    let (first, second) = (mock.register("7"), mock.register("8"));
    for event in [&first, &second, &first] {
        assert_eq!(event.report("processing", &json!([keyword("a")])), 200);
    }
    let seqs = |query: &str| -> Vec<u64> {
        let found = mock.ask(&format!("writes?{query}"));
        let writes = found["writes"].as_array().expect("a list");
        writes
            .iter()
            .filter_map(|write| write["seq"].as_u64())
            .collect()
    };
    assert_eq!(seqs(""), [1, 2, 3]);
    assert_eq!(seqs("file_id=7"), [1, 3]);
    assert_eq!(seqs("after=1"), [2, 3]);
    assert_eq!(seqs("after=3&wait=0"), [0; 0]);
    let id = second.event["id"].as_str().expect("an id");
    assert_eq!(seqs(&format!("event_id={id}")), [2]);
    assert_eq!(seqs("event_id=nobody"), [0; 0]);
    // Used as `after`, the number skips what did not match too.
    assert_eq!(mock.ask("writes?event_id=nobody")["next"], 3);
}

#[test]
fn calls_are_kept_with_heads_and_bodies_and_without_secrets() {
    let mock = MockBox::with(&["--fault", "info=503,x1"]);
    let event = mock.register("7");
    let token = event.token("write");
    let info = || {
        let url = format!("{}/2.0/files/7?access_token={token}", mock.url);
        http().get(url).send().expect("an answer").status().as_u16()
    };
    assert_eq!([info(), info()], [503, 200]);
    assert_eq!(event.create(&json!([keyword("a word")])), 201);
    let found = mock.ask("calls");
    let calls = found["calls"].as_array().expect("a list");
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0]["fault"], "info=503,x1");
    assert_eq!(calls[0]["status"], 503);
    assert_eq!(calls[0]["events"], json!([event.event["id"]]));
    let created = &calls[2];
    assert_eq!(
        created["request"]["headers"]["content-type"],
        "application/json"
    );
    let authorization = created["request"]["headers"]["authorization"].as_str();
    assert!(authorization.is_some_and(|text| text.starts_with("Bearer [redacted …")));
    let text = |side: &str| created[side]["body"].as_str().expect("a body").to_owned();
    assert!(text("request").contains("a word") && text("answer").contains("$version"));
    assert!(created["answer"]["headers"]["box-request-id"].is_string());
    assert!(!found.to_string().contains(&token), "a token is shown");
    // The list goes on from where it was.
    let next = found["next"].as_u64().expect("a number");
    assert_eq!(mock.ask(&format!("calls?after={next}"))["calls"], json!([]));
    assert_eq!(mock.ask("calls?file_id=8")["calls"], json!([]));
}

#[test]
fn the_stream_publishes_calls_and_writes_as_they_happen() {
    let mock = MockBox::start();
    let event = mock.register("7");
    let stream = http()
        .get(format!("{}/_mock/stream", mock.url))
        .send()
        .expect("it opens");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(stream)
        .lines()
        .map(|line| line.expect("a line"));
    // It says so when it is connected: what happens from here on is reported.
    assert_eq!(lines.next().as_deref(), Some(": connected"));
    assert_eq!(event.create(&json!([keyword("a")])), 201);
    let kinds: Vec<String> = lines
        .filter_map(|line| line.strip_prefix("event: ").map(str::to_owned))
        .take(3)
        .collect();
    assert_eq!(kinds, ["open", "write", "call"]);
}

#[test]
fn a_call_with_a_slow_body_is_published_as_open() {
    let mock = MockBox::with(&["--tokens", "any"]);
    let _ = mock.register("7");
    let stream = http()
        .get(format!("{}/_mock/stream", mock.url))
        .send()
        .expect("it opens");
    let mut lines = BufReader::new(stream)
        .lines()
        .map(|line| line.expect("a line"));
    assert_eq!(lines.next().as_deref(), Some(": connected"));
    let mut kinds = lines.filter_map(|line| line.strip_prefix("event: ").map(str::to_owned));
    let body = r#"{"status":"success","file":{"id":"7"},"metadata":{"cards":[]}}"#;
    let head = format!(
        "PUT /2.0/skill_invocations/1 HTTP/1.1\r\nHost: api.box.com\r\n\
         Authorization: Bearer any\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut slow = TcpStream::connect(&mock.url["http://".len()..]).expect("it accepts");
    slow.write_all(head.as_bytes()).expect("it is sent");
    assert_eq!(kinds.next().as_deref(), Some("open"));
    slow.write_all(body.as_bytes()).expect("it is sent");
    assert_eq!(kinds.next().as_deref(), Some("write"));
    assert_eq!(kinds.next().as_deref(), Some("call"));
}

#[test]
fn a_list_of_events_is_registered_as_one() {
    let mock = MockBox::start();
    let event = json!({
        "id": "e", "skill": {"id": "1"}, "source": {"id": "7", "name": "a.txt", "size": 1},
        "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
    });
    let post = |body: &Value| {
        let url = format!("{}/_mock/events", mock.url);
        let answer = http().post(url).body(body.to_string()).send();
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().expect("bytes");
        (
            status,
            serde_json::from_slice::<Value>(&bytes).expect("JSON"),
        )
    };
    let (_, list) = post(&json!([event, event]));
    assert_eq!(list[0]["source"]["id"], "7");
    assert_ne!(list[1]["source"]["id"], "7", "the file is taken");
    // One bad event, and none is registered.
    let (status, refused) = post(&json!([event, {"no": "event"}]));
    assert_eq!(status, 400);
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("event 1: "))
    );
}

#[test]
fn files_are_put_read_and_removed() {
    let mock = MockBox::with(&["--tokens", "any", "--max-body", "10B"]);
    let file = |id: &str| format!("{}/_mock/files/{id}", mock.url);
    let put = |id: &str, bytes: &'static str| {
        let answer = http().put(file(id) + "?name=a%20b.txt").body(bytes).send();
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(put("7", "one"), 201);
    let got = http().get(file("7")).send().expect("an answer");
    assert_eq!(got.bytes().expect("bytes"), "one");
    assert_eq!(put("7", "two"), 200);
    let info = mock.ask("files/7?info=true");
    assert_eq!(
        (&info["name"], &info["size"], &info["versions"]),
        (&json!("a b.txt"), &json!(3), &json!(2))
    );
    // A skill finds it too, and what it writes goes away with it.
    let cards = format!("{}/2.0/files/7/metadata/global/boxSkillsCards", mock.url);
    let write = || {
        let request = http().post(&cards).bearer_auth("any");
        let body = json!({"cards": [keyword("a")]}).to_string();
        request
            .body(body)
            .send()
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(write(), 201);
    let gone = || {
        http()
            .delete(file("7"))
            .send()
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!([gone(), gone()], [200, 404]);
    assert_eq!(mock.ask("writes")["writes"][1]["op"], "delete");
    assert_eq!(write(), 404);
    assert_eq!(
        [put("7", "longer than ten bytes"), put("no-number", "x")],
        [413, 400]
    );
    assert_eq!(
        http().get(file("7")).send().expect("an answer").status(),
        404
    );
}

#[test]
fn an_unknown_call_of_the_admin_api_is_named_in_its_refusal() {
    let mock = MockBox::start();
    let answer = http().get(format!("{}/_mock/nothing", mock.url)).send();
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 404);
    let text = answer.text().expect("text");
    assert!(text.contains("no GET /_mock/nothing"), "{text}");
    let answer = http()
        .get(format!("{}/_mock/writes?after=x", mock.url))
        .send();
    assert_eq!(answer.expect("an answer").status(), 400);
}

/// Sends the head of a call and the start of its body, and no end of it: the first line of the
/// answer.
fn answer_to_unfinished(mock: &MockBox, call: &str, head: &str, body: &[u8]) -> String {
    let address = mock.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out");
    let head = format!("{call} HTTP/1.1\r\nHost: {address}\r\n{head}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it is sent");
    // The mock may answer and end the connection before it has all of it.
    let _ = stream.write_all(body);
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("an answer");
    line
}

#[test]
fn a_length_beyond_the_limit_of_an_admin_route_is_413_at_once() {
    let mock = MockBox::start();
    for call in [
        "POST /_mock/events",
        "POST /_mock/faults",
        "PUT /_mock/contents",
        "PUT /_mock/files/7",
    ] {
        let line = answer_to_unfinished(&mock, call, "Content-Length: 100000000000000", b"");
        assert!(line.starts_with("HTTP/1.1 413 "), "{call}: {line}");
    }
}

#[test]
fn a_chunked_body_of_an_admin_route_is_cut_at_its_limit() {
    let mock = MockBox::with(&["--max-body", "10KiB"]);
    let mut chunk = format!("{:x}\r\n", 300 * 1024).into_bytes();
    chunk.resize(chunk.len() + 300 * 1024, b'x');
    for call in ["POST /_mock/faults", "PUT /_mock/files/7"] {
        let line = answer_to_unfinished(&mock, call, "Transfer-Encoding: chunked", &chunk);
        assert!(line.starts_with("HTTP/1.1 413 "), "{call}: {line}");
    }
}
