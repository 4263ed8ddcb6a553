//! What is recorded of a provider that fails: whole answers alone, and the rest is named. And what two
//! runs, or a run that is killed, leave of a cassette. The skills run on the python3 of this machine.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use predicates::str::contains;
use serde_json::{Value, json};

use crate::{
    cassettes::{World, read},
    support::{has, skillctl_process, wait_for},
};

/// Calls `/bad` of its provider, also where that fails `/good`, and reports success.
const SKILL: &str = r#"
from skill import *

def work(event):
    for path in ("/bad", "/good"):
        try:
            request = urllib.request.Request(os.environ["PROVIDER"] + path, b"{}")
            text = urllib.request.urlopen(request, timeout=2).read().decode()
        except Exception as error:
            print(path, repr(error), flush=True)
    report(event, "success", [text])

def handle(self, body):
    self.answer(200)
    start(work, {"file": body["source"]["id"], "token": body["token"]["write"]["access_token"]})
serve(handle)
"#;

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";

/// Answers `/good`, and every other path with `bad`; then closes the connection, or leaves it open.
fn provider(bad: &'static [u8], closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut connection in listener.incoming().map_while(Result::ok) {
            let target = read_request(&connection);
            if target.ends_with("/slow") {
                // Longer than the time after which an event without open calls is judged.
                thread::sleep(Duration::from_secs(1));
            }
            let answer = if target.ends_with("/good") || target.ends_with("/slow") {
                GOOD
            } else {
                bad
            };
            // The client may have gone.
            let _ = connection.write_all(answer);
            if !closes {
                open.push(connection);
            }
        }
    });
    url
}

/// Reads a request, and returns its target.
fn read_request(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection);
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let line = line.to_ascii_lowercase();
        if target.is_empty() {
            line.split(' ')
                .nth(1)
                .unwrap_or_default()
                .clone_into(&mut target);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    // The client may have gone.
    let _ = reader.read_exact(&mut body);
    target
}

/// The URLs of the entries of a cassette.
fn recorded(world: &World) -> Vec<String> {
    let har: Value = serde_json::from_str(&read(&world.cassette())).expect("JSON");
    let entries = har["log"]["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| entry["request"]["url"].as_str().expect("a URL").to_owned())
        .collect()
}

const BAD: &str = "http://ml.provider.example/bad";
const GOOD_URL: &str = "http://ml.provider.example/good";

/// Records from a provider that answers `/bad` like this; returns what is printed.
fn record(bad: &'static [u8], closes: bool) -> (World, String) {
    let world = World::new(SKILL);
    let output = world
        .replay(&["--cassette", "record"])
        .env("HTTP_PROXY", provider(bad, closes))
        .output()
        .expect("it runs");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).expect("text");
    assert!(output.status.success(), "{printed}");
    (world, printed)
}

#[test]
fn an_answer_that_is_not_whole_is_not_recorded_and_is_named() {
    if !has("python3") {
        return;
    }
    let broken: [(&[u8], bool); 6] = [
        (b"", true),
        (b"garbage\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", true),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            true,
        ),
        // Nothing follows, and the skill gives up.
        (b"", false),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", false),
    ];
    for (bad, closes) in broken {
        let (world, printed) = record(bad, closes);
        let case = format!("{:?}, {closes}: {printed}", bad.escape_ascii().to_string());
        assert_eq!(recorded(&world), [GOOD_URL], "{case}");
        assert!(printed.contains(BAD), "{case}");
    }
}

#[test]
fn an_answer_that_reports_an_error_is_recorded() {
    if !has("python3") {
        return;
    }
    let (world, _) = record(
        b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
        true,
    );
    assert_eq!(recorded(&world), [BAD, GOOD_URL]);
    world.replay(&[]).assert().success();
}

