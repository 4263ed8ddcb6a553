//! The cassette of `mock-box`: recorded while a skill gets events, answered from afterwards, and the calls
//! back that it holds. The skills run on the python3 of this machine.

use std::{fs, path::PathBuf, process::Stdio};

use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    cassettes::{ONE_STAGE, Provider, TWO_STAGES, World, jobs, read},
    support::{has, skillctl, skillctl_process, wait_for},
    world::MockBox,
};

/// A mock that sends an event for each file of its inbox to the skill of a world.
struct Mock<'a> {
    running: MockBox,
    world: &'a World,
    inbox: TempDir,
}

impl<'a> Mock<'a> {
    fn start(world: &'a World, mode: &str, proxy: Option<&str>) -> Self {
        let inbox = tempfile::tempdir().expect("a folder");
        let mut program = skillctl_process();
        program
            .current_dir(world.folder.path())
            .env("PROVIDER", "http://ml.provider.example");
        if let Some(proxy) = proxy {
            program.env("HTTP_PROXY", proxy);
        }
        // The options before the command are the helper's.
        let files = inbox.path().display().to_string();
        let cassette = cassette(world).display().to_string();
        let options = [
            "--files",
            &files,
            "--cassette",
            mode,
            "--cassette-file",
            &cassette,
            "--",
            "python3",
            "main.py",
        ];
        let mock = MockBox::printing(program, &options, Stdio::null(), Stdio::null());
        Self {
            running: mock,
            world,
            inbox,
        }
    }

    /// Adds a file, and returns the cards that the skill writes for it.
    fn cards(&self, name: &str) -> Value {
        fs::write(self.inbox.path().join(name), name).expect("it is written");
        wait_for("the cards", || {
            let answer = self.running.ask("writes");
            let writes = answer["writes"].as_array().expect("a list").clone();
            let of_success = |write: &&Value| write["status"] == "success";
            let write = writes.iter().rev().find(of_success)?;
            Some(write["instance"]["cards"].clone())
        })
    }

    fn cassette(&self) -> Value {
        serde_json::from_str(&read(&cassette(self.world))).expect("JSON")
    }
}

fn cassette(world: &World) -> PathBuf {
    world.folder.path().join("calls.har")
}

#[test]
fn what_is_recorded_is_written_while_the_mock_runs_and_answers_later() {
    if !has("python3") {
        return;
    }
    let world = World::new(ONE_STAGE);
    let provider = Provider::start();
    let recording = Mock::start(&world, "record", Some(&provider.url));
    recording.cards("one.txt");
    wait_for("the cassette", || cassette(&world).exists().then_some(()));
    let har = recording.cassette();
    let entries = har["log"]["entries"].as_array().expect("entries");
    let url = entries[0]["request"]["url"].as_str().expect("a URL");
    assert_eq!(
        url, "http://ml.provider.example/labels?file={{file_id}}",
        "{har}"
    );
    assert!(!har.to_string().contains("planted"), "{har}");
    // While it records, another process cannot.
    let mut second = skillctl();
    second
        .args(["mock-box", "--cassette", "record", "--cassette-file"])
        .arg(cassette(&world))
        .args(["--listen", "127.0.0.1:0", "--", "true"])
        .assert()
        .code(3)
        .stderr(contains("another run records a cassette"));
    drop((recording, provider));

    let before = read(&cassette(&world));
    let replaying = Mock::start(&world, "replay", None);
    let cards = replaying.cards("two.txt");
    assert_eq!(cards[0]["entries"][0]["text"], "a cat, \"en\"");
    assert_eq!(read(&cassette(&world)), before);
}

#[test]
fn what_a_program_calls_is_written_when_it_ends() {
    if !has("python3") {
        return;
    }
    let world = World::new(ONE_STAGE);
    let provider = Provider::start();
    let call =
        "import urllib.request as r; r.urlopen('http://ml.provider.example/a', b'{}').read()";
    let run = |mode: &str| {
        let mut command = skillctl();
        command
            .args(["mock-box", "--listen", "127.0.0.1:0", "--cassette", mode])
            .arg("--cassette-file")
            .arg(cassette(&world))
            .args(["--", "python3", "-c", call])
            .env("HTTP_PROXY", &provider.url);
        command.assert().success()
    };
    run("record").stderr(contains("calls.har: 1 call"));
    run("replay").stderr(contains("from the cassette"));
    run("auto");
    assert_eq!(provider.calls(), 1);
}

#[test]
fn the_pump_sends_the_calls_back_of_the_cassette() {
    if !has("python3") {
        return;
    }
    let world = World::new(TWO_STAGES);
    world.write_cassette(&jobs());
    fs::rename(world.cassette(), cassette(&world)).expect("it is there");
    let mock = Mock::start(&world, "replay", None);
    let cards = mock.cards("one.txt");
    assert_eq!(cards[0]["entries"][0]["text"], "done");
}

#[test]
fn options_that_do_not_fit_exit_with_2() {
    let world = World::new(ONE_STAGE);
    for (options, words) in [
        (
            &["--cassette", "record", "--", "true"][..],
            "--cassette-file",
        ),
        (
            &["--cassette-file", "missing.har", "--", "true"],
            "there is no cassette missing.har",
        ),
        (
            &["--cassette", "record", "--cassette-file", "a.har"],
            "a program that is started here",
        ),
        (
            &[
                "--cassette",
                "auto",
                "--cassette-file",
                "a.har",
                "--ca-dir",
                "ca",
                "--",
                "true",
            ],
            "--ca-dir",
        ),
        (
            &[
                "--cassette",
                "auto",
                "--cassette-file",
                "a.har",
                "-j",
                "2",
                "--",
                "true",
            ],
            "--concurrency",
        ),
        (
            &[
                "--cassette",
                "auto",
                "--cassette-file",
                "a.har",
                "--listen",
                "0.0.0.0:0",
                "--admin-token-env",
                "TOKEN",
                "--",
                "true",
            ],
            "loopback",
        ),
        (
            &["--cassette-file", "skill.py", "--", "true"],
            "skill.py:2:1",
        ),
    ] {
        skillctl()
            .arg("mock-box")
            .args(options)
            .env("TOKEN", "a-token-of-the-test")
            .current_dir(world.folder.path())
            .assert()
            .code(2)
            .stderr(contains(words));
    }
}
