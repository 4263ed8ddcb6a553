//! The completion scripts in the shells that read them, on a terminal.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::skillctl;

/// What an interactive shell shows when each of `lines` is typed. `None` without the shell, or without
/// `script`, which gives it a terminal.
fn typed(shell: &str, setup: &str, lines: &[&str], folder: &Path) -> Option<String> {
    let has = |program: &str| {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        found.is_ok_and(|output| output.status.success())
    };
    if !has(shell.split(' ').next()?) || !has("script") {
        return None;
    }
    let mut child = Command::new("script")
        .args(["-qec", shell, "/dev/null"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("script starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = format!("{setup}\n{}\nexit\n", lines.join("\n"));
    stdin.write_all(input.as_bytes()).expect("the shell reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the shell ends");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn script(shell: &str) -> Vec<u8> {
    let output = skillctl()
        .args(["completions", shell])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    output.stdout
}

/// A folder with the script of a shell and a file to be completed.
fn folder(shell: &str, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), script(shell)).expect("it writes");
    fs::write(folder.path().join("talk-of-ada.json"), "{}").expect("it writes");
    fs::write(folder.path().join("handler-of-ada.js"), "").expect("it writes");
    folder
}

/// Lines that end in Tab, and the text that it must add or list.
const CASES: [(&str, &str); 5] = [
    ("skillctl replay talk-\t", "talk-of-ada.json"),
    ("skillctl replay --report mark\t", "markdown="),
    (
        "skillctl replay --report html=talk-\t",
        "html=talk-of-ada.json",
    ),
    (
        "skillctl replay --handler node:handler-\t",
        "node:handler-of-ada.js",
    ),
    ("skillctl ev\t", "event"),
];

fn check(shown: &str) {
    for (line, wanted) in CASES {
        let typed = line.trim_end_matches('\t');
        let completed = shown
            .lines()
            .any(|shown| shown.contains(typed) && shown.contains(wanted));
        assert!(
            completed,
            "{line:?} is not completed to {wanted:?}:\n{shown}"
        );
    }
    for wrong in [
        "compopt:",
        "_arguments:",
        "bad substitution",
        "sample-skill ",
    ] {
        assert!(!shown.contains(wrong), "{wrong}:\n{shown}");
    }
}

#[test]
fn bash_completes_files_report_formats_and_handlers() {
    let folder = folder("bash", "completions");
    let lines = CASES.map(|(line, _)| line);
    let setup = "source ./completions; bind 'set enable-bracketed-paste off'";
    if let Some(shown) = typed("bash --norc -i", setup, &lines, folder.path()) {
        check(&shown);
    }
}

#[test]
fn zsh_completes_files_report_formats_and_handlers() {
    let folder = folder("zsh", "_skillctl");
    let lines = CASES.map(|(line, _)| line);
    let setup = "fpath=($PWD $fpath); autoload -U compinit; compinit -D -u";
    if let Some(shown) = typed("zsh -f -i", setup, &lines, folder.path()) {
        check(&shown);
    }
}

#[test]
fn no_script_suggests_a_hidden_command() {
    for (shell, suggestion) in [
        ("bash", " sample-skill "),
        ("zsh", "\n'sample-skill:"),
        ("fish", "-a \"sample-skill\""),
    ] {
        let script = String::from_utf8(script(shell)).expect("UTF-8");
        let lines = script
            .lines()
            .filter(|line| shell != "bash" || line.contains("opts="));
        let text = lines.collect::<Vec<_>>().join("\n");
        assert!(!text.contains(suggestion), "{shell}");
    }
}
