//! The built-in skill as a process of its own, against a Box of a few lines.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::skillctl_process;

/// How long a call is waited for; only a broken skill makes a test wait.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One call that the skill made.
#[derive(Debug)]
struct Call {
    line: String,
    token: Option<String>,
    body: Value,
}

/// A Box that knows one file, answers a second POST of cards with 409, and reports every call.
fn small_box(content: &'static [u8]) -> (String, Receiver<Call>) {
    let server = tiny_http::Server::http("127.0.0.1:0").expect("a port is free");
    let root = format!("http://{}", server.server_addr());
    let target = format!("{root}/bytes");
    let (sender, calls) = mpsc::channel();
    thread::spawn(move || {
        let mut has_cards = false;
        for mut request in server.incoming_requests() {
            let mut body = String::new();
            request
                .as_reader()
                .read_to_string(&mut body)
                .expect("bodies are text");
            let call = Call {
                line: format!("{} {}", request.method(), request.url()),
                token: request
                    .headers()
                    .iter()
                    .find(|header| header.field.equiv("authorization"))
                    .map(|header| header.value.to_string()),
                body: serde_json::from_str(&body).unwrap_or(Value::Null),
            };
            let cards = "/2.0/files/42/metadata/global/boxSkillsCards";
            let (status, bytes) = match call.line.split_once(' ').expect("method and path") {
                ("GET", "/2.0/files/42/content") => ("302 Found", &b""[..]),
                ("GET", "/bytes") => ("200 OK", content),
                ("POST", path) if path == cards && has_cards => ("409 Conflict", &b""[..]),
                ("POST", path) if path == cards => {
                    has_cards = true;
                    ("201 Created", &b""[..])
                }
                ("PUT", path) if path == cards => ("200 OK", &b""[..]),
                ("PUT", "/2.0/skill_invocations/137") => ("200 OK", &b""[..]),
                _ => ("404 Not Found", &b""[..]),
            };
            // The test may have ended while the skill still calls.
            let _ = sender.send(call);
            let _ = respond(request, status, &target, bytes);
        }
    });
    (root, calls)
}

/// tiny_http cannot be asked to end a connection, and serves but few that stay open.
fn respond(
    request: tiny_http::Request,
    status: &str,
    location: &str,
    bytes: &[u8],
) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        bytes.len()
    );
    let mut writer = request.into_writer();
    writer.write_all(&[head.as_bytes(), bytes].concat())?;
    writer.flush()
}

/// The skill's process, ended with the test.
struct Skill {
    child: Child,
    address: String,
}

impl Drop for Skill {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Skill {
    fn start(box_root: &str) -> Self {
        let mut child = skillctl_process()
            .args(["sample-skill", "--port", "0"])
            .env("BOX_API_BASE_URL", box_root)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("it listens")
            .to_owned();
        Self { child, address }
    }

    /// POSTs `body` and gives the status of the answer.
    fn post(&self, path: &str, body: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).expect("the skill accepts");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: skill\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("the skill reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the skill answers and closes");
        answer[9..12].parse().expect("a status")
    }
}

fn event(name: &str) -> String {
    json!({
        "type": "skill_invocation",
        "skill": {"id": 137, "type": "skill"},
        "token": {
            "write": {"access_token": "the-write-token"},
            "read": {"access_token": "the-read-token"}
        },
        "id": "inv_1",
        "source": {"type": "file", "id": 42, "name": name}
    })
    .to_string()
}

fn next(calls: &Receiver<Call>) -> Call {
    calls.recv_timeout(TIMEOUT).expect("the skill calls Box")
}

