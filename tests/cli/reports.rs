//! The reports of a run, and their merging.

use std::{fs, path::Path};

use predicates::str::contains;
use serde_json::Value;

use crate::{
    support::{project, skillctl},
    world::Skill,
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
fn every_report_tells_the_same_run() {
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

    let json: Value = serde_json::from_str(&read(folder.path(), "json")).expect("JSON");
    assert_eq!(json["version"], 1);
    assert_eq!(json["summary"]["failed"], 1);
    let outcomes = json["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes[0]["cards"].is_array());

    let markdown = read(folder.path(), "markdown");
    assert!(markdown.starts_with("## ❌ skillctl replay\n\n3 events: 2 passed, 1 failed"));
    assert_eq!(markdown.matches("### ❌").count(), 1);
    assert!(
        markdown.contains("expected was permanent\\_failure"),
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
fn what_is_no_report_exits_2() {
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
            .stderr(contains("is no report"));
    }
    skillctl()
        .args(["report", "merge", "no/such/file"])
        .assert()
        .code(2);
}
