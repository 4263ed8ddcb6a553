//! One child process and its process group: start, readiness, and the end of the whole group.

use std::{
    io,
    net::SocketAddr,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use listeners::{Protocol, SocketState};
use rustix::{
    io::Errno,
    process::{Pid, Signal, getpgid, kill_process_group, test_kill_process_group},
};
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    error::{ProcessExit, SkillError},
    guard::Guard,
    output::{Output, Stream},
    ports::{accepts, addresses},
};

/// A command to run as a skill.
#[derive(Clone, Debug)]
pub struct SkillCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The folder to run it in, if that is not the current one.
    pub folder: Option<PathBuf>,
    /// Variables it gets in addition to those of skillctl itself; they take precedence.
    pub variables: Vec<(String, String)>,
    /// What is done with its output.
    pub output: OutputMode,
}

/// What is done with a child's output.
#[derive(Clone, Debug)]
pub enum OutputMode {
    /// Captured line by line.
    Captured(Output),
    /// The same stdout and stderr as skillctl itself; nothing is captured.
    Inherited,
}

/// A running skill. Dropping it kills it and everything it started; [`SkillProcess::stop`] gives it
/// time to end.
#[derive(Debug)]
pub struct SkillProcess {
    command: String,
    group: Pid,
    exit: watch::Receiver<Option<ProcessExit>>,
    tasks: Vec<JoinHandle<()>>,
}

impl SkillProcess {
    /// Starts the command in a process group of its own, without input. Must be called inside a Tokio
    /// runtime.
    ///
    /// # Errors
    /// [`SkillError::Empty`], and [`SkillError::Start`] where the system does not start it.
    pub fn spawn(skill: &SkillCommand) -> Result<Self, SkillError> {
        Self::spawn_with_input(skill, Stdio::null())
    }

