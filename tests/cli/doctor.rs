//! `doctor`: ten problems that a machine can have, each found and with its fix.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
};

use assert_cmd::Command;
use serde_json::Value;

use crate::support::{RefusingAddress, skillctl};

/// `doctor` in a folder, with an address of a mock at which nothing listens.
fn doctor(folder: &Path) -> (Command, RefusingAddress) {
    let nothing = RefusingAddress::new();
    let url = format!("http://{}", nothing.address);
    (doctor_with(folder, &url), nothing)
}

/// `doctor` in a folder, with this address of a mock and without a runtime.
fn doctor_with(folder: &Path, url: &str) -> Command {
    let mut command = skillctl();
    command
        .args(["doctor", "--format", "json", "--box", url])
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("PATH", folder)
        .current_dir(folder);
    command
}

/// The findings of a command, and its exit code.
fn findings(command: &mut Command) -> (Vec<Value>, Option<i32>) {
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{text}"));
    let findings = result["findings"].as_array().expect("a list").clone();
    (findings, output.status.code())
}

/// Requires a problem of this code whose text holds `words`, with a fix, and exit code 1.
fn finds(command: &mut Command, code: &str, words: &str) {
    let (findings, exit) = findings(command);
    let found = findings.iter().any(|finding| {
        finding["code"] == code
            && finding["state"] == "problem"
            && finding["text"]
                .as_str()
                .is_some_and(|text| text.contains(words))
            && finding["fix"].as_str().is_some_and(|fix| !fix.is_empty())
    });
    assert!(found, "{code}: {findings:#?}");
    assert_eq!(exit, Some(1));
}

/// A server that gives every request this answer; its URL.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_machine_without_problems_exits_with_0() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, _nothing) = doctor(folder.path());
    let (findings, exit) = findings(&mut command);
    assert_eq!(exit, Some(0), "{findings:#?}");
    assert!(findings.iter().any(|finding| finding["code"] == "runtime"));
}

#[test]
fn variables_of_a_mock_that_ended_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, nothing) = doctor(folder.path());
    command.env("BOX_API_BASE_URL", format!("http://{}", nothing.address));
    finds(&mut command, "stale-variables", "nothing listens");
}

#[test]
fn a_port_in_use_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    finds(
        &mut doctor_with(folder.path(), &url),
        "port",
        "something other",
    );
}

#[test]
fn a_mock_of_another_version_and_a_wrong_clock_are_found() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2019 00:00:00 GMT\r\n\
        Content-Length: 20\r\nConnection: close\r\n\r\n{\"version\": \"0.0.1\"} ";
    let folder = tempfile::tempdir().expect("a folder");
    let url = server(ANSWER);
    finds(&mut doctor_with(folder.path(), &url), "version", "0.0.1");
    finds(&mut doctor_with(folder.path(), &url), "clock", "ahead of");
}

#[test]
fn a_proxy_that_receives_calls_to_this_machine_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, _nothing) = doctor(folder.path());
    command.env("HTTP_PROXY", "http://proxy.example:8080");
    finds(&mut command, "proxy", "HTTP_PROXY");
}

#[test]
fn a_missing_runtime_that_the_configuration_needs_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[replay]\nfixtures = [\"cases\"]\ncommand = [\"no-such-runtime\", \"a.js\"]\n";
    fs::write(folder.path().join("skillctl.toml"), config).expect("it is written");
    let (mut command, _nothing) = doctor(folder.path());
    finds(&mut command, "program", "no-such-runtime");
}

#[test]
fn a_bundle_that_is_gone_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, _nothing) = doctor(folder.path());
    command.env("NODE_EXTRA_CA_CERTS", "/no/such/ca.pem");
    finds(&mut command, "certificates", "/no/such/ca.pem");
}

#[test]
fn a_config_that_others_can_write_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("skillctl.toml");
    fs::write(&config, "").expect("it is written");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let (mut command, _nothing) = doctor(folder.path());
    finds(&mut command, "config", "left out");
}

#[test]
fn a_config_that_cannot_be_read_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("skillctl.toml"), "[replay\n").expect("it is written");
    let (mut command, _nothing) = doctor(folder.path());
    finds(&mut command, "config", "skillctl.toml:1");
}

#[test]
fn a_run_folder_of_a_killed_process_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = folder.path().join("skillctl-run-abc");
    fs::create_dir(&left).expect("a folder");
    fs::write(left.join(".in-use"), "").expect("it is written");
    let (mut command, _nothing) = doctor(folder.path());
    finds(&mut command, "run-folder", "skillctl-run-abc");
}

#[test]
fn a_temporary_folder_that_cannot_be_written_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, _nothing) = doctor(folder.path());
    // A file is not a folder, also for root.
    let file = folder.path().join("file");
    fs::write(&file, "").expect("it is written");
    finds(
        command.env("TMPDIR", &file),
        "temporary-folder",
        "cannot be written",
    );
}

#[test]
fn a_machine_without_a_home_folder_is_described_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, _nothing) = doctor(folder.path());
    let (findings, exit) = findings(command.env_remove("HOME"));
    let home = findings.iter().find(|finding| finding["code"] == "home");
    assert!(home.is_some_and(|finding| finding["state"] == "note"));
    assert_eq!(exit, Some(0));
}

#[test]
fn a_runtime_that_does_not_trust_the_mock_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = folder.path().join("node");
    let script =
        "#!/bin/sh\necho 'Error: self-signed certificate in certificate chain' >&2\nexit 1\n";
    fs::write(&node, script).expect("it is written");
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let (mut command, _nothing) = doctor(folder.path());
    let (found, exit) = findings(&mut command);
    let trust = found.iter().find(|finding| finding["code"] == "trust");
    assert!(
        trust.is_some_and(|finding| finding["state"] == "note"),
        "{found:#?}"
    );
    assert_eq!(exit, Some(0));
    let config = "[replay]\nfixtures = [\"cases\"]\ncommand = [\"node\", \"a.js\"]\n";
    fs::write(folder.path().join("skillctl.toml"), config).expect("it is written");
    finds(&mut command, "trust", "self-signed certificate");
}

#[test]
fn an_installed_runtime_trusts_the_mock() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut command, _nothing) = doctor(folder.path());
    command.env("PATH", std::env::var_os("PATH").expect("a PATH"));
    let (found, _) = findings(&mut command);
    let python = found.iter().find(|finding| {
        finding["code"] == "trust"
            && finding["text"]
                .as_str()
                .is_some_and(|it| it.starts_with("python3"))
    });
    assert!(
        python.is_some_and(|finding| finding["state"] == "ok"),
        "{found:#?}"
    );
}
