//! `replay --watch`: what runs again after which change, off a terminal and on one.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    cassettes::{ONE_STAGE, World, entry},
    support::{project, skillctl_process, wait_for},
};
use serde_json::json;

/// Replies with the status in `STATUS`, which tests replace.
const SKILL: &str = "
import http.server, os
STATUS = 200
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['content-length']))
        self.send_response(STATUS)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
";

const CONFIG: &str =
    "[replay]\nfixtures = [\"cases\"]\ncommand = [\"python3\", \"skill.py\"]\nno-mock = true\n";

/// A project with two cases and a skill.
struct Project(TempDir);

impl Project {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let this = Self(folder);
        for name in [".git", "cases/a", "cases/b", "node_modules", "ignored"] {
            fs::create_dir_all(this.path(name)).expect("a folder");
        }
        let event = project("fixtures/events/minimal/event.json");
        for case in ["a", "b"] {
            fs::copy(&event, this.path(&format!("cases/{case}/event.json"))).expect("it copies");
        }
        this.write(".gitignore", "ignored/\n*.out\n");
        this.write("skillctl.toml", config);
        this.write("skill.py", SKILL);
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("it writes");
    }

    /// Saves the skill so that it replies with a status.
    fn save_skill(&self, status: u16) {
        let text = SKILL.replace("STATUS = 200", &format!("STATUS = {status}"));
        self.write("skill.py", &text);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = skillctl_process();
        command
            .current_dir(self.0.path())
            .env("XDG_STATE_HOME", self.path("ignored/state"))
            .args(["replay", "--watch"])
            .args(arguments);
        command
    }

    fn watch(&self, arguments: &[&str]) -> Watching {
        Watching::start(self.command(arguments))
    }

    /// The same on a terminal of 80 columns, by Python's `pty`.
    fn watch_on_a_terminal(&self, arguments: &[&str]) -> Watching {
        const PTY: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
        let inner = self.command(arguments);
        let mut command = Command::new("python3");
        command.args(["-c", PTY]).arg(inner.get_program());
        command.args(inner.get_args()).env_clear();
        command
            .env("TERM", "xterm")
            .env("COLUMNS", "80")
            .env("NO_COLOR", "1");
        for (name, value) in inner.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.current_dir(self.0.path());
        Watching::start(command)
    }
}

/// A running `replay --watch`, and what it has printed.
struct Watching {
    child: Child,
    input: Option<ChildStdin>,
    output: Arc<Mutex<String>>,
}

/// Printed each time it has nothing to do.
const WAITING: &str = "waiting for changes";

impl Watching {
    fn start(mut command: Command) -> Self {
        // One pipe for both, so that the order is kept.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(writer.try_clone().expect("a pipe"))
            .stderr(writer)
            .spawn()
            .expect("it starts");
        // The command holds the writers.
        drop(command);
        let output = Arc::new(Mutex::new(String::new()));
        collect(reader, &output);
        let input = child.stdin.take();
        Self {
            child,
            input,
            output,
        }
    }

    fn output(&self) -> String {
        self.output.lock().expect("no panic").clone()
    }

    fn runs(&self) -> usize {
        self.output().matches(WAITING).count()
    }

    /// Waits until this many runs have ended, and returns what the last one printed.
    fn until(&self, runs: usize) -> String {
        wait_for("the run ends", || (self.runs() >= runs).then_some(()));
        let output = self.output();
        assert_eq!(self.runs(), runs, "more runs than expected:\n{output}");
        let mut parts = output.split(WAITING);
        parts.nth(runs - 1).unwrap_or_default().to_owned()
    }

    fn until_printed(&self, text: &str) {
        wait_for(text, || self.output().contains(text).then_some(()));
    }

    fn press(&mut self, key: &str) {
        let input = self.input.as_mut().expect("a pipe");
        input.write_all(key.as_bytes()).expect("it reads");
        input.flush().expect("it reads");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("it runs");
    }

    /// The exit code; fails if it does not end.
    fn code(mut self) -> i32 {
        wait_for("it ends", || self.child.try_wait().expect("a child"))
            .code()
            .expect("a code")
    }

    /// Ends it with Ctrl-C.
    fn end(self) -> i32 {
        self.signal(Signal::INT);
        self.code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn collect(mut pipe: impl Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = pipe.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..read]);
            output.lock().expect("no panic").push_str(&text);
        }
    });
}

