//! Flags from the environment and from `skillctl.toml`, as a user meets them; completions and the
//! manual.

use std::fs;

use predicates::{prelude::PredicateBooleanExt, str::contains};
use tempfile::TempDir;

use crate::{
    support::{project, skillctl},
    world::{Skill, json_lines},
};

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("skillctl.toml"), config).expect("it writes");
    folder
}

/// How many events a replay sends with these layers.
fn events(config: &str, variable: Option<&str>, flag: Option<&str>) -> usize {
    let skill = Skill::new(|_| 200);
    let folder = folder(config);
    let mut command = skillctl();
    command
        .current_dir(folder.path())
        .args(["replay", "--no-mock", "--format", "json"])
        .arg(project("fixtures/events/minimal"))
        .env("SKILLCTL_SKILL", &skill.url);
    if let Some(times) = variable {
        command.env("SKILLCTL_REPLAY_REPEAT", times);
    }
    if let Some(times) = flag {
        command.args(["--repeat", times]);
    }
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    json_lines(&output.stdout).0.len()
}

#[test]
fn the_file_gives_way_to_the_environment_and_both_to_the_flag() {
    let config = "[replay]\nrepeat = 2\n";
    assert_eq!(events(config, None, None), 2);
    assert_eq!(events(config, Some("3"), None), 3);
    assert_eq!(events(config, Some("3"), Some("4")), 4);
}

#[test]
fn a_misspelt_key_exits_2_with_its_line_whatever_is_called() {
    let folder = folder("# ours\n\n[replay]\nretrys = 2\n");
    skillctl()
        .current_dir(folder.path())
        .args(["cards", "validate"])
        .arg(project("fixtures/cards/keyword.json"))
        .assert()
        .code(2)
        .stderr(
            contains("skillctl.toml:4: `replay` has no option `retrys`")
                .and(contains("did you mean `retries`?")),
        );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_shown() {
    let folder = folder("[fetch]\ntoken = \"very-secret-token\"\n");
    skillctl()
        .current_dir(folder.path())
        .args(["completions", "bash"])
        .assert()
        .code(2)
        .stderr(contains("skillctl.toml:2").and(contains("very-secret").not()));
}

#[test]
fn the_sample_skill_is_taken_even_where_the_environment_names_another() {
    skillctl()
        .env("SKILLCTL_SKILL", "http://127.0.0.1:9/")
        .args(["replay", "--sample-skill"])
        .arg(project("fixtures/events/minimal"))
        .assert()
        .success();
}

#[test]
fn completions_and_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        skillctl()
            .args(["completions", shell])
            .assert()
            .success()
            .stdout(
                contains("replay")
                    .and(contains("mock-box"))
                    .and(contains("concurrency")),
            );
    }
    skillctl()
        .arg("man")
        .assert()
        .success()
        .stdout(contains(".TH").and(contains("replay")));
    skillctl()
        .args(["man", "event", "new"])
        .assert()
        .success()
        .stdout(contains("trigger"));
    skillctl().args(["man", "env"]).assert().success().stdout(
        contains(".SH EXAMPLES\n.nf\n  eval \"$(skillctl env)\"\n")
            .and(contains("\n.fi\n.SH VERSION\n"))
            .and(contains("\"skillctl 0.")),
    );
    skillctl().args(["man", "no-such"]).assert().code(2);
    let pages = tempfile::tempdir().expect("a folder");
    skillctl()
        .args(["man", "--dir"])
        .arg(pages.path())
        .assert()
        .success();
    let page = |name: &str| fs::read_to_string(pages.path().join(name)).expect("a page");
    assert!(page("skillctl-replay.1").contains(".SH EXAMPLES\n"));
    assert!(page("skillctl-cards-new-timeline.1").contains("skillctl cards new timeline"));
}
