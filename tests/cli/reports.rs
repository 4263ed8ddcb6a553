//! The reports of a run, and their merging.

use std::{fs, path::Path};

use predicates::str::contains;
use serde_json::{Value, json};

use crate::{
    support::{project, skillctl},
    world::{MockBox, Skill, keyword},
};

/// A run of two passing and one failing event, with every report in `folder`.
fn run(folder: &Path) {
    let fixtures = project("fixtures/events");
    let bad = folder.join("a<b>&\"c");
    fs::create_dir(&bad).expect("a folder");
    for file in ["event.json", "content.txt"] {
        fs::copy(fixtures.join("upload-text").join(file), bad.join(file)).expect("it copies");
    }
    fs::write(
        bad.join("expected.json"),
        r#"{"status":"permanent_failure"}"#,
    )
    .expect("it writes");
    let mut command = skillctl();
    command.args(["replay", "--sample-skill"]);
    for format in ["junit", "json", "markdown", "html"] {
        command
            .arg("--report")
            .arg(format!("{format}={}", folder.join(format).display()));
    }
    command
        .arg(fixtures.join("upload-image"))
        .arg(fixtures.join("upload-captions"))
        .arg(&bad)
        .assert()
        .code(1);
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("the report")
}

#[test]
fn the_reports_of_a_run_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path());

    let junit = read(folder.path(), "junit");
    assert!(
        junit.contains("tests=\"3\" failures=\"1\" errors=\"0\""),
        "{junit}"
    );
    assert_eq!(junit.matches("<testcase ").count(), 3);
    assert_eq!(junit.matches("<failure type=\"outcome\"").count(), 1);
    assert!(junit.contains("a&lt;b&gt;&amp;&quot;c"), "{junit}");
    assert!(junit.contains("event sent"), "the timeline is there");
    assert!(junit.contains("<property name=\"skill\" value=\"--sample-skill\"/>"));

    let json: Value = serde_json::from_str(&read(folder.path(), "json")).expect("JSON");
    assert_eq!(json["version"], 1);
    let run = &json["run"];
    assert_eq!(run["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run["command"][1], "replay");
    assert_eq!(run["options"]["wait"], "30s");
    assert_eq!(run["mock"]["own"], true);
    assert_eq!(run["skill"]["started"], "--sample-skill");
    assert!(run["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(json["summary"]["failed"], 1);
    let outcomes = json["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes[0]["cards"].is_array());

    let markdown = read(folder.path(), "markdown");
    assert!(markdown.starts_with("## ❌ skillctl replay\n\n3 events: 2 passed, 1 failed"));
    assert_eq!(markdown.matches("### ❌").count(), 1);
    assert!(
        markdown.contains("permanent\\_failure was expected"),
        "{markdown}"
    );
}

#[test]
fn the_page_holds_the_cards_and_loads_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path());
    let page = read(folder.path(), "html");
    assert_eq!(page.matches("<details class=\"event").count(), 3);
    for word in ["Transcript", "Topics", "Faces", "a&lt;b&gt;&amp;&quot;c"] {
        assert!(page.contains(word), "{word}");
    }
    for wrong in ["<link", "src=\"http", "@import", "<script src"] {
        assert!(!page.contains(wrong), "{wrong}");
    }
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(ids.len(), unique.len(), "an id occurs twice");
}

#[test]
fn secrets_of_variables_and_arguments_are_in_no_report() {
    const SECRET: &str = "a-secret-of-a-provider";
    let folder = tempfile::tempdir().expect("a folder");
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::new(move |invocation| {
        let cards = json!([keyword(SECRET)]);
        invocation.at(&url).report("success", &cards)
    });
    let mut replay = mock.replay(&skill, &[]);
    replay
        .arg(project("fixtures/events/upload-text"))
        .env("PROVIDER_API_KEY", SECRET)
        .args(["--set", "/source/name=\"TOKEN=0123456789abcdef\""]);
    for format in ["junit", "json", "markdown", "html"] {
        replay
            .arg("--report")
            .arg(format!("{format}={}", folder.path().join(format).display()));
    }
    replay.args(["--no-check", "expected"]).assert().success();
    for format in ["junit", "json", "markdown", "html"] {
        let text = read(folder.path(), format);
        assert!(!text.contains(SECRET), "{format}");
        assert!(!text.contains("0123456789abcdef"), "{format}");
    }
    assert!(read(folder.path(), "json").contains("[redacted …ider]"));
}

#[test]
fn a_failed_event_is_an_annotation_of_a_github_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let skill = Skill::new(|_| 500);
    let case = folder.path().join("a,b");
    fs::create_dir(&case).expect("a folder");
    let event = project("fixtures/events/upload-text/event.json");
    fs::copy(event, case.join("event.json")).expect("it copies");
    let replay = |format: &str| {
        let output = skillctl()
            .args([
                "replay",
                "--no-mock",
                "--skill",
                &skill.url,
                "--report",
                "github",
            ])
            .args(["--format", format])
            .arg(&case)
            .output()
            .expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (text(output.stdout), text(output.stderr))
    };
    let is_annotation = |line: &str| {
        line.starts_with("::error file=")
            && line.contains("a%2Cb/event.json,title=")
            && line.contains("::reply: ")
    };
    let (stdout, _) = replay("human");
    assert!(stdout.lines().any(is_annotation), "{stdout}");
    let (stdout, stderr) = replay("json");
    assert!(!stdout.contains("::error"), "{stdout}");
    assert!(stderr.lines().any(is_annotation), "{stderr}");
}

#[test]
fn one_case_of_two_reports_has_two_names_when_merged() {
    let folder = tempfile::tempdir().expect("a folder");
    let skill = Skill::new(|_| 200);
    let reports = ["one.json", "two.json"].map(|name| folder.path().join(name));
    for report in &reports {
        skillctl()
            .args(["replay", "--no-mock", "--skill", &skill.url])
            .arg(project("fixtures/events/upload-text"))
            .arg("--report")
            .arg(format!("json={}", report.display()))
            .assert()
            .success();
    }
    let junit = folder.path().join("junit.xml");
    skillctl()
        .args(["report", "merge"])
        .args(&reports)
        .arg("--report")
        .arg(format!("junit={}", junit.display()))
        .assert()
        .success();
    let text = fs::read_to_string(junit).expect("the report");
    let names: Vec<&str> = text
        .split("<testcase name=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(
        names[1].starts_with(names[0]) && names[1].contains("two.json"),
        "{names:?}"
    );
}

#[test]
fn no_token_is_in_any_report() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path());
    for format in ["junit", "json", "markdown", "html"] {
        let text = read(folder.path(), format);
        assert!(!text.contains("access_token=") || text.contains("[redacted"));
        assert!(!text.contains("Bearer "), "{format}");
    }
}

