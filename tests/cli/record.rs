//! `mock-box --record`: what is recorded and when, and what remains after each kind of end.

use std::{fs, path::Path};

use predicates::str::contains;
use serde_json::{Value, json};

use crate::{
    support::{skillctl, skillctl_process},
    world::{MockBox, http, keyword},
};

fn recording(file: &Path) -> MockBox {
    MockBox::with(&["--record", file.to_str().expect("UTF-8")])
}

fn records(file: &Path) -> Vec<Value> {
    fs::read_to_string(file)
        .expect("it reads")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

fn seqs(records: &[Value]) -> Vec<u64> {
    records
        .iter()
        .map(|record| record["seq"].as_u64().expect("a number"))
        .collect()
}

#[test]
fn a_write_is_in_the_file_before_its_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    let mock = recording(&file);
    let event = mock.register("7");
    for number in 1..=5 {
        let status = event.report("processing", &json!([keyword("a")]));
        // No waiting in between: it must be there when the answer is.
        assert_eq!((status, records(&file).len()), (200, number));
    }
    let first = &records(&file)[0];
    assert_eq!(first["op"], "invocation");
    assert_eq!(first["file_id"], "7");
    assert_eq!(first["token"]["kind"], "write");
    assert_eq!(first["instance"]["cards"][0]["entries"][0]["text"], "a");
}

#[test]
fn a_killed_mock_resumes_from_its_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    {
        let mock = recording(&file);
        let event = mock.register("7");
        assert_eq!(event.create(&json!([keyword("a")])), 201);
        let patch = json!([{"op": "add", "path": "/cards/-", "value": keyword("b")}]);
        assert_eq!(event.patch(&patch), 200);
        // Dropping it kills it, without a chance to tidy up.
    }
    let mock = recording(&file);
    let event = mock.register("7");
    // The cards still exist, so a second creation is a conflict.
    assert_eq!(event.create(&json!([keyword("c")])), 409);
    let patch = json!([{"op": "test", "path": "/cards/1/entries/0/text", "value": "b"}]);
    assert_eq!(event.patch(&patch), 200);
    assert_eq!(seqs(&records(&file)), [1, 2, 3]);
    assert_eq!(records(&file)[2]["instance"]["$version"], 2);
    assert_eq!(mock.ask("writes?after=2")["next"], 3);
}

#[test]
fn a_reset_is_recorded_and_the_numbering_continues() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    let mock = recording(&file);
    let event = mock.register("7");
    assert_eq!(event.create(&json!([keyword("a")])), 201);
    let reset = http().post(format!("{}/_mock/reset", mock.url)).send();
    assert_eq!(reset.expect("an answer").status(), 200);
    assert_eq!(event.create(&json!([])), 401, "the reset removed its token");
    drop(mock);

    let mock = recording(&file);
    assert_eq!(mock.ask("writes"), json!({"writes": [], "next": 0}));
    let event = mock.register("7");
    assert_eq!(event.create(&json!([keyword("b")])), 201);
    let listed = mock.ask("writes?file_id=7");
    assert_eq!(
        (
            listed["next"].as_u64(),
            listed["writes"].as_array().map(Vec::len)
        ),
        (Some(3), Some(1))
    );
    let ops: Vec<Value> = records(&file)
        .iter()
        .map(|record| record["op"].clone())
        .collect();
    assert_eq!(ops, ["create", "reset", "create"]);
    assert_eq!(seqs(&records(&file)), [1, 2, 3]);
}

#[test]
fn a_torn_last_line_is_dropped_with_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    drop({
        let mock = recording(&file);
        assert_eq!(mock.register("7").create(&json!([keyword("a")])), 201);
        mock
    });
    let whole = fs::read(&file).expect("it reads");
    let torn = [&whole[..], &whole[..whole.len() / 2]].concat();
    fs::write(&file, torn).expect("it writes");
    // The command ends the mock, so that all it said can be read.
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--record"])
        .arg(&file)
        .args(["--", "true"])
        .assert()
        .success()
        .stderr(contains("writes.jsonl:2: the last line is incomplete"));
    assert_eq!(fs::read(&file).expect("it reads"), whole);
}

#[test]
fn two_mocks_do_not_record_to_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    let mock = recording(&file);
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--record"])
        .arg(&file)
        .assert()
        .code(3)
        .stderr(contains("another mock is recording to it"));
    assert_eq!(mock.register("7").create(&json!([keyword("a")])), 201);
}

#[test]
fn an_unusable_record_file_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let no_folder = folder.path().join("file/writes.jsonl");
    fs::write(folder.path().join("file"), "").expect("it writes");
    for (path, reason) in [
        (folder.path(), "not a regular file"),
        (Path::new("/dev/full"), "not a regular file"),
        (&no_folder, "Not a directory"),
    ] {
        skillctl()
            .args(["mock-box", "--listen", "127.0.0.1:0", "--record"])
            .arg(path)
            .assert()
            .code(3)
            .stderr(contains(reason))
            .stderr(contains("help: --record needs a file"));
    }
    let wrong = folder.path().join("wrong.jsonl");
    fs::write(&wrong, "{\"seq\":1}\n").expect("it writes");
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--record"])
        .arg(&wrong)
        .assert()
        .code(2)
        .stderr(contains("wrong.jsonl:1: this line is not a write record"));
}

#[test]
fn where_the_disk_is_full_a_write_is_refused_and_changes_nothing() {
    const BYTES: usize = 1024 * 1024;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    // A limit on the size of files simulates a full disk; `ulimit` counts in 512 bytes,
    // or in 1024 in bash.
    let mut shell = std::process::Command::new("sh");
    let script = r#"ulimit -f 2048; exec "$0" "$@""#;
    shell
        .args(["-c", script])
        .arg(skillctl_process().get_program());
    let mock = MockBox::started(shell, &["--record", file.to_str().expect("UTF-8")]);
    let event = mock.register("7");
    let text = "x".repeat(BYTES / 4);
    let mut taken = 0;
    let refused = loop {
        match event.report("processing", &json!([keyword(&text)])) {
            200 => taken += 1,
            status => break status,
        }
        assert!(taken < 10, "the limit holds");
    };
    assert_eq!((refused, taken > 0), (500, true));
    // A refused write is in neither the file nor the state, and a smaller one is still accepted.
    assert_eq!(records(&file).len(), taken);
    assert_eq!(event.report("success", &json!([keyword("small")])), 200);
    let last = &records(&file)[taken];
    assert_eq!(last["seq"], taken + 1);
    assert_eq!(last["instance"]["$version"], taken);
}

#[test]
fn with_fsync_concurrent_writes_are_all_answered_and_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("writes.jsonl");
    let mock = MockBox::with(&["--fsync", "--record", file.to_str().expect("UTF-8")]);
    let event = &mock.register("7");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                for _ in 0..5 {
                    assert_eq!(event.report("processing", &json!([keyword("a")])), 200);
                }
            });
        }
    });
    assert_eq!(seqs(&records(&file)), (1..=40).collect::<Vec<u64>>());
    skillctl()
        .args(["mock-box", "--fsync"])
        .assert()
        .code(2)
        .stderr(contains("--record"));
}
