//! One child process and its process group, from its start to the end of the last of them.

use std::{
    io,
    net::SocketAddr,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group, test_kill_process_group},
};
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    error::{Death, SkillError},
    output::{Listener, Output, Stream},
    ports::{accepts, addresses},
};

/// A command to run as a skill.
#[derive(Clone)]
pub struct SkillCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables it gets in addition to those of skillctl itself; they take precedence.
    pub variables: Vec<(String, String)>,
    /// What becomes of its output.
    pub output: Destination,
}

/// What becomes of a child's output.
#[derive(Clone, Default)]
pub enum Destination {
    /// Kept, to be shown on failure.
    #[default]
    Kept,
    /// Kept, and each line is heard as it comes.
    Heard(Listener),
    /// It goes where skillctl's own goes, and nothing is kept.
    PassedOn,
}

/// A running skill. It is ended, with everything it started, when this is dropped; better, call
/// [`Skill::stop`], which gives it time.
#[derive(Debug)]
pub struct Skill {
    command: String,
    group: Pid,
    output: Output,
    death: watch::Receiver<Option<Death>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Skill {
    /// Starts the command in a process group of its own, without input. Must be called inside a
    /// Tokio runtime.
    pub fn start(skill: &SkillCommand) -> Result<Self, SkillError> {
        let line = skill.words.join(" ");
        let (program, arguments) = skill.words.split_first().ok_or(SkillError::Empty)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(skill.variables.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let listener = match &skill.output {
            Destination::PassedOn => None,
            Destination::Kept => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                None
            }
            Destination::Heard(listener) => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                Some(listener.clone())
            }
        };
        let failed = |error| SkillError::Start {
            command: line.clone(),
            error,
        };
        let mut child = command.spawn().map_err(failed)?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
            .ok_or_else(|| failed(io::Error::other("it has no process id")))?;
        let output = Output::heard_by(listener);
        let readers = readers(&mut child, &output);
        let (sender, death) = watch::channel(None);
        let tasks = vec![tokio::spawn(wait(child, group, readers, sender))];
        Ok(Self {
            command: line,
            group,
            output,
            death,
            tasks,
        })
    }

    /// What it has written so far.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The command line, for people.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Waits until `host:port` accepts, and gives the address that did. Gives up at once when the
    /// process ends, and after `patience`.
    pub async fn wait_ready(
        &self,
        host: &str,
        port: u16,
        patience: Duration,
    ) -> Result<SocketAddr, SkillError> {
        const BETWEEN_TRIES: Duration = Duration::from_millis(15);
        let address = || format!("{host}:{port}");
        let addresses = addresses(host, port).await?;
        let trying = async {
            loop {
                for address in &addresses {
                    if accepts(*address).await {
                        return *address;
                    }
                }
                sleep(BETWEEN_TRIES).await;
            }
        };
        tokio::select! {
            biased;
            death = self.died() => Err(SkillError::Died {
                command: self.command.clone(),
                address: address(),
                death,
            }),
            ready = timeout(patience, trying) => ready.map_err(|_| SkillError::NotReady {
                command: self.command.clone(),
                address: address(),
                patience,
            }),
        }
    }

    /// Waits until the process has ended by itself or by [`Skill::stop`]; its output is then
    /// complete.
    pub fn died(&self) -> impl Future<Output = Death> + Send + use<> {
        let mut death = self.death.clone();
        async move {
            let ended = death.wait_for(Option::is_some).await;
            match ended.as_deref() {
                Ok(Some(death)) => *death,
                // The runtime is going down, and the process with it.
                _ => Death(ExitStatus::from_raw(Signal::KILL.as_raw())),
            }
        }
    }

    /// How it ended, if it has.
    pub fn death(&self) -> Option<Death> {
        *self.death.borrow()
    }

    /// Asks the group to end (SIGTERM), kills what is left of it after `grace`, and gives how the
    /// process itself ended.
    pub async fn stop(self, grace: Duration) -> Death {
        if self.death().is_none() {
            signal(self.group, Signal::TERM);
            if timeout(grace, self.died()).await.is_err() {
                signal(self.group, Signal::KILL);
            }
        }
        self.died().await
    }
}