#[test]
fn the_skill_says_processing_downloads_with_the_read_token_and_writes_with_the_write_token() {
    let (root, calls) = small_box(b"Tidal power\nfor the harbour\n");
    let skill = Skill::start(&root);
    assert_eq!(skill.post("/", &event("notes.txt")), 200);

    let first = next(&calls);
    assert_eq!(first.line, "PUT /2.0/skill_invocations/137");
    assert_eq!(first.token.as_deref(), Some("Bearer the-write-token"));
    assert_eq!(first.body["status"], "processing");
    assert_eq!(
        first.body["metadata"]["cards"][0]["status"]["code"],
        "skills_pending_status"
    );

    let second = next(&calls);
    assert_eq!(second.line, "GET /2.0/files/42/content");
    assert_eq!(second.token.as_deref(), Some("Bearer the-read-token"));

    let third = next(&calls);
    assert_eq!(third.line, "GET /bytes");
    assert_eq!(third.token, None, "the token stays with Box");

    let last = next(&calls);
    assert_eq!(last.token.as_deref(), Some("Bearer the-write-token"));
    assert_eq!(last.body["status"], "success");
    assert_eq!(last.body["file"], json!({"type": "file", "id": "42"}));
    let cards = &last.body["metadata"]["cards"];
    assert_eq!(cards[0]["entries"][0]["text"], "Tidal");
    assert_eq!(cards[1]["entries"][1]["text"], "for the harbour");
    assert_eq!(cards[1]["skill"]["id"], "137");
}

#[test]
fn asked_to_write_through_the_metadata_api_it_patches_after_a_409() {
    let (root, calls) = small_box(b"words");
    let skill = Skill::start(&root);
    assert_eq!(skill.post("/skill?via=metadata", &event("a.txt")), 200);
    let lines: Vec<String> = (0..5).map(|_| next(&calls).line).collect();
    let cards = "/2.0/files/42/metadata/global/boxSkillsCards";
    assert_eq!(lines[0], format!("POST {cards}"));
    assert_eq!(
        lines[3..],
        [format!("POST {cards}"), format!("PUT {cards}")]
    );
}

#[test]
fn a_broken_picture_ends_in_permanent_failure_with_an_error_card() {
    let (root, calls) = small_box(b"no picture at all");
    let skill = Skill::start(&root);
    assert_eq!(skill.post("/", &event("a.png")), 200);
    let made: Vec<Call> = (0..4).map(|_| next(&calls)).collect();
    let last = &made[3];
    assert_eq!(last.body["status"], "permanent_failure");
    let card = &last.body["metadata"]["cards"][0];
    assert_eq!(card["skill_card_title"]["code"], "skills_error");
    assert_eq!(card["status"]["code"], "skills_invalid_file_format_error");
}

#[test]
fn a_body_that_is_not_an_event_gets_400_and_causes_no_call_to_box() {
    let (root, calls) = small_box(b"");
    let skill = Skill::start(&root);
    for body in [
        "",
        "{",
        "[]",
        "{\"type\":\"webhook_event\"}",
        "{\"id\":\"1\"}",
    ] {
        assert_eq!(skill.post("/", body), 400, "{body}");
    }
    assert!(calls.try_recv().is_err());
}

#[test]
fn sixty_four_events_at_once_are_all_processed_in_spite_of_broken_connections() {
    let (root, calls) = small_box(b"words");
    let skill = Skill::start(&root);
    let cut_off: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = TcpStream::connect(&skill.address).expect("the skill accepts");
            stream
                .write_all(b"POST / HTTP/1.1\r\ncontent-length: 2000\r\n\r\n{")
                .expect("the skill reads");
            stream
        })
        .collect();
    drop(cut_off);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| assert_eq!(skill.post("/", &event("a.txt")), 200));
        }
    });
    let succeeded = (0..64 * 4)
        .map(|_| next(&calls))
        .filter(|call| call.body["status"] == "success")
        .count();
    assert_eq!(succeeded, 64);
}

#[test]
fn a_body_that_announces_more_than_memory_holds_does_not_end_the_skill() {
    let (root, _calls) = small_box(b"");
    let skill = Skill::start(&root);
    let mut stream = TcpStream::connect(&skill.address).expect("the skill accepts");
    stream
        .write_all(b"POST / HTTP/1.1\r\ncontent-length: 9000000000000000000\r\n\r\n{")
        .expect("the skill reads");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("the skill answers");
    assert_eq!(&head, b"HTTP/1.1 413");
    drop(stream);
    assert_eq!(skill.post("/", &event("a.txt")), 200);
}

#[test]
fn a_port_that_is_taken_exits_3() {
    let (root, _calls) = small_box(b"");
    let skill = Skill::start(&root);
    let port = skill.address.rsplit(':').next().expect("a port").to_owned();
    crate::support::skillctl()
        .args(["sample-skill", "--port", &port])
        .assert()
        .code(3)
        .stderr(predicates::str::contains(port));
}
