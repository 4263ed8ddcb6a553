//! How the tests of the commands run the binary: a clean environment, a temporary folder.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use assert_cmd::Command;
use tokio::net::TcpSocket;

/// The binary in an environment that holds nothing of the developer's own: no colours, no
/// proxies, no `SKILLCTL_*`.
pub(crate) fn skillctl() -> Command {
    Command::from_std(skillctl_process())
}

/// The same for a process that runs while the test does.
pub(crate) fn skillctl_process() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skillctl"));
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// A file or folder of the project, by its path from the top.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether this machine has a program; prints that nothing is tested where it has not.
#[allow(clippy::print_stderr, reason = "a test that tests nothing must say so")]
pub(crate) fn has(program: &str) -> bool {
    let found = std::process::Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("{program} is not installed: nothing is tested");
    }
    found
}

/// An address where nothing accepts, as long as this lives: its port is bound and never listened on,
/// so nobody else can get it.
pub(crate) struct RefusingAddress {
    pub(crate) address: SocketAddr,
    _bound: TcpSocket,
}

impl RefusingAddress {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(([127, 0, 0, 1], 0).into())
            .expect("a port is free");
        Self {
            address: socket.local_addr().expect("it has an address"),
            _bound: socket,
        }
    }
}

/// Calls `attempt` repeatedly until it returns a value; panics after 30 seconds with a message that
/// names `what`.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    const TIMEOUT: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_millis(2);
    let began = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(began.elapsed() < TIMEOUT, "{what}: not within {TIMEOUT:?}");
        thread::sleep(PAUSE);
    }
}
