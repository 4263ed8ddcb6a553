//! `replay` as a user runs it: inputs, skills, exit codes, and that no process or file is left behind.

use std::{fs, net::TcpListener, path::Path, process::Command};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};

use crate::{
    support::{RefusingAddress, project, skillctl},
    world::{MockBox, Skill, json_lines},
};

/// Copies a case folder of the project's fixtures.
fn copy_case(name: &str, to: &Path) {
    for entry in fs::read_dir(project("fixtures/events").join(name)).expect("the case") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name");
        fs::copy(&path, to.join(file)).expect("it copies");
    }
}

#[test]
fn the_readme_command_shows_every_case_pass() {
    let cases = fs::read_dir(project("fixtures/events"))
        .expect("fixtures")
        .count();
    let output = skillctl()
        .args(["replay", "--sample-skill"])
        .arg(project("fixtures/events"))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(
        text.lines().filter(|line| line.starts_with("PASS")).count(),
        cases,
        "{text}"
    );
    assert!(
        text.contains(&format!("{cases} events: {cases} passed")),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn show_cards_renders_the_written_cards() {
    skillctl()
        .args(["replay", "--sample-skill", "--show-cards"])
        .arg(project("fixtures/events/upload-captions"))
        .assert()
        .success()
        .stdout(contains("Transcript").and(contains("0:0")));
}

#[test]
fn the_sample_skill_passes_with_the_metadata_api_too() {
    skillctl()
        .env("SAMPLE_SKILL_VIA", "metadata")
        .args(["replay", "--sample-skill"])
        .arg(project("fixtures/events"))
        .assert()
        .success()
        .stdout(contains("FAIL").not());
}

#[test]
fn an_altered_expected_json_is_red_with_a_readable_diff() {
    let folder = tempfile::tempdir().expect("a folder");
    copy_case("upload-text", folder.path());
    let expected = folder.path().join("expected.json");
    let text = fs::read_to_string(&expected).expect("it reads");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["cards"][0]["entries"][0]["text"] = json!("something else");
    fs::write(&expected, value.to_string()).expect("it writes");
    skillctl()
        .args(["replay", "--sample-skill"])
        .arg(folder.path())
        .assert()
        .code(1)
        .stdout(
            contains("the cards differ from expected.json in one place")
                .and(contains("/0/entries/0/text"))
                .and(contains("- expected \"something else\""))
                .and(contains("+ found")),
        );
}

#[test]
fn update_writes_the_result_and_the_next_replay_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    copy_case("upload-image", folder.path());
    fs::remove_file(folder.path().join("expected.json")).expect("it is gone");
    for update in [true, false] {
        let mut command = skillctl();
        command
            .args(["replay", "--sample-skill"])
            .arg(folder.path());
        if update {
            command.arg("--update");
        }
        command.assert().success();
    }
    let text = fs::read_to_string(folder.path().join("expected.json")).expect("written");
    assert!(text.contains("\"status\": \"success\""));
}

#[test]
fn a_fixture_that_is_not_json_exits_2_with_its_position_and_sends_nothing() {
    let mock = MockBox::start();
    let skill = Skill::new(|_| 200);
    let bad = mock.folder().join("bad.json");
    fs::write(&bad, "{\n  \"type\": oops\n}").expect("it writes");
    let good = project("fixtures/events/upload-text").display().to_string();
    mock.replay(&skill, &[&good, &bad.display().to_string()])
        .assert()
        .code(2)
        .stderr(contains("bad.json:2:11"));
    assert_eq!(skill.events(), 0);
}

#[test]
fn json_that_is_not_an_event_exits_2_and_names_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("event.json");
    fs::write(
        &path,
        "{\n  \"source\": {\"id\": \"1\"},\n  \"token\": {}\n}",
    )
    .expect("it writes");
    skillctl()
        .args(["replay", "--skill", "http://127.0.0.1:9/"])
        .arg(&path)
        .assert()
        .code(2)
        .stderr(contains("token.read.access_token").and(contains("event.json:3:")));
}

