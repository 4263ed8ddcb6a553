//! `skillctl fetch` against the mock: TLS, tokens, and the mock's own faults.

use std::{fs, path::PathBuf};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    support::{project, skillctl},
    world::MockBox,
};

const CASE: &str = "fixtures/events/upload-image";

/// A mock that holds the file of an event, and that event as the mock has it.
struct Held {
    mock: MockBox,
    folder: TempDir,
    event: PathBuf,
}

impl Held {
    fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let events = folder.path().join("events");
        let case = project(CASE);
        let mut all = vec!["--events-dir", events.to_str().expect("UTF-8")];
        all.extend(options);
        all.push(case.to_str().expect("UTF-8"));
        let mock = MockBox::with(&all);
        let event = fs::read_dir(&events)
            .expect("the events are written before it is ready")
            .next()
            .expect("one")
            .expect("an entry")
            .path();
        Self {
            mock,
            folder,
            event,
        }
    }

    fn fetch(&self, url: &str) -> assert_cmd::Command {
        let mut command = skillctl();
        command
            .current_dir(&self.folder)
            .args(["fetch", "-o", "got", "--box", url, "--event"])
            .arg(&self.event);
        command
    }

    fn assert_fetched(&self) {
        let got = fs::read(self.folder.path().join("got")).expect("it is there");
        assert!(got == fs::read(project(CASE).join("content.png")).expect("it is there"));
    }

    fn https(&self) -> String {
        self.mock.url.replace("http:", "https:")
    }

    /// The certificate of the mock's authority.
    fn authority(&self) -> String {
        let ready = fs::read(self.mock.folder().join("ready.json")).expect("it is ready");
        let ready: Value = serde_json::from_slice(&ready).expect("JSON");
        ready["ca"].as_str().expect("a path").to_owned()
    }
}

#[test]
fn over_tls_the_mocks_authority_must_be_trusted() {
    let held = Held::with(&[]);
    held.fetch(&held.https())
        .assert()
        .code(3)
        .stderr(contains("its certificate is not trusted"))
        .stderr(contains("--ca-cert").and(contains("attempt 2").not()));
    held.fetch(&held.https())
        .args(["--ca-cert", &held.authority()])
        .assert()
        .success()
        .stdout(contains("(verified)"));
    held.assert_fetched();
}

#[test]
fn the_event_as_captured_and_as_registered_are_both_valid() {
    let held = Held::with(&[]);
    skillctl()
        .current_dir(&held.folder)
        .args(["fetch", "--box", &held.mock.url, "--event"])
        .arg(project(CASE))
        .assert()
        .success();
    held.fetch(&held.mock.url).assert().success();
    held.assert_fetched();
}

#[test]
fn the_url_that_is_printed_downloads_without_a_header() {
    let held = Held::with(&[]);
    let url = skillctl()
        .args(["fetch", "--url", "--box", &held.mock.url, "--event"])
        .arg(&held.event)
        .output()
        .expect("it runs");
    let url = String::from_utf8(url.stdout).expect("a URL");
    let answer = crate::world::http()
        .get(url.trim())
        .send()
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let bytes = answer.bytes().expect("bytes");
    assert!(bytes == fs::read(project(CASE).join("content.png")).expect("it is there"));
}

#[test]
fn the_write_token_does_not_read() {
    let held = Held::with(&[]);
    let event: Value =
        serde_json::from_slice(&fs::read(&held.event).expect("it is there")).expect("JSON");
    let token = event["token"]["write"]["access_token"]
        .as_str()
        .expect("a token");
    held.fetch(&held.mock.url)
        .env("WRITE", token)
        .args(["--token-env", "WRITE"])
        .assert()
        .code(3)
        .stderr(contains("403 Forbidden, insufficient_scope"))
        .stderr(contains("the token in $WRITE").and(contains(token).not()));
}

/// A fetch from a mock with these faults.
fn faulty(faults: &[&str]) -> Held {
    let options: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    Held::with(&options)
}

#[test]
fn what_a_bad_day_of_box_does_is_got_over() {
    for faults in [
        &["download=429:1,x1"][..],
        &["download=503,x2"],
        &["download=pending=1"],
        &["download=truncate,x1"],
        &["download=reset,x1"],
        &["download=truncate,x1", "download=reset,x2"],
        &["download=slow=40KB/s"],
        &["info=503,x1", "download=delay=50ms"],
    ] {
        let held = faulty(faults);
        held.fetch(&held.mock.url).assert().success();
        held.assert_fetched();
    }
}

#[test]
fn an_endless_download_is_aborted_and_leaves_nothing_under_the_final_name() {
    for (fault, said) in [
        ("download=reset", "the connection broke"),
        ("download=truncate", "the connection broke"),
        ("download=503", "503"),
        ("download=429:1", "429"),
        ("download=404", "404"),
        ("download=expire", "401"),
    ] {
        let held = faulty(&[fault]);
        held.fetch(&held.mock.url)
            .args(["--retries", "1", "--wait", "2s"])
            .assert()
            .code(3)
            .stderr(contains(said));
        assert!(!held.folder.path().join("got").exists(), "{fault}");
    }
}

#[test]
fn a_representation_that_is_never_ready_times_out() {
    let held = faulty(&["download=pending=1000"]);
    held.fetch(&held.mock.url)
        .args(["--wait", "1s"])
        .assert()
        .code(3)
        .stderr(contains("202"));
    assert!(!held.folder.path().join("got").exists());
}
