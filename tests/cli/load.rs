//! `replay` with many events: repeats, rates, retries, duplicates, shards, and how a run ends when
//! it is interrupted.

use std::{
    fs,
    process::{Child, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    support::{project, skillctl, skillctl_process, wait_for},
    world::{Invocation, MockBox, Skill, failed_check, http, json_lines, keyword},
};

fn fixture() -> String {
    let path = project("fixtures/events/upload-text/event.json");
    path.display().to_string()
}

/// A replay without a mock, in JSON.
fn bare(skill: &Skill, options: &[&str]) -> (Vec<Value>, Value, Option<i32>) {
    let output = skillctl()
        .args(["replay", "--no-mock", "--skill", &skill.url, &fixture()])
        .args(["--format", "json"])
        .args(options)
        .output()
        .expect("it runs");
    let (outcomes, summary) = json_lines(&output.stdout);
    (outcomes, summary, output.status.code())
}

#[test]
fn a_refused_event_is_sent_again_as_box_does() {
    let tries = AtomicUsize::new(0);
    let skill = Skill::new(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => 500,
        _ => 200,
    });
    let (outcomes, _, code) = bare(&skill, &["--retries", "3"]);
    assert_eq!(code, Some(0));
    assert_eq!(skill.events(), 2);
    let deliveries = outcomes[0]["deliveries"].as_array().expect("both");
    assert_eq!(deliveries[0]["reply"]["status"], 500);
    assert_eq!(deliveries[1]["reply"]["status"], 200);
    let back_off = deliveries[1]["at_ms"].as_f64().expect("a time");
    assert!(back_off >= 500.0, "{back_off}");
}

#[test]
fn a_skill_that_adds_cards_for_a_duplicate_is_red() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::new(move |invocation: &Invocation| {
        let invocation = invocation.at(&url);
        let card = keyword("again");
        if invocation.create(&json!([card])) == 409 {
            invocation.patch(&json!([{"op": "add", "path": "/cards/-", "value": card}]));
        }
        200
    });
    let output = mock
        .replay(&skill, &[&fixture()])
        .args(["--duplicate", "--format", "json", "--no-check", "expected"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let (outcomes, _) = json_lines(&output.stdout);
    let failed: Vec<&Value> = outcomes[0]["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter(|check| check["ok"] == false)
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], "duplicate");
    let reason = failed[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("changed the stored cards"), "{reason}");
}

#[test]
fn a_skill_that_writes_the_same_once_more_passes_as_a_duplicate() {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::afterwards(move |invocation| {
        let invocation = invocation.at(&url);
        thread::sleep(Duration::from_millis(50));
        invocation.report("processing", &json!([]));
        invocation.report("success", &json!([keyword("same")]));
    });
    mock.replay(&skill, &[&fixture()])
        .args(["--duplicate", "--no-check", "expected", "--settle", "2s"])
        .assert()
        .success();
    assert_eq!(skill.events(), 2);
}

#[test]
fn at_a_rate_latency_counts_from_when_an_event_should_have_been_sent() {
    let skill = Skill::new(|_| {
        thread::sleep(Duration::from_millis(150));
        200
    });
    // One at a time takes 150 ms each, and ten a second are asked for: they queue up.
    let (outcomes, _, code) = bare(
        &skill,
        &["--rate", "10", "--repeat", "8", "--concurrency", "1"],
    );
    assert_eq!(code, Some(0));
    let ms = |outcome: &Value| outcome["reply"]["ms"].as_f64().expect("a time");
    let (first, last) = (ms(&outcomes[0]), ms(&outcomes[7]));
    assert!(last - first > 300.0, "{first} {last}");
}

#[test]
fn a_duration_cycles_over_the_cases_and_then_ends() {
    let skill = Skill::new(|_| 200);
    let (outcomes, summary, code) = bare(&skill, &["--duration", "1s"]);
    assert_eq!(code, Some(0));
    assert!(outcomes.len() > 1);
    assert!(
        outcomes[1]["case"]
            .as_str()
            .expect("a name")
            .ends_with("#2")
    );
    assert_eq!(summary["not_sent"], 0);
}

#[test]
fn fail_fast_stops_at_the_first_failure() {
    let skill = Skill::new(|_| 500);
    let (outcomes, summary, code) = bare(&skill, &["--repeat", "20", "--fail-fast"]);
    assert_eq!((code, outcomes.len()), (Some(1), 1));
    assert_eq!(summary["not_sent"], 19);
}

