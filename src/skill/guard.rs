//! The end of a process group when skillctl is killed. SIGKILL cannot be caught, and it does not reach
//! the children, least of all those that are stopped. So a shell waits at a pipe that skillctl holds open
//! and kills the group when the pipe closes.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use rustix::process::Pid;

/// Waits for the end of standard input, then kills the group. It is not in the group of the terminal, so
/// Ctrl-C does not reach it.
const SCRIPT: &str = r#"read -r _; kill -s KILL -- "-$1""#;

/// Kills a process group if skillctl ends without dropping this.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
}

impl Guard {
    /// Guards a group.
    ///
    /// # Errors
    /// When the system does not start the shell.
    pub(super) fn new(group: Pid) -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "skillctl-guard"])
            .arg(group.as_raw_nonzero().to_string())
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }
}

/// The group has ended, and its number may soon be another's. The shell is killed before its pipe closes.
impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
