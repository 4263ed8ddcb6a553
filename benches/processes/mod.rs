//! The processes that benchmarks measure: children that end with their owner, and a mock that is ready.

#![allow(dead_code, reason = "not every benchmark uses all of it")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

/// A child that is ended with its owner.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// The first line that it prints.
    pub(crate) fn first_line(&mut self) -> String {
        let output = self.0.stdout.take().expect("its output");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it reads");
        line.trim().to_owned()
    }

    /// A line of its `/proc/…/status` that is in KiB: `VmHWM` is the most memory it held, `VmRSS` what it
    /// holds.
    pub(crate) fn memory(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let mut lines = status.lines().filter_map(|line| line.split_once(':'));
        let (_, kibibytes) = lines.find(|(found, _)| *found == name)?;
        kibibytes.trim().trim_end_matches("kB").trim().parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A mock as a process of its own.
pub(crate) struct MockProcess {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// The certificate that clients of its TLS have to trust, as PEM.
    pub(crate) certificate: String,
}

/// Starts a mock on a free port, with what `options` adds to its command line, and waits until it is ready.
pub(crate) fn start_mock(folder: &Path, options: impl FnOnce(&mut Command)) -> MockProcess {
    let ready = folder.join("ready.json");
    // What an earlier mock has left there.
    let _ = fs::remove_file(&ready);
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillctl"));
    command
        .args(["mock-box", "--listen", "127.0.0.1:0", "--ready-file"])
        .arg(&ready)
        // What it leaves behind goes with the folder.
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    options(&mut command);
    let mut process = Process(command.spawn().expect("the mock starts"));
    let ready: Value = loop {
        if let Ok(text) = fs::read(&ready) {
            break serde_json::from_slice(&text).expect("whole JSON");
        }
        assert!(
            process.0.try_wait().expect("it is ours").is_none(),
            "it runs"
        );
        thread::sleep(Duration::from_millis(5));
    };
    let address = ready["url"]
        .as_str()
        .and_then(|url| url.strip_prefix("http://"));
    let certificate = ready["ca"].as_str().expect("a path");
    MockProcess {
        process,
        address: address
            .and_then(|text| text.parse().ok())
            .expect("an address"),
        certificate: fs::read_to_string(certificate).expect("a certificate"),
    }
}