#[test]
fn merged_shards_are_one_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let skill = Skill::new(|invocation| {
        let name = invocation.event["source"]["name"].to_string();
        if name.contains(".txt") { 500 } else { 200 }
    });
    let mut whole = Vec::new();
    for (name, shard) in [("all", "1/1"), ("one", "1/2"), ("two", "2/2")] {
        let path = folder.path().join(name);
        skillctl()
            .args([
                "replay",
                "--no-mock",
                "--skill",
                &skill.url,
                "--shard",
                shard,
            ])
            .arg(project("fixtures/events"))
            .arg("--report")
            .arg(format!("json={}", path.display()))
            .output()
            .expect("it runs");
        whole.push(path);
    }
    let merged = folder.path().join("merged");
    skillctl()
        .args(["report", "merge"])
        .args(&whole[1..])
        .arg("--report")
        .arg(format!("json={}", merged.display()))
        .assert()
        .code(1)
        .stdout(contains("failed"));
    let counts = |path: &Path| {
        let text = fs::read_to_string(path).expect("the report");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let summary = &report["summary"];
        (
            summary["total"].clone(),
            summary["failed"].clone(),
            summary["reply_ms"]["count"].clone(),
            report["outcomes"].as_array().expect("outcomes").len(),
        )
    };
    assert_eq!(counts(&whole[0]), counts(&merged));
}

#[test]
fn a_file_that_is_not_a_report_exits_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.json");
    for text in [
        "",
        "{}",
        "[]",
        "{\"version\":1,\"outcomes\":[",
        "{\"version\":99,\"outcomes\":[],\"summary\":{}}",
        "{\"version\":1,\"outcomes\":[{\"case\":1}]}",
    ] {
        fs::write(&path, text).expect("it writes");
        skillctl()
            .args(["report", "merge"])
            .arg(&path)
            .assert()
            .code(2)
            .stderr(contains("is not a report"));
    }
    skillctl()
        .args(["report", "merge", "no/such/file"])
        .assert()
        .code(2);
}
