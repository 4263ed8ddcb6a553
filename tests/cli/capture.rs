//! `capture`: real events become cases. The event comes from `replay --no-mock`, and a mock plays Box.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use predicates::str::contains;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::{skillctl, skillctl_process, wait_for},
    world::{MockBox, Skill, http, keyword},
};

/// A running `capture --format json`.
struct Capture {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    url: String,
    folder: TempDir,
}

impl Capture {
    fn start(options: &[&str]) -> Self {
        Self::started(skillctl_process(), options)
    }

    /// Started by this program: `skillctl`, or a shell that starts it.
    fn started(mut program: Command, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = program
            .args([
                "capture",
                "--listen",
                "127.0.0.1:0",
                "--format",
                "json",
                "--into",
            ])
            .arg(folder.path().join("cases"))
            .args(["--settle", "100ms"])
            .args(options)
            .env("PRIMARY", "the-primary-key")
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut errors = BufReader::new(child.stderr.take().expect("piped"));
        let mut first = String::new();
        errors.read_line(&mut first).expect("a line");
        // The rest is read, so that the process is never blocked.
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let url = first
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("{first}"))
            .to_owned();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self {
            child,
            lines,
            url,
            folder,
        }
    }

    fn cases(&self) -> PathBuf {
        self.folder.path().join("cases")
    }

    /// The next report of a kind; others are skipped.
    fn report(&mut self, kind: &str) -> Value {
        loop {
            let line = self.lines.next().expect("it runs").expect("a line");
            let report: Value = serde_json::from_str(&line).expect("JSON");
            if report["kind"] == kind {
                return report;
            }
        }
    }

    /// Ctrl-C; the exit code.
    fn end(&mut self) -> Option<i32> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).expect("it runs");
        wait_for("it ends", || self.child.try_wait().expect("a state")).code()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An event about a small text, with the tokens that the mock minted for it, in a file.
fn event(mock: &MockBox) -> (PathBuf, Value) {
    let notes = mock.folder().join("notes.txt");
    fs::write(&notes, "Anna: Good morning.\n").expect("it is written");
    let path = mock.folder().join("event.json");
    let _ = fs::remove_file(&path);
    skillctl()
        .args(["event", "new", "--box", &mock.url, "-o"])
        .args([&path, &notes])
        .assert()
        .success();
    let text = fs::read_to_string(&path).expect("it is there");
    (path, serde_json::from_str(&text).expect("JSON"))
}

fn send(event: &Path, capture: &Capture, options: &[&str]) -> assert_cmd::assert::Assert {
    skillctl()
        .args(["replay", "--no-mock", "--skill", &capture.url])
        .arg(event)
        .args(options)
        .env("PRIMARY", "the-primary-key")
        .env("WRONG", "another-key")
        .assert()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref())
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

#[test]
fn an_event_becomes_a_case_that_replays_green() {
    let mock = MockBox::start();
    let (path, event) = event(&mock);
    // The sample skill is pointed at the mock, as it would be at Box.
    let program = env!("CARGO_BIN_EXE_skillctl");
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("skill.sh");
    let start = format!("BOX_API_BASE_URL={} exec {program} sample-skill", mock.url);
    fs::write(&script, start).expect("it is written");
    let script = script.to_string_lossy().into_owned();
    let mut capture = Capture::start(&["--box", &mock.url, "--", "sh", &script]);

    send(&path, &capture, &[]).success();
    let case = PathBuf::from(capture.report("event")["case"].as_str().expect("a path"));
    let cards = capture.report("cards")["cards"].clone();
    assert_eq!(capture.end(), Some(0));

    let name = case
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let id = event["id"].as_str().expect("an id");
    assert_eq!(name, format!("notes.txt-{id}"));
    assert_eq!(read(case.join("content.txt")), "Anna: Good morning.\n");
    let saved = read(case.join("event.json"));
    for kind in ["read", "write"] {
        let token = event["token"][kind]["access_token"]
            .as_str()
            .expect("a token");
        assert!(!saved.contains(token), "{kind}");
    }
    let expected: Value = serde_json::from_str(&read(case.join("expected.json"))).expect("JSON");
    let count = expected["cards"].as_array().map_or(0, Vec::len);
    assert!(count > 0 && cards == count, "{cards}: {expected}");
    skillctl()
        .args(["replay", "--sample-skill"])
        .arg(capture.cases())
        .assert()
        .success()
        .stdout(contains("1 passed"));
}

