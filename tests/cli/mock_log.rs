//! `mock-box` as a command: its log, its summary, and the files by which others find it.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    support::{skillctl, skillctl_process},
    world::{Invocation, MockBox, keyword},
};

/// Ends a mock by a signal; returns what it has printed on both streams.
fn ended_by(signal: Signal, options: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut mock = MockBox::printing(
        skillctl_process(),
        options,
        fs::File::create(&out).expect("a file").into(),
        fs::File::create(&err).expect("a file").into(),
    );
    let event = mock.register("7");
    assert_eq!(event.create(&json!([keyword("a")])), 201);
    assert_eq!(event.create(&json!([keyword("a")])), 409);
    let id = i32::try_from(mock.child.id()).expect("a process id");
    kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("it is sent");
    assert!(mock.child.wait().expect("it ends").success());
    let read = |path| fs::read_to_string(path).expect("it reads");
    (read(&out), read(&err))
}

#[test]
fn it_ends_well_by_either_signal_and_says_what_there_was() {
    for signal in [Signal::INT, Signal::TERM] {
        let (out, err) = ended_by(signal, &[]);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2, "{out}");
        let call = "POST /2.0/files/7/metadata/global/boxSkillsCards";
        assert!(
            lines[0].contains("  write  201  ") && lines[0].contains(call),
            "{out}"
        );
        assert!(lines[0].ends_with("  1 card (keyword)"), "{out}");
        assert!(
            lines[1].contains("  tuple_already_exists: Tuple already exists  try: "),
            "{out}"
        );
        let last = err.lines().last().expect("a summary");
        assert_eq!(
            last,
            "ended after 2 calls and 1 metadata write: 1 × 201, 1 × 409"
        );
    }
}

#[test]
fn what_the_validator_finds_is_a_line_below_the_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut mock = MockBox::printing(
        skillctl_process(),
        &[],
        fs::File::create(&out).expect("a file").into(),
        Stdio::null(),
    );
    let mut card = keyword("a");
    card["title"] = json!("Topics");
    card.as_object_mut()
        .expect("a card")
        .remove("skill_card_title");
    assert_eq!(mock.register("7").create(&json!([card])), 201);
    let id = i32::try_from(mock.child.id()).expect("a process id");
    kill_process(Pid::from_raw(id).expect("a process id"), Signal::TERM).expect("it is sent");
    assert!(mock.child.wait().expect("it ends").success());
    let text = fs::read_to_string(out).expect("it reads");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("  201  "), "{text}");
    assert!(lines[1].starts_with("      warning   "), "{text}");
    assert!(lines[1].ends_with("  at /0/title"), "{text}");
}

#[test]
fn with_format_json_every_line_is_an_object_and_the_last_is_the_summary() {
    let (out, _) = ended_by(Signal::INT, &["--format", "json"]);
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.as_object()?.keys().next().map(String::as_str))
        .collect();
    assert_eq!(kinds, ["open", "write", "call", "open", "call", "summary"]);
    let summary = json!({"calls": 2, "statuses": {"201": 1, "409": 1}, "faults": 0, "writes": 1});
    assert_eq!(lines[5]["summary"], summary);
}

#[test]
fn with_a_command_the_log_does_not_mix_with_its_output() {
    let script = r#"curl -s "$BOX_API_BASE_URL/2.0/files/1"; echo from the command"#;
    let command = |quiet: &[&str]| {
        let mut command = skillctl();
        command
            .args(["mock-box", "--listen", "127.0.0.1:0"])
            .args(quiet)
            .args(["--", "sh", "-c", script]);
        command
    };
    command(&[])
        .assert()
        .success()
        .stdout("from the command\n")
        .stderr(contains("  -      401  ").and(contains("GET /2.0/files/1  invalid_token")));
    command(&["-q"]).assert().success().stderr("");
}

#[test]
fn the_ready_file_replaces_what_was_there_and_names_the_mock() {
    let folder = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("ready.json");
    fs::write(&ready, "from an earlier run").expect("it writes");
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--ready-file"])
        .arg(&ready)
        .args(["--", "cat"])
        .arg(&ready)
        .assert()
        .success()
        .stdout(contains("{\"url\":\"http://127.0.0.1:").and(contains("\"pid\":")));
    let files = fs::read_dir(folder.path()).expect("it reads").count();
    assert_eq!(files, 1, "no other file is left");
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--ready-file"])
        .arg(folder.path().join("no/ready.json"))
        .assert()
        .code(3)
        .stderr(contains("cannot write "));
}

#[test]
fn a_reader_of_the_log_that_goes_away_does_not_end_the_mock() {
    let mut mock = MockBox::printing(skillctl_process(), &[], Stdio::piped(), Stdio::null());
    drop(mock.child.stdout.take());
    let event = mock.register("7");
    for status in [201, 409, 409] {
        assert_eq!(event.create(&json!([keyword("a")])), status);
    }
}

#[test]
fn the_tokens_of_a_fixture_are_valid_and_those_of_a_second_one_are_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = json!({
        "id": "e_1", "skill": {"id": "1"},
        "source": {"type": "file", "id": "7", "name": "a.txt", "size": 1},
        "token": {"read": {"access_token": "own-read"}, "write": {"access_token": "own-write"}}
    });
    let paths = ["a.json", "b.json"].map(|name| folder.path().join(name));
    for path in &paths {
        fs::write(path, event.to_string()).expect("it is written");
    }
    let (events, err) = (folder.path().join("events"), folder.path().join("err"));
    let options = [
        "--events-dir".as_ref(),
        events.as_os_str(),
        paths[0].as_os_str(),
        paths[1].as_os_str(),
    ]
    .map(|option| option.to_str().expect("UTF-8"));
    let mock = MockBox::printing(
        skillctl_process(),
        &options,
        Stdio::null(),
        fs::File::create(&err).expect("a file").into(),
    );
    let first = Invocation::from_event(event).at(&mock.url);
    assert_eq!(first.download("own-read").0, 200);
    assert_eq!(first.create(&json!([keyword("a")])), 201);
    let said = fs::read_to_string(&err).expect("it reads");
    assert!(said.contains("a.json as file 7\n"), "{said}");
    assert!(said.contains(", a new id, with new tokens\n"), "{said}");
    let mut written: Vec<_> = fs::read_dir(&events)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    written.sort();
    let second = fs::read_to_string(&written[1]).expect("it reads");
    let second = Invocation::from_event(serde_json::from_str(&second).expect("JSON"));
    assert_ne!(second.token("read"), "own-read");
    assert_ne!(second.event["id"], "e_1");
    assert_eq!(second.at(&mock.url).download(&second.token("read")).0, 200);
    let mode = fs::metadata(&written[0])
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
