//! What a skill prints: where it is shown, and what it must not do.

use std::{fs, time::Duration};

use assert_cmd::Command;
use predicates::{prelude::PredicateBooleanExt, str::contains};
use tempfile::tempdir;

use crate::support::{project, skillctl};

/// A replay to a shell that prints, and then becomes the sample skill, which writes to no mock: no
/// cards are found, and the case fails.
fn replay(prints: &str, options: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_skillctl");
    let script = format!("{prints}\nexec {program} sample-skill --box-api http://127.0.0.1:1/");
    let mut command = skillctl();
    command
        .arg("replay")
        .arg(project("fixtures/events/upload-text"))
        .args(["--no-check", "expected", "--wait", "300ms"])
        .args(options)
        .args(["--", "sh", "-c", &script])
        .timeout(Duration::from_mins(1));
    command
}

#[test]
fn the_output_of_a_failing_skill_is_shown_without_escape_sequences() {
    replay(
        "printf '\\033[31mred\\033[0m\\033[2K words\\n10 %%\\r20 %%\\n'",
        &[],
    )
    .assert()
    .code(1)
    .stderr(contains("| red words\n").and(contains("| 20 %\n")))
    .stderr(contains("u{1b}").not().and(contains("\u{1b}").not()));
}

#[test]
fn colours_are_kept_where_skillctl_itself_has_colours() {
    let prints = "printf '\\033[31mred\\033[0m words\\n'";
    replay(prints, &["--color", "always"])
        .assert()
        .code(1)
        .stderr(contains("\u{1b}[31mred\u{1b}[0m words"));
}

#[test]
fn of_a_long_output_the_beginning_and_the_end_are_shown() {
    replay(
        "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done",
        &[],
    )
    .assert()
    .code(1)
    .stderr(contains("| line 1\n").and(contains("| line 200\n")))
    .stderr(contains(
        "lines left out; -v prints all, --skill-log FILE keeps them",
    ))
    .stderr(contains("| line 100\n").not());
}

#[test]
fn the_log_holds_everything_without_colours_and_tokens() {
    let folder = tempdir().expect("a folder");
    let log = folder.path().join("skill.log");
    let token = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE";
    let prints = format!(
        "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done; printf '\\033[1m{token}\\033[0m\\n'"
    );
    let path = log.to_str().expect("UTF-8");
    let option = ["--skill-log", path];
    replay(&prints, &option).assert().code(1);
    let logged = fs::read_to_string(&log).expect("it was written");
    assert!(logged.starts_with("line 1\nline 2\n"), "{logged}");
    assert!(logged.contains("\nline 200\n"), "{logged}");
    assert!(
        !logged.contains(token) && !logged.contains('\u{1b}'),
        "{logged}"
    );
}

#[test]
fn a_hundred_megabytes_binary_half_lines_and_closed_streams_block_nothing() {
    for prints in [
        "head -c 100000000 /dev/zero | tr '\\0' 'x'",
        "head -c 3000000 /dev/urandom",
        "printf 'half a line'",
        "exec >&- 2>&-",
    ] {
        replay(prints, &[]).assert().code(1);
    }
}

#[test]
fn every_report_holds_the_output() {
    let folder = tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let reports = ["json", "junit", "markdown", "html"].map(|format| {
        let file = path(format);
        format!("{format}={file}")
    });
    let mut options = Vec::new();
    for report in &reports {
        options.extend(["--report", report]);
    }
    let token = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE";
    let prints = format!("printf '\\033[31mno provider\\033[0m <&> {token} %s\\n' \"$API_KEY\"");
    replay(&prints, &options)
        .env("API_KEY", "a-key-of-a-provider")
        .assert()
        .code(1);
    for format in ["json", "junit", "markdown", "html"] {
        let report = fs::read_to_string(path(format)).expect("it was written");
        assert!(report.contains("no provider"), "{format}: {report}");
        for secret in [token, "a-key-of-a-provider", "\u{1b}", "u{1b}", "u001b"] {
            assert!(!report.contains(secret), "{format}: {secret}");
        }
    }
}

#[test]
fn half_a_line_is_shown() {
    replay("printf 'half a line'; exec 3>&1 1>/dev/null", &[])
        .assert()
        .code(1)
        .stderr(contains("| half a line\n"));
}

#[test]
fn a_log_that_cannot_be_written_or_has_no_skill_exits_2() {
    for command in ["replay", "mock-box"] {
        for (options, reason) in [
            (
                vec![
                    "--skill-log",
                    "/no/such/folder/log",
                    "--handler",
                    "node:a.b",
                    "--files",
                    ".",
                ],
                "/no/such/folder/log",
            ),
            (
                vec!["--skill-log", "log", "--skill", "http://127.0.0.1:1/"],
                "--skill-log needs a skill",
            ),
        ] {
            let options = options
                .into_iter()
                .filter(|option| command == "mock-box" || !matches!(*option, "--files" | "."));
            let folder = tempdir().expect("a folder");
            skillctl()
                .current_dir(folder.path())
                .arg(command)
                .arg(project("fixtures/events/upload-text"))
                .args(options)
                .assert()
                .code(2)
                .stderr(contains(reason));
        }
    }
}