#[test]
fn a_compressed_answer_is_recorded_as_text() {
    if !has("python3") {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(br#"{"access_token": "planted-token", "text": "plain"}"#)
        .expect("memory takes it");
    let body = encoder.finish().expect("memory takes it");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (world, _) = record([head.into_bytes(), body].concat().leak(), true);
    let har = read(&world.cassette());
    assert!(har.contains("plain") && !har.contains("planted"), "{har}");
    assert!(!har.contains("gzip"), "{har}");
    // A coding that is not known may hide secrets.
    let (world, printed) = record(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 4\r\n\r\n\x0b\x00\x80\x03",
        true,
    );
    assert_eq!(recorded(&world), [GOOD_URL]);
    assert!(printed.contains("its coding br is not known"), "{printed}");
}

#[test]
fn an_event_is_not_judged_before_its_open_calls_are_answered() {
    if !has("python3") {
        return;
    }
    let call = r#"urllib.request.urlopen(os.environ["PROVIDER"] + "/slow", b"{}").read()"#;
    let work = format!(
        "def work(event):\n    start(lambda: {call})\n    report(event, \"success\", [\"done\"])\n"
    );
    let at = SKILL.find("def handle").expect("it handles events");
    let skill = format!("from skill import *\n{work}\n{}", &SKILL[at..]);
    let world = World::new(&skill);
    world
        .replay(&["--cassette", "record"])
        .env("HTTP_PROXY", provider(b"", true))
        .assert()
        .success();
    assert_eq!(recorded(&world), ["http://ml.provider.example/slow"]);
}

/// Starts a recording whose provider does not answer, and waits until the skill has called.
fn recording(world: &World) -> std::process::Child {
    let mut command = skillctl_process();
    command
        .args(["replay", "cases", "--cassette", "record", "-v", "--"])
        .args(["python3", "main.py"])
        .current_dir(world.folder.path())
        .env("PROVIDER", "http://ml.provider.example")
        .env("HTTP_PROXY", provider(b"", false))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let stderr = child.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(stderr).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("waiting"))));
    // What is printed later must not fail.
    thread::spawn(move || lines.for_each(drop));
    child
}

#[test]
fn two_runs_do_not_record_one_cassette_and_a_killed_one_leaves_the_old() {
    if !has("python3") {
        return;
    }
    let world = World::new(&SKILL.replace("timeout=2", "timeout=60"));
    world.write_cassette(&json!([]));
    let old = read(&world.cassette());
    let mut first = recording(&world);
    world
        .replay(&["--cassette", "record"])
        .assert()
        .code(3)
        .stderr(contains("another run records a cassette"));
    first.kill().expect("it is ours");
    first.wait().expect("it ends");
    assert_eq!(read(&world.cassette()), old);
    // The lock went with the process.
    wait_for("the lock is free", || {
        let output = world
            .replay(&["--cassette", "record", "--wait", "1ms", "--timeout", "1ms"])
            .output()
            .expect("it runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        (!printed.contains("another run")).then_some(())
    });
    let names: Vec<_> = std::fs::read_dir(world.folder.path().join("cases/one"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// Speaks HTTP/2 to its provider, and TLS with a list of authorities of its own.
const ODD_CLIENTS: &str = r#"
from skill import *
import socket, ssl

def tunnel(host):
    proxy = urllib.parse.urlparse(os.environ["HTTPS_PROXY"])
    connection = socket.create_connection((proxy.hostname, proxy.port))
    connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
    connection.recv(4096)
    return connection

def attempt(act):
    try:
        act()
    except OSError as error:
        print(repr(error), flush=True)

def http2_alone(host):
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    context.wrap_socket(tunnel(host), server_hostname=host)

def preface(host):
    context = ssl.create_default_context()
    connection = context.wrap_socket(tunnel(host), server_hostname=host)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    connection.recv(4096)

def pinned(host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.wrap_socket(tunnel(host), server_hostname=host)

def upgrade(host):
    connection = ssl.create_default_context().wrap_socket(tunnel(host), server_hostname=host)
    connection.sendall(f"GET / HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".encode())
    connection.recv(4096)

def work(event):
    host = "ml.provider.example"
    for act in (http2_alone, preface, pinned, upgrade):
        attempt(lambda: act(host))
    report(event, "permanent_failure", [])

def handle(self, body):
    self.answer(200)
    start(work, {"file": body["source"]["id"], "token": body["token"]["write"]["access_token"]})
serve(handle)
"#;

#[test]
fn clients_that_no_cassette_can_hold_are_named() {
    if !has("python3") {
        return;
    }
    let world = World::new(ODD_CLIENTS);
    world.write_cassette(&json!([crate::cassettes::entry(
        "https://ml.provider.example/",
        ""
    )]));
    let output = world.replay(&[]).output().expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = |words: &str| printed.matches(words).count();
    assert_eq!(
        names("speaks only HTTP/2 to ml.provider.example"),
        2,
        "{printed}"
    );
    assert!(names("REST transport") >= 2, "{printed}");
    assert!(
        names("it pins the certificate of that service") >= 1,
        "{printed}"
    );
    assert!(names("WebSockets and other upgrades") >= 1, "{printed}");
}