#[test]
fn an_event_that_is_sent_again_makes_no_second_case() {
    let mock = MockBox::start();
    let (path, _) = event(&mock);
    let mut capture = Capture::start(&["--box", &mock.url]);
    send(&path, &capture, &[]).success();
    send(&path, &capture, &[]).success();
    capture.report("again");
    assert_eq!(capture.end(), Some(0));
    assert_eq!(fs::read_dir(capture.cases()).expect("a folder").count(), 1);
}

#[test]
fn only_signed_deliveries_are_saved_where_a_key_is_given() {
    let mock = MockBox::start();
    let (path, _) = event(&mock);
    let mut capture = Capture::start(&["--box", &mock.url, "--primary-key-env", "PRIMARY"]);
    send(&path, &capture, &["--primary-key-env", "WRONG"]).code(1);
    let refused = capture.report("refused");
    assert!(
        refused["reason"]
            .as_str()
            .is_some_and(|text| text.contains("no key")),
        "{refused}"
    );
    send(&path, &capture, &["--primary-key-env", "PRIMARY"]).success();
    assert_eq!(capture.report("event")["verified"], true);
    assert_eq!(capture.end(), Some(0));
    assert_eq!(fs::read_dir(capture.cases()).expect("a folder").count(), 1);
}

#[test]
fn an_event_is_saved_and_answered_when_its_file_cannot_be_downloaded() {
    let mock = MockBox::start();
    let (path, event) = event(&mock);
    let id = event["source"]["id"].as_str().expect("an id");
    let deleted = http()
        .delete(format!("{}/_mock/files/{id}", mock.url))
        .send();
    assert!(deleted.is_ok_and(|answer| answer.status().is_success()));
    let mut capture = Capture::start(&["--box", &mock.url]);
    send(&path, &capture, &[]).success();
    let failed = capture.report("no-content");
    assert!(
        failed["reason"]
            .as_str()
            .is_some_and(|text| text.contains("404")),
        "{failed}"
    );
    let case = PathBuf::from(failed["case"].as_str().expect("a path"));
    assert!(case.join("event.json").exists());
}

#[test]
fn an_interrupt_completes_the_case_that_is_under_way() {
    let mock = MockBox::with(&["--fault", "download=delay=700ms,x1"]);
    let (path, _) = event(&mock);
    let mut capture = Capture::start(&["--box", &mock.url]);
    send(&path, &capture, &[]).success();
    let case = PathBuf::from(capture.report("event")["case"].as_str().expect("a path"));
    assert!(!case.join("content.txt").exists());
    assert_eq!(capture.end(), Some(0));
    assert_eq!(read(case.join("content.txt")), "Anna: Good morning.\n");
}

#[test]
fn a_disk_that_is_full_is_reported_and_leaves_no_half_case() {
    let mock = MockBox::start();
    let (path, _) = event(&mock);
    // A limit on the size of files fails like a full disk, where its signal is ignored.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_skillctl"));
    let mut capture = Capture::started(shell, &["--box", &mock.url]);
    send(&path, &capture, &[]).code(1);
    let report = capture.report("not-saved");
    let reason = report["reason"].as_str().expect("a reason");
    assert!(reason.contains("too large"), "{reason}");
    assert_eq!(capture.end(), Some(0));
    assert_eq!(fs::read_dir(capture.cases()).expect("a folder").count(), 0);
}

