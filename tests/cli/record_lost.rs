//! `mock-box --record` when the file becomes unwritable while the mock runs: it is removed, another
//! program writes to it, it turns read-only, the disk is full. A write that is not in the file is
//! answered 500, in Box's envelope, and changes nothing.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::skillctl_process,
    world::{Invocation, MockBox, http, keyword},
};

/// A mock that records and has taken one write.
struct Recording {
    mock: MockBox,
    event: Invocation,
    folder: TempDir,
}

impl Recording {
    fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("writes.jsonl");
        let file = file.to_str().expect("UTF-8");
        let options = [&["--record", file], options].concat();
        let said = |name: &str| -> Stdio {
            let file = fs::File::create(folder.path().join(name));
            file.expect("a file").into()
        };
        let (out, err) = (said("out"), said("err"));
        let mock = MockBox::printing(skillctl_process(), &options, out, err);
        let event = first_write(&mock);
        Self {
            mock,
            event,
            folder,
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("writes.jsonl")
    }

    /// Ends the mock; returns what it has said.
    fn end(mut self) -> String {
        let id = i32::try_from(self.mock.child.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), Signal::TERM).expect("it is sent");
        assert!(self.mock.child.wait().expect("it ends").success());
        fs::read_to_string(self.folder.path().join("out")).expect("it reads")
    }
}

fn first_write(mock: &MockBox) -> Invocation {
    let event = mock.register("7");
    assert_eq!(event.create(&json!([keyword("a")])), 201);
    event
}

/// Every kind of write is refused with the reason, and what is served stays as it was.
fn assert_refused(mock: &MockBox, event: &Invocation, reason: &str) {
    let cards = format!("{}/2.0/files/7/metadata/global/boxSkillsCards", mock.url);
    let invocation = json!({
        "status": "success", "file": {"type": "file", "id": "7"},
        "metadata": {"cards": [keyword("b")]}
    });
    let patch = json!([{"op": "replace", "path": "/cards", "value": []}]);
    let write = event.token("write");
    for request in [
        http()
            .put(&cards)
            .header("content-type", "application/json-patch+json")
            .body(patch.to_string()),
        http().delete(&cards),
        http()
            .put(format!("{}/2.0/skill_invocations/1", mock.url))
            .body(invocation.to_string()),
    ] {
        let answer = request.bearer_auth(&write).send().expect("an answer");
        assert_eq!(answer.status(), 500);
        let error: Value =
            serde_json::from_slice(&answer.bytes().expect("bytes")).expect("Box's envelope");
        assert_eq!(
            (&error["type"], &error["status"]),
            (&json!("error"), &json!(500))
        );
        assert_eq!(error["code"], "internal_server_error");
        assert!(error["request_id"].is_string());
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("cannot write to the record file"),
            "{error}"
        );
        assert!(message.contains(reason), "{error}");
    }
    let reset = http().post(format!("{}/_mock/reset", mock.url)).send();
    assert_eq!(reset.expect("an answer").status(), 500);
    let served = http().get(&cards).bearer_auth(&write).send();
    let served = served.expect("an answer").bytes().expect("bytes");
    let served: Value = serde_json::from_slice(&served).expect("an instance");
    assert_eq!(served["$version"], 0);
    assert_eq!(served["cards"][0]["entries"][0]["text"], "a");
}

fn assert_taken(mock: &MockBox, event: &Invocation) {
    assert_eq!(event.report("success", &json!([keyword("c")])), 200);
    let writes = mock.ask("writes");
    assert_eq!(
        (&writes["next"], &writes["writes"][1]["seq"]),
        (&json!(2), &json!(2))
    );
}

#[test]
fn a_removed_record_file_fails_writes_until_it_exists_again() {
    for options in [&[][..], &["--fsync"]] {
        let recording = Recording::start(options);
        let (file, aside) = (recording.file(), recording.folder.path().join("aside"));
        fs::rename(&file, &aside).expect("it moves");
        let reason = "it was removed while the mock was running";
        assert_refused(&recording.mock, &recording.event, reason);
        fs::copy(&aside, &file).expect("it copies");
        let reason = "another file has taken its place";
        assert_refused(&recording.mock, &recording.event, reason);
        fs::rename(&aside, &file).expect("it moves");
        assert_taken(&recording.mock, &recording.event);
        assert_eq!(lines(&file), 2);
    }
}