#[test]
fn shards_share_the_cases_out_and_an_empty_one_passes() {
    let skill = Skill::new(|_| 200);
    let folder = project("fixtures/events").display().to_string();
    let cases = fs::read_dir(&folder).expect("fixtures").count();
    let mut seen = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let output = skillctl()
            .args(["replay", "--no-mock", "--skill", &skill.url, &folder])
            .args(["--format", "json", "--shard", shard])
            .output()
            .expect("it runs");
        assert!(output.status.success());
        seen.extend(
            json_lines(&output.stdout)
                .0
                .iter()
                .map(|it| it["case"].to_string()),
        );
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), cases);
    let (outcomes, _, code) = bare(&skill, &["--shard", "2/2"]);
    assert_eq!((code, outcomes.len()), (Some(0), 0));
}

/// A replay of many events to a skill that reports when the first has arrived; interrupted then.
struct Interrupted {
    child: Child,
    folder: tempfile::TempDir,
    arrived: mpsc::Receiver<()>,
    _skill: Skill,
}

impl Interrupted {
    fn start(work: Duration) -> Self {
        Self::with(work, &["--no-mock", "--timeout", "10m"])
    }

    fn with(work: Duration, options: &[&str]) -> Self {
        let (sender, arrived) = mpsc::channel();
        let sender = Mutex::new(sender);
        let skill = Skill::new(move |_| {
            // The test may be over.
            let _ = sender.lock().expect("a sender").send(());
            thread::sleep(work);
            200
        });
        let folder = tempfile::tempdir().expect("a folder");
        let child = skillctl_process()
            .args(["replay", "--skill", &skill.url, &fixture()])
            .args(["--repeat", "100000", "--report"])
            .arg(format!("json={}", folder.path().join("r.json").display()))
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        Self {
            child,
            folder,
            arrived,
            _skill: skill,
        }
    }

    fn press(&self) {
        let id = i32::try_from(self.child.id()).expect("an id");
        let pid = Pid::from_raw(id).expect("a process");
        kill_process(pid, Signal::INT).expect("it is there");
    }

    fn report(mut self) -> (Option<i32>, Value) {
        let status = self.child.wait().expect("it ends");
        let text = fs::read_to_string(self.folder.path().join("r.json")).expect("a report");
        (status.code(), serde_json::from_str(&text).expect("JSON"))
    }
}

#[test]
fn the_first_interrupt_judges_the_event_in_progress_and_writes_the_report() {
    let run = Interrupted::start(Duration::from_hours(1));
    run.arrived.recv().expect("an event");
    run.press();
    let (code, report) = run.report();
    assert_eq!(code, Some(130));
    let summary = &report["summary"];
    assert_eq!(summary["interrupted"], true);
    assert_eq!(summary["total"], 1);
    assert_eq!(summary["not_sent"], 99_999);
    let named = summary["not_sent_cases"].as_array().expect("names");
    assert_eq!(named.len(), 20);
    let outcome = &report["outcomes"][0];
    let reason = failed_check(outcome, "reply")["reason"].as_str();
    assert!(
        reason.is_some_and(|it| it.starts_with("no reply until the run was interrupted, after")),
        "{outcome}"
    );
}

#[test]
fn the_second_interrupt_ends_at_once() {
    let mock = MockBox::start();
    let mut run = Interrupted::with(Duration::ZERO, &["--box", &mock.url, "--wait", "10m"]);
    run.arrived.recv().expect("an event");
    // The verdict waits for a mock that does not answer.
    let id = i32::try_from(mock.child.id()).expect("an id");
    let pid = Pid::from_raw(id).expect("a process");
    kill_process(pid, Signal::STOP).expect("it is there");
    let health = format!("{}/_mock/health", mock.url);
    wait_for("the mock is stopped", || {
        let asked = http().get(&health).timeout(Duration::from_millis(200));
        asked.send().is_err().then_some(())
    });
    // Two signals at the same moment count as one, so they are repeated until the run has ended.
    while run.child.try_wait().expect("a state").is_none() {
        run.press();
        thread::sleep(Duration::from_millis(20));
    }
    let (code, report) = run.report();
    assert_eq!(code, Some(130));
    assert_eq!(report["outcomes"], json!([]));
}
