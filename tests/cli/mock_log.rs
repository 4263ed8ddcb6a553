//! `mock-box` as a command: its log, its summary, and the files by which others find it.

use std::{fs, process::Stdio};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    support::{skillctl, skillctl_process},
    world::{MockBox, keyword},
};

/// Ends a mock by a signal; gives what it has printed on both streams.
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
            lines[1].ends_with("  tuple_already_exists: Tuple already exists"),
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
fn beside_a_command_the_log_keeps_off_its_output() {
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
