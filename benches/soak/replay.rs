//! A long replay with the mock and all checks; what it and the skill hold at its end.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    Scale, Table,
    process::{Look, Looks, children, is_flat, look, mib},
    processes::Process,
};

const EVENT: &str = "fixtures/events/upload-text";

pub(super) fn run(scale: &Scale, table: &mut Table) {
    let seconds = scale.long.as_secs().max(2);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillctl"));
    command
        .args(["replay", "--sample-skill", EVENT, "--concurrency", "64"])
        .args(["--duration", &format!("{seconds}s"), "--format", "json"])
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut replay = Process(command.spawn().expect("it starts"));
    let output = BufReader::new(replay.0.stdout.take().expect("its output"));
    // Of all the lines only the last is kept.
    let reading = thread::spawn(move || {
        let lines = output.lines().map(|line| line.expect("it reads"));
        lines.last().expect("a summary")
    });
    let (own, skill) = watch(&mut replay, Duration::from_secs(seconds));
    let last = reading.join().expect("it reads");
    let status = replay.0.wait().expect("it ends");
    let summary: Value = serde_json::from_str(&last).expect("a summary");
    let summary = &summary["summary"];
    table.row(
        &format!("events replayed in {seconds} s, 64 at a time, with all checks"),
        &format!("{} passed", summary["passed"]),
        &format!("{} sent", summary["total"]),
        "all",
        status.success() && summary["passed"] == summary["total"],
    );
    for (name, looks) in [("replay", &own), ("the sample skill", &skill)] {
        let (early, late) = (looks.early(), looks.late());
        rows(table, name, early, late);
        let figure = format!("memory of {name}, the median of each tenth of the time");
        table.row_without_goal(&figure, &looks.memory(), "");
    }
}

fn rows(table: &mut Table, name: &str, early: Look, late: Look) {
    table.row(
        &format!("memory of {name} at the end of the replay"),
        &mib(late.memory),
        &format!("after the warm-up: {}", mib(early.memory)),
        "flat: 1.1 times, or 2 MiB",
        is_flat(early.memory, late.memory) && late.memory > 0,
    );
    table.row(
        &format!("descriptors of {name} at the end of the replay"),
        &late.descriptors.to_string(),
        &format!("after the warm-up: {}", early.descriptors),
        "flat: 1.1 times",
        // 64 events at a time have a few connections more or less at any moment.
        late.descriptors * 10 <= early.descriptors * 11 + 80 && late.descriptors > 0,
    );
}

/// Looks at replay and at its skill for as long as it sends.
fn watch(replay: &mut Process, long: Duration) -> (Looks, Looks) {
    let every = Duration::from_secs(1).min(long / 20);
    let id = replay.0.id();
    let (mut own, mut skill) = (Looks::default(), Looks::default());
    let begun = Instant::now();
    while begun.elapsed() < long && replay.0.try_wait().expect("a state").is_none() {
        own.add(look(id));
        if let Some(child) = children(id).first() {
            skill.add(look(*child));
        }
        thread::sleep(every);
    }
    (own, skill)
}