#[test]
fn a_removed_record_file_is_reported_in_the_log() {
    let recording = Recording::start(&[]);
    fs::remove_file(recording.file()).expect("it goes");
    assert_refused(&recording.mock, &recording.event, "it was removed");
    let log = recording.end();
    let said = log.lines().filter(|line| {
        line.contains("  500  ")
            && line.contains("internal_server_error: cannot write to the record")
    });
    assert_eq!(said.count(), 3, "{log}");
}

#[test]
fn a_record_file_that_another_program_changes_is_left_unchanged() {
    let recording = Recording::start(&[]);
    let file = recording.file();
    let mut other = OpenOptions::new()
        .append(true)
        .open(&file)
        .expect("it opens");
    other.write_all(b"a note\n").expect("it writes");
    let with_note = fs::read(&file).expect("it reads");
    assert_refused(
        &recording.mock,
        &recording.event,
        "another program has changed it",
    );
    assert_eq!(fs::read(&file).expect("it reads"), with_note);
    other.set_len(0).expect("it is cut");
    assert_refused(
        &recording.mock,
        &recording.event,
        "another program has changed it",
    );
    assert_eq!(fs::read(&file).expect("it reads"), b"");
}

fn lines(file: &Path) -> usize {
    fs::read_to_string(file).expect("it reads").lines().count()
}

/// A file in memory can be sealed against writing while others have it open, which permissions
/// cannot: root is bound by the seal too.
#[cfg(target_os = "linux")]
#[test]
fn a_record_file_that_turns_read_only_fails_writes() {
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let file = memfd_create("writes.jsonl", MemfdFlags::ALLOW_SEALING).expect("a file");
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mock = MockBox::with(&["--record", &path]);
    let event = first_write(&mock);
    fcntl_add_seals(&file, SealFlags::WRITE).expect("it is sealed");
    assert_refused(&mock, &event, "Operation not permitted");
    assert_eq!(lines(Path::new(&path)), 1);
    drop(mock);
    // What was acknowledged is there for the next one, which cannot write either.
    let mock = MockBox::with(&["--record", &path]);
    assert_refused(&mock, &mock.register("7"), "Operation not permitted");
}

#[cfg(target_os = "linux")]
#[test]
fn with_fsync_too_a_file_that_may_not_grow_fails_writes_until_it_may() {
    for options in [&[][..], &["--fsync"]] {
        let recording = Recording::start(options);
        recording.mock.limit_files(Some(0));
        assert_refused(&recording.mock, &recording.event, "File too large");
        recording.mock.limit_files(None);
        assert_taken(&recording.mock, &recording.event);
        assert_eq!(lines(&recording.file()), 2);
    }
}

/// A small file system in memory, where this user may make one that nobody else sees.
#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_writes_fail_and_one_that_fits_is_still_accepted() {
    const FREE_BYTES: usize = 512 * 1024;
    let script = r#"mount -t tmpfs -o size=512k none "$0" && exec "$@""#;
    let folder = tempfile::tempdir().expect("a folder");
    let own = || {
        let mut own = std::process::Command::new("unshare");
        own.args(["--map-root-user", "--mount", "sh", "-c", script]);
        own.arg(folder.path());
        own
    };
    let is_allowed = own().arg("true").stderr(Stdio::null()).status();
    if !is_allowed.is_ok_and(|status| status.success()) {
        return;
    }
    for options in [&[][..], &["--fsync"]] {
        let mut program = own();
        program.arg(skillctl_process().get_program());
        let file = folder.path().join("writes.jsonl");
        let file = file.to_str().expect("UTF-8");
        let mock = MockBox::started(program, &[&["--record", file], options].concat());
        let event = first_write(&mock);
        let text = "x".repeat(FREE_BYTES / 8);
        let mut taken = 1;
        while event.report("processing", &json!([keyword(&text)])) == 200 {
            taken += 1;
            assert!(taken < 10, "the disk is full");
        }
        assert!(taken > 4);
        let small = event.report("success", &json!([keyword("small")]));
        let writes = mock.ask("writes");
        assert_eq!((small, &writes["next"]), (200, &json!(taken + 1)));
    }
}