impl Drop for Skill {
    fn drop(&mut self) {
        if self.death.borrow().is_none() {
            signal(self.group, Signal::KILL);
        }
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn signal(group: Pid, signal: Signal) {
    // A group that is gone has nothing left to end.
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

/// Waits for the process, ends what it left behind in its group, collects the rest of its output,
/// and then says that it is dead.
async fn wait(
    mut child: Child,
    group: Pid,
    readers: Vec<JoinHandle<()>>,
    sender: watch::Sender<Option<Death>>,
) {
    const REST_OF_OUTPUT: Duration = Duration::from_millis(500);
    let status = child.wait().await;
    end_leftovers(group).await;
    for mut reader in readers {
        // A process that left the group may hold the pipe open for ever.
        if timeout(REST_OF_OUTPUT, &mut reader).await.is_err() {
            reader.abort();
        }
    }
    let status = status.unwrap_or_else(|_| ExitStatus::from_raw(Signal::KILL.as_raw()));
    // Nobody may be listening any more.
    let _ = sender.send(Some(Death(status)));
}

/// A shell or a package manager may end before the server it started: that one gets a moment
/// of its own after the signal that ended its parent, then it is killed.
async fn end_leftovers(group: Pid) {
    const MOMENT: Duration = Duration::from_millis(500);
    if is_gone(group) {
        return;
    }
    signal(group, Signal::TERM);
    if timeout(MOMENT, until_gone(group)).await.is_err() {
        signal(group, Signal::KILL);
        // A killed process holds its port until the system has cleaned up behind it.
        let _ = timeout(MOMENT, until_gone(group)).await;
    }
}

async fn until_gone(group: Pid) {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
    while !is_gone(group) {
        sleep(BETWEEN_LOOKS).await;
    }
}

/// Some systems answer EPERM for a group of which only dead processes are left.
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
        time::Instant as Clock,
    };

    use super::*;
    use crate::skill::ports::{free_port, refuse_taken};

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn sh(script: &str, port: u16) -> SkillCommand {
        let this = std::env::current_exe().expect("tests know themselves");
        SkillCommand {
            words: ["sh", "-c", script].map(str::to_owned).to_vec(),
            variables: vec![
                ("PORT".to_owned(), port.to_string()),
                ("SERVER".to_owned(), format!("{} {SERVER}", this.display())),
            ],
            output: Destination::Kept,
        }
    }

    const SERVER: &str = "--exact skill::process::tests::a_server --ignored --nocapture";

    /// Not a test: what the skills of these tests run, so that they need nothing but this binary.
    #[test]
    #[ignore = "started by other tests as a process of its own"]
    fn a_server() {
        let port = std::env::var("PORT").expect("it is given a port");
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("it is free");
        // Not println!, which the test harness may keep back.
        writeln!(io::stderr(), "listening on {port}").expect("it is written");
        for _ in listener.incoming() {}
    }

    async fn nothing_is_left(skill_group: Pid, port: u16) {
        timeout(TIMEOUT, until_gone(skill_group))
            .await
            .expect("the group ends");
        assert!(!accepts(([127, 0, 0, 1], port).into()).await);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free again");
    }

    #[tokio::test]
    async fn twenty_starts_leave_no_process_and_no_port_behind() {
        for _ in 0..20 {
            let port = free_port().expect("a port");
            refuse_taken("127.0.0.1", port).await.expect("it is free");
            let skill = Skill::start(&sh("exec $SERVER", port)).expect("it starts");
            let address = skill.wait_ready("127.0.0.1", port, TIMEOUT).await;
            assert_eq!(address.expect("it listens").port(), port);
            let group = skill.group;
            let death = skill.stop(TIMEOUT).await;
            assert_eq!(death.to_string(), "signal 15");
            nothing_is_left(group, port).await;
        }
    }

    #[tokio::test]
    async fn a_grandchild_is_ended_too() {
        let port = free_port().expect("a port");
        for script in ["$SERVER & wait", "trap '' TERM; $SERVER; $SERVER"] {
            let skill = Skill::start(&sh(script, port)).expect("it starts");
            let ready = skill.wait_ready("localhost", port, TIMEOUT).await;
            ready.expect("it listens");
            let group = skill.group;
            skill.stop(Duration::from_millis(100)).await;
            nothing_is_left(group, port).await;
        }
    }

    #[tokio::test]
    async fn a_panic_leaves_nothing_behind_either() {
        let port = free_port().expect("a port");
        let skill = Skill::start(&sh("$SERVER & wait", port)).expect("it starts");
        let ready = skill.wait_ready("127.0.0.1", port, TIMEOUT).await;
        ready.expect("it listens");
        let group = skill.group;
        let unwound = tokio::spawn(async move {
            let _skill = skill;
            std::panic::resume_unwind(Box::new("as a panic does"));
        });
        assert!(unwound.await.is_err());
        nothing_is_left(group, port).await;
    }

    #[tokio::test]
    async fn a_command_that_dies_at_its_start_is_told_at_once_with_its_output() {
        let started = Clock::now();
        let port = free_port().expect("a port");
        let skill = Skill::start(&sh("echo no such module >&2; exit 7", port)).expect("it starts");
        let error = skill.wait_ready("127.0.0.1", port, TIMEOUT).await;
        let error = error.expect_err("it died");
        assert!(matches!(error, SkillError::Died { .. }), "{error}");
        assert!(error.to_string().ends_with("exit code 7"), "{error}");
        assert_eq!(skill.output().tail(10), ["no such module"]);
        assert!(started.elapsed() < TIMEOUT);
    }

    #[tokio::test]
    async fn a_command_that_is_none_and_one_that_never_listens_are_told_apart() {
        let port = free_port().expect("a port");
        let mut nothing = sh("", port);
        nothing.words = vec!["/no/such/program".to_owned()];
        let error = Skill::start(&nothing).expect_err("there is none");
        assert!(error.to_string().contains("`/no/such/program`"), "{error}");
        nothing.words.clear();
        assert!(matches!(Skill::start(&nothing), Err(SkillError::Empty)));
        let skill = Skill::start(&sh("sleep 1000", port)).expect("it starts");
        let soon = Duration::from_millis(50);
        let error = skill.wait_ready("127.0.0.1", port, soon).await;
        assert!(matches!(error, Err(SkillError::NotReady { .. })));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_refused() {
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
    async fn a_death_in_the_middle_is_told() {
        let port = free_port().expect("a port");
        let skill = Skill::start(&sh("$SERVER & sleep 0.2; kill $!; exit 3", port));
        let skill = skill.expect("it starts");
        let death = timeout(TIMEOUT, skill.died()).await.expect("it dies");
        assert_eq!(death.to_string(), "exit code 3");
        assert!(!death.is_success());
        assert_eq!(skill.death(), Some(death));
    }

    #[tokio::test]
    async fn lines_are_heard_as_they_come() {
        let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut command = sh("echo one; echo two >&2; sleep 1000", 1);
        command.output = Destination::Heard(std::sync::Arc::new(move |stream, line: &str| {
            // The test may have ended.
            let _ = sender.send((stream, line.to_owned()));
        }));
        let skill = Skill::start(&command).expect("it starts");
        let mut lines = Vec::new();
        for _ in 0..2 {
            let line = timeout(TIMEOUT, heard.recv()).await.expect("it is heard");
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