/// Replaces a file as editors do.
fn save_by_rename(path: &Path, text: &str) {
    let temporary = path.with_extension("tmp~");
    fs::write(&temporary, text).expect("it writes");
    fs::rename(&temporary, path).expect("it is renamed");
}

#[test]
fn a_change_of_the_skill_restarts_it_and_the_code_is_that_of_the_last_run() {
    let project = Project::new(CONFIG);
    let watching = project.watch(&[]);
    assert!(watching.until(1).contains("2 events: 2 passed"));
    project.save_skill(500);
    let run = watching.until(2);
    assert!(
        run.contains("skill.py changed; running all 2 cases"),
        "{run}"
    );
    assert!(run.contains("FAIL  cases/a  500 in"), "{run}");
    assert_eq!(watching.end(), 1);
    let watching = project.watch(&[]);
    assert!(watching.until(1).contains("2 failed"));
    save_by_rename(&project.path("skill.py"), SKILL);
    assert!(watching.until(2).contains("2 passed"));
    assert_eq!(watching.end(), 0);
}

#[test]
fn three_saves_in_a_row_are_one_run() {
    let project = Project::new(CONFIG);
    let watching = project.watch(&[]);
    watching.until(1);
    for status in [500, 404, 201] {
        project.save_skill(status);
    }
    let run = watching.until(2);
    assert!(run.contains("PASS  cases/a  201 in"), "{run}");
    project.save_skill(202);
    assert!(
        watching.until(3).contains("202 in"),
        "no other run came between"
    );
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_file_of_a_case_runs_that_case_with_the_same_skill() {
    let project = Project::new(CONFIG);
    let watching = project.watch(&[]);
    watching.until(1);
    let event = project.path("cases/b/event.json");
    let text = fs::read_to_string(&event).expect("it reads");
    fs::write(&event, text.replace("\"type\"", " \"type\"")).expect("it writes");
    let run = watching.until(2);
    assert!(
        run.contains("cases/b/event.json changed; running 1 of 2 cases"),
        "{run}"
    );
    assert!(
        run.contains("PASS  cases/b") && !run.contains("cases/a"),
        "{run}"
    );
    fs::create_dir(project.path("cases/c")).expect("a folder");
    fs::write(project.path("cases/c/event.json"), text).expect("it writes");
    let run = watching.until(3);
    assert!(
        run.contains("running 1 of 3 cases") && run.contains("PASS  cases/c"),
        "{run}"
    );
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_broken_fixture_is_shown_and_the_next_change_is_waited_for() {
    let project = Project::new(CONFIG);
    let event = project.path("cases/a/event.json");
    let text = fs::read_to_string(&event).expect("it reads");
    let watching = project.watch(&[]);
    watching.until(1);
    fs::write(&event, "{\"type\": ").expect("it writes");
    let run = watching.until(2);
    assert!(
        run.contains("cases/a/event.json cannot be read as JSON"),
        "{run}"
    );
    fs::write(&event, text).expect("it writes");
    assert!(watching.until(3).contains("running 1 of 2 cases"));
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_skill_that_does_not_start_after_an_edit_is_shown_with_its_output() {
    let project = Project::new(CONFIG);
    let watching = project.watch(&[]);
    watching.until(1);
    project.write("skill.py", "import no_such_module\n");
    let run = watching.until(2);
    assert!(run.contains("No module named 'no_such_module'"), "{run}");
    project.save_skill(204);
    assert!(watching.until(3).contains("204 in"));
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_skill_that_ends_between_runs_is_named_and_started_by_the_next_run() {
    let project = Project::new(CONFIG);
    // It answers both events, and exits.
    project.write(
        "skill.py",
        &SKILL
            .replace("STATUS = 200", "STATUS = 200\nleft = 2")
            .replace(".serve_forever()", "\n"),
    );
    let text = fs::read_to_string(project.path("skill.py")).expect("it reads");
    let once = text.replace(
        "http.server.HTTPServer(",
        "server = http.server.HTTPServer(",
    ) + "import socket\nserver.timeout = 0.5\nserver.handle_error = lambda *_: None\nfor _ in range(8): server.handle_request()\n";
    project.write("skill.py", &once);
    let watching = project.watch(&[]);
    watching.until(1);
    watching.until_printed("ended during the run");
    watching.until_printed("the next run starts it again");
    project.save_skill(201);
    assert!(watching.until(2).contains("201 in"));
    assert_eq!(watching.end(), 0);
}

#[test]
fn what_skillctl_writes_and_what_is_ignored_never_starts_a_run() {
    let config = format!(
        "{CONFIG}report = [\"json=report.json\", \"junit=out/junit.xml\"]\nskill-log = \"skill.txt\"\n"
    );
    let project = Project::new(&config);
    fs::create_dir(project.path("out")).expect("a folder");
    let watching = project.watch(&[]);
    watching.until(1);
    for name in [
        "report.json",
        "out/junit.xml",
        "skill.txt",
        "ignored/a.js",
        "notes.out",
        "node_modules/a.js",
        ".git/index",
        ".skill.py.swp",
    ] {
        project.write(name, "changed");
    }
    project.save_skill(201);
    let run = watching.until(2);
    assert!(run.contains("\nskill.py changed; running"), "{run}");
    assert_eq!(watching.end(), 0);
}

#[test]
fn a_file_that_the_skill_writes_in_each_run_is_left_out_and_named() {
    let project = Project::new(CONFIG);
    let writes = "    def do_POST(self):\n        open('skill.log', 'a').write('x')";
    project.write("skill.log", "");
    project.write("skill.py", &SKILL.replace("    def do_POST(self):", writes));
    let watching = project.watch(&[]);
    watching.until_printed("skill.log changed in three runs in a row: left out");
    wait_for("it waits", || {
        let output = watching.output();
        let (_, after) = output.split_once("left out")?;
        after.contains(WAITING).then_some(())
    });
    let runs = watching.runs();
    project.write("other.txt", "edited");
    watching.until_printed("other.txt changed; running all 2 cases");
    watching.until(runs + 1);
    assert_eq!(watching.end(), 0);
}

#[test]
fn last_failed_runs_what_failed_and_all_once_nothing_did() {
    let project = Project::new(CONFIG);
    let expect = |arguments: &[&str], code: i32, printed: &str| {
        let mut command = project.command(&[]);
        let mut command = {
            let mut plain = Command::new(command.get_program());
            plain.args(["replay"]).args(arguments).env_clear();
            for (name, value) in command.get_envs() {
                plain.env(name, value.expect("it is set"));
            }
            plain.current_dir(
                command
                    .current_dir(project.path(""))
                    .get_current_dir()
                    .expect("set"),
            );
            plain
        };
        let output = command.output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text.contains(printed), "{text}");
    };
    expect(&["--last-failed"], 0, "2 events: 2 passed");
    let bad = SKILL.replace(
        "send_response(STATUS)",
        "send_response(500 if self.path == '/' and Handler.n == 0 else 200); Handler.n += 1",
    );
    project.write(
        "skill.py",
        &bad.replace(
            "class Handler(http.server.BaseHTTPRequestHandler):",
            "class Handler(http.server.BaseHTTPRequestHandler):\n    n = 0",
        ),
    );
    expect(&[], 1, "2 events: 1 passed, 1 failed");
    project.save_skill(200);
    expect(&["--last-failed"], 0, "PASS  cases/a");
    expect(&["--last-failed"], 0, "2 events: 2 passed");
}

#[test]
fn watch_does_not_go_with_load_or_standard_input() {
    let project = Project::new(CONFIG);
    for (arguments, message) in [
        (&["--rate", "5"][..], "cannot be used with"),
        (&["--duration", "5"], "cannot be used with"),
        (&["--update"], "cannot be used with"),
        (&["-"], "cannot read events from standard input"),
        (&["no-such-folder"], "cannot read no-such-folder"),
    ] {
        let watching = project.watch(arguments);
        let output = Arc::clone(&watching.output);
        assert_eq!(watching.code(), 2, "{arguments:?}");
        let has = || {
            output
                .lock()
                .expect("no panic")
                .contains(message)
                .then_some(())
        };
        wait_for(message, has);
    }
}

#[test]
fn keys_run_all_run_failed_accept_results_and_quit() {
    let project = Project::new("[replay]\nfixtures = [\"cases\"]\nsample-skill = true\n");
    let expected = "{\"status\": \"success\", \"cards\": []}\n";
    project.write("cases/a/expected.json", expected);
    let mut watching = project.watch_on_a_terminal(&[]);
    let run = watching.until(1);
    assert!(
        run.contains("FAIL  cases/a") && run.contains("PASS  cases/b"),
        "{run}"
    );
    watching.until_printed("f: run failed  u: accept results  q: quit");
    watching.press("f");
    let run = watching.until(2);
    assert!(
        run.contains("\x1b[2J\x1b[H"),
        "the screen is cleared: {run:?}"
    );
    assert!(
        run.contains("running 1 of 2 cases") && !run.contains("cases/b"),
        "{run}"
    );
    watching.press("u");
    let run = watching.until(3);
    assert!(run.contains("PASS  cases/a"), "{run}");
    let text = fs::read_to_string(project.path("cases/a/expected.json")).expect("it reads");
    assert_ne!(text, expected);
    watching.press("\n");
    let run = watching.until(4);
    assert!(
        run.contains("running all 2 cases") && run.contains("2 passed"),
        "{run}"
    );
    watching.press("x");
    watching.press("q");
    assert_eq!(watching.code(), 0);
}

#[test]
fn calls_after_a_cancelled_run_belong_to_the_new_run() {
    let hangs = "
from skill import *
def handle(self, body):
    open(os.environ['STARTED'], 'w').close()
    self.answer(200)
serve(handle)
";
    let world = World::new(hangs);
    // The call names nothing of its event; the answer does.
    let mut labels = entry(
        "http://ml.provider.example/labels",
        r#"{"label": "a cat", "file": "{{file_id}}"}"#,
    );
    labels["request"]["postData"]["text"] = json!({"language": "en"}).to_string().into();
    world.write_cassette(&json!([labels]));
    let elsewhere = tempfile::tempdir().expect("a folder");
    let started = elsewhere.path().join("started");
    let mut command = skillctl_process();
    command
        .current_dir(world.folder.path())
        .args(["replay", "cases", "--watch", "--show-cards"])
        .args(["--", "python3", "main.py"])
        .env("PROVIDER", "http://ml.provider.example")
        .env("STARTED", &started)
        .env("XDG_STATE_HOME", elsewhere.path());
    let watching = Watching::start(command);
    wait_for("the event", || started.exists().then_some(()));
    let asks = ONE_STAGE
        .replace(r#""/labels?file=" + event["file"]"#, r#""/labels""#)
        .replace(r#", "read": event["read"], "id": event["id"]"#, "");
    fs::write(world.folder.path().join("main.py"), asks).expect("it writes");
    let run = watching.until(1);
    assert!(
        run.contains("1 passed") && !run.contains("{{file_id}}"),
        "{run}"
    );
    assert_eq!(watching.end(), 0);
}

#[test]
fn ctrl_c_on_a_terminal_ends_with_the_code_of_the_last_run() {
    let project = Project::new(CONFIG);
    project.save_skill(500);
    let mut watching = project.watch_on_a_terminal(&[]);
    watching.until(1);
    watching.press("\x03");
    assert_eq!(watching.code(), 1);
}

/// `mock-box --watch` with these arguments, in the folder of a project.
fn mock_box(project: &Project, arguments: &[&str]) -> Watching {
    let mut command = skillctl_process();
    command
        .current_dir(project.path(""))
        .args(["mock-box", "--listen", "127.0.0.1:0", "--watch"])
        .args(arguments);
    Watching::start(command)
}

#[test]
fn mock_box_starts_its_command_again_when_a_file_changes() {
    let project = Project::new("");
    let program = |version: u32, end: &str| {
        let text = format!("import time\nprint('version {version}', flush=True)\n{end}\n");
        project.write("program.py", &text);
    };
    program(1, "time.sleep(1000)");
    let watching = mock_box(&project, &["--", "python3", "program.py"]);
    watching.until_printed("version 1");
    project.write("ignored/notes", "1");
    program(2, "raise SystemExit(3)");
    watching.until_printed("program.py changed; starting again");
    watching.until_printed("ended with exit code 3\nwaiting for changes");
    program(3, "time.sleep(1000)");
    watching.until_printed("version 3");
    assert_eq!(watching.output().matches("version").count(), 3);
    assert_eq!(watching.end(), 0);
}

#[test]
fn mock_box_sends_events_to_the_skill_that_was_started_again() {
    let project = Project::new("");
    fs::create_dir(project.path("inbox")).expect("a folder");
    let watching = mock_box(&project, &["--files", "inbox", "--", "python3", "skill.py"]);
    watching.until_printed("mock Box on");
    project.write("inbox/a.txt", "a");
    watching.until_printed("200");
    project.save_skill(202);
    watching.until_printed("skill.py changed; starting again");
    project.write("inbox/b.txt", "b");
    watching.until_printed("202");
    assert_eq!(watching.end(), 0);
}

#[test]
fn mock_box_watches_only_for_a_program() {
    let project = Project::new("");
    let watching = mock_box(&project, &[]);
    watching.until_printed("--watch has no program to start again");
    assert_eq!(watching.code(), 2);
}