#[test]
fn what_is_not_an_event_reaches_the_skill_or_gets_404() {
    let mut alone = Capture::start(&[]);
    for request in [
        http().get(format!("{}/?state=Processed", alone.url)),
        http().post(&alone.url).body("{}"),
        http().post(&alone.url).body("not JSON"),
    ] {
        assert_eq!(request.send().expect("an answer").status(), 404);
    }
    let large = http().post(&alone.url).body(vec![b'x'; 30 << 20]).send();
    // The connection may break while the rest is sent: the answer is there before it.
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status() == 413));
    assert_eq!(alone.end(), Some(0));
    assert_eq!(fs::read_dir(alone.cases()).expect("a folder").count(), 0);

    let skill = Skill::new(|_| 200);
    let mut capture = Capture::start(&["--forward", &skill.url]);
    let answer = http()
        .post(format!("{}/callback?id=7", capture.url))
        .body(json!({"token": {"read": {}}, "source": {}}).to_string())
        .send()
        .expect("an answer");
    let report = capture.report("request");
    assert_eq!(report["path"], "/callback");
    assert_eq!(report["status"], answer.status().as_u16());
}

/// Behind a tunnel every client seems to be on this machine.
#[test]
fn services_of_this_machine_are_not_reached_through_it() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    other.set_nonblocking(true).expect("it can be asked");
    let target = other.local_addr().expect("it has one");
    let capture = Capture::start(&["--no-content"]);
    let at = capture.url.trim_start_matches("http://").to_owned();
    for head in [
        format!("GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n"),
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"),
    ] {
        let mut client = TcpStream::connect(&at).expect("it listens");
        let limit = Some(Duration::from_secs(20));
        client.set_read_timeout(limit).expect("it is set");
        let request = format!("{head}Connection: close\r\n\r\n");
        client.write_all(request.as_bytes()).expect("it is sent");
        let mut status = String::new();
        let read = BufReader::new(client).read_line(&mut status);
        read.expect("an answer");
        assert!(status.starts_with("HTTP/1.1 403 "), "{head}{status}");
        let reached = other.accept().map(|_| ()).expect_err("nobody comes");
        assert_eq!(reached.kind(), std::io::ErrorKind::WouldBlock, "{head}");
    }
}

#[test]
fn the_answer_of_the_skill_goes_back_to_box() {
    let mock = MockBox::start();
    let (path, _) = event(&mock);
    let url = mock.url.clone();
    let skill = Skill::new(move |event| {
        assert_eq!(
            event.at(&url).report("success", &json!([keyword("a")])),
            200
        );
        503
    });
    let mut capture =
        Capture::start(&["--box", &mock.url, "--no-content", "--forward", &skill.url]);
    send(&path, &capture, &[]).code(1);
    assert_eq!(capture.report("reply")["status"], 503);
    let case = PathBuf::from(capture.report("cards")["case"].as_str().expect("a path"));
    assert!(case.join("expected.json").exists());
    assert!(!case.join("content.txt").exists());
}

#[test]
fn secrets_are_kept_to_the_byte_only_when_asked_to_in_a_private_file() {
    use std::os::unix::fs::PermissionsExt;
    let mock = MockBox::start();
    let (path, event) = event(&mock);
    let mut capture = Capture::start(&["--box", &mock.url, "--keep-secrets"]);
    send(&path, &capture, &[]).success();
    let case = PathBuf::from(capture.report("event")["case"].as_str().expect("a path"));
    let file = case.join("event.json");
    let saved: Value = serde_json::from_str(&read(&file)).expect("JSON");
    assert_eq!(saved["body"].as_str(), Some(read(&path).as_str()));
    assert!(event["token"]["read"]["access_token"].is_string());
    let mode = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn wrong_options_exit_with_2_and_a_taken_port_with_3() {
    for options in [
        &["--primary-key-env", "NOT_SET"][..],
        &["--settle", "soon"],
        &["--forward", "ftp://a"],
        &["--forward", "http://127.0.0.1:1/", "--", "true"],
    ] {
        skillctl().arg("capture").args(options).assert().code(2);
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    skillctl()
        .args(["capture", "--listen", &address, "--into"])
        .arg(folder.path())
        .assert()
        .code(3)
        .stderr(contains("--listen"));
}
