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
fn the_environment_overrides_the_file_and_a_flag_overrides_both() {
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
fn the_sample_skill_is_used_even_if_the_environment_names_another() {
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

/// A project with a config file at its top, a case, and a sub-folder.
fn project_folder(config: &str) -> TempDir {
    let folder = folder(config);
    let from = project("fixtures/events/minimal");
    for name in ["cases/talk", "src/deep", ".git"] {
        fs::create_dir_all(folder.path().join(name)).expect("a folder");
    }
    fs::copy(
        from.join("event.json"),
        folder.path().join("cases/talk/event.json"),
    )
    .expect("it copies");
    fs::write(folder.path().join("skill.py"), PYTHON_SKILL).expect("it writes");
    folder
}

/// Replies 200 to everything. It is found only if it is started in its own folder.
const PYTHON_SKILL: &str = "
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['content-length']))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
";

const GATE: &str =
    "[replay]\nfixtures = [\"cases\"]\ncommand = [\"python3\", \"skill.py\"]\nno-mock = true\n";

#[test]
fn a_bare_replay_in_a_sub_folder_is_the_whole_gate() {
    let folder = project_folder(GATE);
    for (place, shown) in [("", "cases/talk"), ("src/deep", "../../cases/talk")] {
        skillctl()
            .current_dir(folder.path().join(place))
            .arg("replay")
            .assert()
            .success()
            .stdout(contains(format!("PASS  {shown} ")));
    }
    skillctl()
        .current_dir(folder.path().join("src"))
        .args(["replay", "-v"])
        .assert()
        .success()
        .stderr(
            contains("using ../skillctl.toml\n")
                .and(contains("command is from ../skillctl.toml:3\n"))
                .and(contains("--no-mock is from ../skillctl.toml:4\n")),
        );
}

#[test]
fn a_typed_skill_replaces_the_command_of_the_file() {
    let skill = Skill::new(|_| 204);
    let folder = project_folder(&GATE.replace("skill.py", "no-such-file.py"));
    skillctl()
        .current_dir(folder.path())
        .args(["replay", "--skill", &skill.url])
        .assert()
        .success()
        .stdout(contains("204 in"));
}

#[test]
fn fixtures_of_the_file_that_do_not_exist_exit_2_with_their_path() {
    let folder = project_folder(&GATE.replace("[\"cases\"]", "[\"case\"]"));
    skillctl()
        .current_dir(folder.path().join("src"))
        .arg("replay")
        .assert()
        .code(2)
        .stderr(contains("cannot read ../case: No such file"));
}

#[test]
fn a_file_in_a_folder_that_others_can_write_to_is_named_and_left_out() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project_folder(GATE);
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(folder.path(), open).expect("it is ours");
    skillctl()
        .current_dir(folder.path())
        .arg("replay")
        .assert()
        .code(2)
        .stderr(
            contains("required arguments were not provided")
                .and(contains("skillctl.toml is left out: other users can write")),
        );
    skillctl()
        .current_dir(folder.path())
        .args(["cards", "validate"])
        .arg(project("fixtures/cards/keyword.json"))
        .assert()
        .success()
        .stderr(contains(
            "skillctl.toml is left out: other users can write to the folder; run `chmod go-w`",
        ));
}