#[test]
fn a_folder_without_events_exits_2() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("expected.json"), "{}").expect("it writes");
    skillctl()
        .args(["replay", "--sample-skill"])
        .arg(folder.path())
        .assert()
        .code(2)
        .stderr(contains("holds no events"));
}

#[test]
fn a_skill_url_where_nothing_listens_exits_3_and_names_it() {
    let mock = MockBox::start();
    let refusing = RefusingAddress::new();
    let url = format!("http://{}/", refusing.address);
    skillctl()
        .args(["replay", "--box", &mock.url, "--skill", &url])
        .arg(project("fixtures/events/upload-text"))
        .assert()
        .code(3)
        .stderr(contains("nothing listens at the skill's URL").and(contains(&url)));
}

#[test]
fn a_url_that_is_not_http_exits_2() {
    skillctl()
        .args(["replay", "--skill", "ftp://127.0.0.1/"])
        .arg(project("fixtures/events/upload-text"))
        .assert()
        .code(2)
        .stderr(contains("not an http(s) URL"));
}

#[test]
fn a_command_that_dies_at_its_start_exits_3_with_its_output() {
    skillctl()
        .arg("replay")
        .arg(project("fixtures/events/upload-text"))
        .args(["--", "sh", "-c", "echo missing module >&2; exit 4"])
        .assert()
        .code(3)
        .stderr(contains("ended before it listened").and(contains("missing module")));
}

#[test]
fn an_occupied_port_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", taken.local_addr().expect("an address"));
    skillctl()
        .args(["replay", "--skill", &url])
        .arg(project("fixtures/events/upload-text"))
        .args(["--", "sh", "-c", "exit 0"])
        .assert()
        .code(3)
        .stderr(contains("something already listens"));
}

#[test]
fn a_skill_that_dies_during_the_run_fails_its_reply() {
    let program = env!("CARGO_BIN_EXE_skillctl");
    let script = format!("{program} sample-skill --port $PORT & sleep 0.2; kill $!; exit 7");
    let output = skillctl()
        .args(["replay", "--format", "json", "--repeat", "5000"])
        .arg(project("fixtures/events/upload-text"))
        .args(["--fail-fast", "--", "sh", "-c", &script])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let (outcomes, summary) = json_lines(&output.stdout);
    let last = outcomes
        .iter()
        .find(|outcome| outcome["ok"] == false)
        .expect("one failed");
    let reason = last["checks"][0]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("ended during the run") || reason.contains("connect"),
        "{reason}"
    );
    assert!(summary["not_sent"].as_u64() > Some(0));
}

#[test]
fn twenty_replays_leave_no_process_port_or_folder_behind() {
    let temporary = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_skillctl");
    for _ in 0..20 {
        skillctl()
            .env("TMPDIR", temporary.path())
            .args(["replay", "--settle", "10ms"])
            .arg(project("fixtures/events/upload-text"))
            .args(["--", program, "sample-skill"])
            .assert()
            .success();
    }
    let left: Vec<_> = fs::read_dir(temporary.path()).expect("it reads").collect();
    assert!(left.is_empty(), "{left:?}");
    // Every process of the run had this folder in its environment.
    let marker = temporary.path().display().to_string();
    assert_eq!(processes_with(&marker), Vec::<String>::new());
}

/// Processes of this user with `marker` in their environment.
fn processes_with(marker: &str) -> Vec<String> {
    if !Path::new("/proc/self/environ").exists() {
        let listed = Command::new("ps")
            .args(["-Aeww"])
            .output()
            .expect("ps runs");
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        return text
            .lines()
            .filter(|line| line.contains(marker))
            .map(str::to_owned)
            .collect();
    }
    fs::read_dir("/proc")
        .expect("it reads")
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let environment = fs::read(path.join("environ")).ok()?;
            let text = String::from_utf8_lossy(&environment).into_owned();
            text.contains(marker).then(|| path.display().to_string())
        })
        .collect()
}