    /// The same with `input` as its standard input.
    pub(super) fn spawn_with_input(skill: &SkillCommand, input: Stdio) -> Result<Self, SkillError> {
        let line = skill.words.join(" ");
        let (program, arguments) = skill.words.split_first().ok_or(SkillError::Empty)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(skill.variables.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(input)
            .kill_on_drop(true);
        if let Some(folder) = &skill.folder {
            command.current_dir(folder);
        }
        if let OutputMode::Captured(_) = skill.output {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let failed = |error| SkillError::Start {
            command: line.clone(),
            error,
        };
        let mut child = command.spawn().map_err(failed)?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
            .ok_or_else(|| failed(io::Error::other("it has no process id")))?;
        // Without a shell, only SIGKILL of skillctl leaves the group behind.
        let guard = Guard::new(group).ok();
        let readers = match &skill.output {
            OutputMode::Captured(output) => readers(&mut child, output),
            OutputMode::Inherited => Vec::new(),
        };
        let (sender, exit) = watch::channel(None);
        let tasks = vec![tokio::spawn(wait(child, group, guard, readers, sender))];
        Ok(Self {
            command: line,
            group,
            exit,
            tasks,
        })
    }

    /// The command line, as text.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Waits until `host:port` accepts, and returns the address that did.
    ///
    /// # Errors
    /// At once when the process exits, and after `limit`.
    pub async fn wait_ready(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<SocketAddr, SkillError> {
        const POLL_INTERVAL: Duration = Duration::from_millis(15);
        let address = || format!("{host}:{port}");
        let addresses = addresses(host, port).await?;
        let trying = async {
            loop {
                for address in &addresses {
                    if accepts(*address).await {
                        return *address;
                    }
                }
                sleep(POLL_INTERVAL).await;
            }
        };
        tokio::select! {
            biased;
            exit = self.exited() => Err(SkillError::Exited {
                command: self.command.clone(),
                address: address(),
                exit,
            }),
            ready = timeout(limit, trying) => ready.map_err(|_| SkillError::NotReady {
                command: self.command.clone(),
                address: address(),
                timeout: limit,
            }),
        }
    }

    /// Completes when the process has exited, by itself or by [`SkillProcess::stop`], and all its output
    /// has been read.
    pub fn exited(&self) -> impl Future<Output = ProcessExit> + Send + use<> {
        let mut exit = self.exit.clone();
        async move {
            let ended = exit.wait_for(Option::is_some).await;
            match ended.as_deref() {
                Ok(Some(exit)) => *exit,
                // The task that watches it is gone: the runtime is shutting down and kills it.
                _ => ProcessExit(ExitStatus::from_raw(Signal::KILL.as_raw())),
            }
        }
    }

    /// The addresses on which processes of its group listen, in the order of their ports. Empty where
    /// the system does not let them be read.
    pub async fn listening(&self) -> Vec<SocketAddr> {
        let group = self.group;
        let found = tokio::task::spawn_blocking(move || listening_in(group)).await;
        found.unwrap_or_default()
    }

    /// How it exited, if it has.
    pub fn exit(&self) -> Option<ProcessExit> {
        *self.exit.borrow()
    }

    /// Stops the group (SIGSTOP), until it is continued.
    pub(super) fn freeze(&self) {
        signal(self.group, Signal::STOP);
    }

    /// Continues the group (SIGCONT).
    pub(super) fn thaw(&self) {
        signal(self.group, Signal::CONT);
    }

    /// Kills the group, also one that is stopped, and returns how the process itself exited.
    pub(super) async fn kill(self) -> ProcessExit {
        signal(self.group, Signal::KILL);
        self.exited().await
    }

    /// Sends SIGTERM to the group, kills what is left of it after `grace`, and returns how the process
    /// itself exited.
    pub async fn stop(self, grace: Duration) -> ProcessExit {
        if self.exit().is_none() {
            signal(self.group, Signal::TERM);
            if timeout(grace, self.exited()).await.is_err() {
                signal(self.group, Signal::KILL);
            }
        }
        self.exited().await
    }
}

impl Drop for SkillProcess {
    fn drop(&mut self) {
        if self.exit.borrow().is_none() {
            signal(self.group, Signal::KILL);
        }
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn listening_in(group: Pid) -> Vec<SocketAddr> {
    let is_in_group = |id: u32| {
        let id = i32::try_from(id).ok().and_then(Pid::from_raw);
        id.is_some_and(|id| getpgid(Some(id)) == Ok(group))
    };
    let mut found: Vec<SocketAddr> = listeners::get_all()
        .unwrap_or_default()
        .into_iter()
        .filter(|it| it.protocol == Protocol::TCP && it.state == SocketState::Listen)
        .filter(|it| is_in_group(it.process.pid))
        .map(|it| it.socket)
        .collect();
    found.sort_by_key(|address| (address.port(), address.is_ipv6()));
    found.dedup();
    found
}

fn signal(group: Pid, signal: Signal) {
    // The group may be gone.
    let _ = kill_process_group(group, signal);
}

fn readers(child: &mut Child, output: &Output) -> Vec<JoinHandle<()>> {
    let out = child
        .stdout
        .take()
        .map(|pipe| tokio::spawn(output.clone().read(Stream::Out, pipe)));
    let err = child
        .stderr
        .take()
        .map(|pipe| tokio::spawn(output.clone().read(Stream::Err, pipe)));
    out.into_iter().chain(err).collect()
}

/// Waits for the process, ends what it left behind in its group, reads the rest of its output, and then
/// reports its exit.
async fn wait(
    mut child: Child,
    group: Pid,
    guard: Option<Guard>,
    readers: Vec<JoinHandle<()>>,
    sender: watch::Sender<Option<ProcessExit>>,
) {
    const REST_OF_OUTPUT: Duration = Duration::from_millis(500);
    let status = child.wait().await;
    end_leftovers(group).await;
    drop(guard);
    for mut reader in readers {
        // A process that left the group may keep the pipe open indefinitely.
        if timeout(REST_OF_OUTPUT, &mut reader).await.is_err() {
            reader.abort();
        }
    }
    let status = status.unwrap_or_else(|_| ExitStatus::from_raw(Signal::KILL.as_raw()));
    // The receiver may be gone.
    let _ = sender.send(Some(ProcessExit(status)));
}

/// A shell or a package manager may exit before the server that it started. The server gets some time
/// to end after SIGTERM, then it is killed.
async fn end_leftovers(group: Pid) {
    const GRACE: Duration = Duration::from_millis(500);
    if is_gone(group) {
        return;
    }
    signal(group, Signal::TERM);
    if timeout(GRACE, until_gone(group)).await.is_err() {
        signal(group, Signal::KILL);
        // A killed process keeps its port until the system has cleaned up.
        let _ = timeout(GRACE, until_gone(group)).await;
    }
}

async fn until_gone(group: Pid) {
    const POLL_INTERVAL: Duration = Duration::from_millis(5);
    while !is_gone(group) {
        sleep(POLL_INTERVAL).await;
    }
}

/// Some systems return EPERM for a group of which only zombies are left.
fn is_gone(group: Pid) -> bool {
    matches!(
        test_kill_process_group(group),
        Err(Errno::SRCH | Errno::PERM)
    )
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{Ipv4Addr, TcpListener},
    };

    use super::*;
    use crate::skill::ports::{free_port, refuse_taken};

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn sh(script: &str, port: u16) -> SkillCommand {
        sh_into(Output::default(), script, port)
    }

    fn sh_into(output: Output, script: &str, port: u16) -> SkillCommand {
        let this = std::env::current_exe().expect("the path of this binary");
        SkillCommand {
            words: ["sh", "-c", script].map(str::to_owned).to_vec(),
            folder: None,
            variables: vec![
                ("PORT".to_owned(), port.to_string()),
                ("SERVER".to_owned(), format!("{} {SERVER}", this.display())),
            ],
            output: OutputMode::Captured(output),
        }
    }

    const SERVER: &str = "--exact skill::process::tests::a_server --ignored --nocapture";

    /// Not a test: the server that the skills of these tests run, so that they need this binary alone.
    #[test]
    #[ignore = "started by other tests as a process of its own"]
    fn a_server() {
        let port = std::env::var("PORT").expect("PORT is set");
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("it is free");
        // Not println!, whose output the test harness may capture.
        writeln!(io::stderr(), "listening on {port}").expect("it is written");
        for _ in listener.incoming() {}
    }

    async fn assert_nothing_is_left(skill_group: Pid, port: u16) {
        timeout(TIMEOUT, until_gone(skill_group))
            .await
            .expect("the group ends");
        assert!(!accepts(([127, 0, 0, 1], port).into()).await);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free again");
    }

    #[tokio::test]
    async fn after_twenty_starts_no_process_and_no_port_is_left() {
        for _ in 0..20 {
            let port = free_port().expect("a port");
            refuse_taken("127.0.0.1", port).await.expect("it is free");
            let skill = SkillProcess::spawn(&sh("exec $SERVER", port)).expect("it starts");
            let address = skill.wait_ready("127.0.0.1", port, TIMEOUT).await;
            assert_eq!(address.expect("it listens").port(), port);
            let group = skill.group;
            let exit = skill.stop(TIMEOUT).await;
            assert_eq!(exit.to_string(), "signal 15");
            assert_nothing_is_left(group, port).await;
        }
    }

    #[tokio::test]
    async fn a_grandchild_is_ended_too() {
        let port = free_port().expect("a port");
        for script in ["$SERVER & wait", "trap '' TERM; $SERVER; $SERVER"] {
            let skill = SkillProcess::spawn(&sh(script, port)).expect("it starts");
            let ready = skill.wait_ready("localhost", port, TIMEOUT).await;
            ready.expect("it listens");
            let group = skill.group;
            skill.stop(Duration::from_millis(100)).await;
            assert_nothing_is_left(group, port).await;
        }
    }

    #[tokio::test]
    async fn after_a_panic_no_process_is_left() {
        let port = free_port().expect("a port");
        let skill = SkillProcess::spawn(&sh("$SERVER & wait", port)).expect("it starts");
        let ready = skill.wait_ready("127.0.0.1", port, TIMEOUT).await;
        ready.expect("it listens");
        let group = skill.group;
        let unwound = tokio::spawn(async move {
            let _skill = skill;
            std::panic::resume_unwind(Box::new("as a panic does"));
        });
        assert!(unwound.await.is_err());
        assert_nothing_is_left(group, port).await;
    }

    #[tokio::test]
    async fn a_command_that_exits_at_its_start_is_reported_with_its_output() {
        let port = free_port().expect("a port");
        let output = Output::default();
        let command = sh_into(output.clone(), "echo no such module >&2; exit 7", port);
        let skill = SkillProcess::spawn(&command).expect("it starts");
        let error = skill.wait_ready("127.0.0.1", port, TIMEOUT).await;
        let error = error.expect_err("it exits");
        assert!(matches!(error, SkillError::Exited { .. }), "{error}");
        assert!(error.to_string().ends_with("exit code 7"), "{error}");
        assert_eq!(output.excerpt(0, 10).tail, ["no such module"]);
    }

    #[tokio::test]
    async fn a_missing_program_and_one_that_never_listens_are_different_errors() {
        let port = free_port().expect("a port");
        let mut nothing = sh("", port);
        nothing.words = vec!["/no/such/program".to_owned()];
        let error = SkillProcess::spawn(&nothing).expect_err("there is none");
        assert!(error.to_string().contains("`/no/such/program`"), "{error}");
        nothing.words.clear();
        assert!(matches!(
            SkillProcess::spawn(&nothing),
            Err(SkillError::Empty)
        ));
        let skill = SkillProcess::spawn(&sh("sleep 1000", port)).expect("it starts");
        let soon = Duration::from_millis(50);
        let error = skill.wait_ready("127.0.0.1", port, soon).await;
        assert!(matches!(error, Err(SkillError::NotReady { .. })));
    }

    #[tokio::test]
    async fn the_ports_on_which_the_group_listens_are_found() {
        let (wanted, other) = (free_port().expect("a port"), free_port().expect("a port"));
        let skill = SkillProcess::spawn(&sh("$SERVER & wait", other)).expect("it starts");
        let ready = skill.wait_ready("127.0.0.1", other, TIMEOUT).await;
        ready.expect("it listens");
        let ports: Vec<u16> = skill
            .listening()
            .await
            .iter()
            .map(SocketAddr::port)
            .collect();
        assert_eq!(ports, [other], "and not {wanted}");
        skill.stop(TIMEOUT).await;
    }

    #[tokio::test]
    async fn a_taken_port_is_refused() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it has one").port();
        for host in ["127.0.0.1", "localhost"] {
            let error = refuse_taken(host, port).await.expect_err("it is taken");
            assert_eq!(
                error.to_string(),
                format!("something already listens on {host}:{port}, where the skill is to listen")
            );
        }
    }

    #[tokio::test]
    async fn an_exit_after_the_start_is_reported() {
        let port = free_port().expect("a port");
        let skill = SkillProcess::spawn(&sh("$SERVER & sleep 0.2; kill $!; exit 3", port));
        let skill = skill.expect("it starts");
        let exit = timeout(TIMEOUT, skill.exited()).await.expect("it exits");
        assert_eq!(exit.to_string(), "exit code 3");
        assert!(!exit.is_success());
        assert_eq!(skill.exit(), Some(exit));
    }

    #[tokio::test]
    async fn each_line_is_given_to_the_handler_as_it_is_printed() {
        let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
        let output = Output::with_handler(Some(std::sync::Arc::new(move |stream, line: &str| {
            // The test may have ended.
            let _ = sender.send((stream, line.to_owned()));
        })));
        let command = sh_into(output, "echo one; echo two >&2; sleep 1000", 1);
        let skill = SkillProcess::spawn(&command).expect("it starts");
        let mut lines = Vec::new();
        for _ in 0..2 {
            let line = timeout(TIMEOUT, received.recv()).await.expect("a line");
            lines.extend(line);
        }
        lines.sort_by_key(|(_, line)| line.clone());
        assert_eq!(
            lines,
            [
                (Stream::Out, "one".to_owned()),
                (Stream::Err, "two".to_owned())
            ]
        );
        skill.stop(TIMEOUT).await;
    }
}
