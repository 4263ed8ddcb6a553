//! Nothing secret is shown: every input contains marked tokens and keys, every command is run, and its
//! output, files, records and answers are searched for the marks.

mod mock;
mod planted;
mod skill;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::{
    support::skillctl_process,
    tiny_box::{Answer, End, TinyBox},
    world::{MockBox, Skill},
};
use planted::{marks, secret, url_with};

/// The outputs that must contain a secret, and which one: no other output may show it.
const ASKED_FOR: [(&str, &str); 12] = [
    // The document on payloads builds this URL with the token in it.
    ("fetch --url", "Read"),
    // An event is for a skill: its file, which only the user may read, holds the skill's key, the
    // tokens of the fixture and those that the mock minted, and every text that was captured.
    ("files/events/", "Read"),
    ("files/events/", "Write"),
    ("files/events/", "NestedRead"),
    ("files/events/", "NestedWrite"),
    ("files/events/", "ApiKey"),
    ("files/events/", "InText"),
    ("files/events/", "minted"),
    ("POST /_mock/events", "ApiKey"),
    ("POST /_mock/events", "InText"),
    ("POST /_mock/events", "minted"),
    ("event new --box", "minted"),
];

/// What a run of the commands produced, and its inputs.
struct Trail {
    inputs: TempDir,
    outputs: TempDir,
    said: Vec<(String, String)>,
    minted: Vec<String>,
}

impl Trail {
    fn new() -> Self {
        let trail = Self {
            inputs: tempfile::tempdir().expect("a folder"),
            outputs: tempfile::tempdir().expect("a folder"),
            said: Vec::new(),
            minted: Vec::new(),
        };
        planted::write(trail.inputs.path());
        for folder in ["tmp", "reports", "events"] {
            fs::create_dir(trail.output(folder)).expect("a folder");
        }
        trail
    }

    fn input(&self, name: &str) -> String {
        let path = self.inputs.path().join(name);
        path.to_str().expect("text").to_owned()
    }

    fn output(&self, name: &str) -> PathBuf {
        self.outputs.path().join(name)
    }

    /// The program with every secret that the environment may hold.
    fn program(&self) -> std::process::Command {
        let mut program = skillctl_process();
        let proxy = url_with("Proxy", "127.0.0.1:9");
        program
            .current_dir(self.outputs.path())
            .env("TMPDIR", self.output("tmp"))
            .env(skill::NOTES, self.inputs.path().join("seen"))
            .env("HTTPS_PROXY", &proxy)
            .env("http_proxy", &proxy);
        for name in ["Primary", "Secondary", "ByEnv", "Admin", "User"] {
            program.env(name, secret(name));
        }
        program
    }

    /// Runs `skillctl` with these words, which must end with this code, and keeps what it said.
    fn run(&mut self, label: &str, words: &[&str], code: i32) -> Output {
        let output = self.program().args(words).output().expect("it runs");
        let text = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy);
        let text = text.concat();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{label} {words:?}:\n{text}"
        );
        self.said.push((label.to_owned(), text));
        output
    }

    /// Searches everything that was said and every file that was left.
    fn judge(mut self) {
        let seen = fs::read_to_string(self.inputs.path().join("seen")).unwrap_or_default();
        self.minted.extend(seen.lines().map(str::to_owned));
        self.minted.retain(|token| !token.starts_with("LEAK"));
        assert!(self.minted.len() > 10, "the skill and the mock were used");
        let mut marks = marks();
        let minted = self
            .minted
            .iter()
            .map(|it| ("minted".to_owned(), it[..28].to_owned()));
        marks.extend(minted);
        let mut files = 0;
        for entry in WalkDir::new(self.outputs.path()) {
            let entry = entry.expect("it can be walked");
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path().strip_prefix(self.outputs.path());
            let name = format!("files/{}", path.expect("below").display());
            let bytes = fs::read(entry.path()).expect("it reads");
            files += 1;
            self.said
                .push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
        assert!(files > 20, "{files} files were written");
        let mut found = Vec::new();
        for (place, text) in &self.said {
            for (name, mark) in &marks {
                let is_asked_for = |(at, what): &(&str, &str)| place.contains(at) && what == name;
                if text.contains(mark.as_str()) && !ASKED_FOR.iter().any(is_asked_for) {
                    let line = text.lines().find(|line| line.contains(mark.as_str()));
                    let line: String = line.unwrap_or_default().chars().take(400).collect();
                    found.push(format!("{place}: {name}\n    {line}"));
                }
            }
        }
        assert!(found.is_empty(), "secrets are shown:\n{}", found.join("\n"));
    }
}

#[test]
fn no_planted_secret_is_in_any_output_file_or_report() {
    let mut trail = Trail::new();
    replays(&mut trail);
    reports(&mut trail);
    mock::mock_box(&mut trail);
    fetches(&mut trail);
    cards(&mut trail);
    events(&mut trail);
    the_rest(&mut trail);
    trail.judge();
}

/// The options of every report, below a name.
fn report_options(trail: &Trail, name: &str) -> Vec<String> {
    ["junit", "json", "markdown", "html"]
        .iter()
        .flat_map(|format| {
            let path = trail.output("reports").join(format!("{name}.{format}"));
            [
                "--report".to_owned(),
                format!("{format}={}", path.display()),
            ]
        })
        .collect()
}

fn replays(trail: &mut Trail) {
    const QUICK: [&str; 4] = ["--wait", "1s", "--settle", "20ms"];
    const KEYS: [&str; 4] = [
        "--primary-key-env",
        "Primary",
        "--secondary-key-env",
        "Secondary",
    ];
    let (case, gateway) = (trail.input("case"), trail.input("gateway.json"));
    let both = [case.as_str(), &gateway];
    let command = skill::command();
    let command: Vec<&str> = ["--"]
        .into_iter()
        .chain(command.iter().map(String::as_str))
        .collect();
    let mut forms: Vec<(&str, Vec<&str>, i32)> = vec![
        ("passing", vec!["--sample-skill", "--show-cards", "-v"], 0),
        (
            "passing-json",
            vec!["--sample-skill", "--format", "json"],
            0,
        ),
        ("replay", command.clone(), 1),
        ("replay-verbose", [&["-v"], command.as_slice()].concat(), 1),
        (
            "replay-json",
            [&["--format", "json"], command.as_slice()].concat(),
            1,
        ),
        (
            "kept",
            [&["--keep", "-v", "--retries", "1"], command.as_slice()].concat(),
            1,
        ),
        ("no-mock", [&["--no-mock"], command.as_slice()].concat(), 1),
        (
            "wrapped",
            [&["--envelope", "aws-proxy", "-v"], command.as_slice()].concat(),
            1,
        ),
    ];
    if cfg!(unix) && Path::new("/usr/bin/python3").exists() {
        forms.push(("handler", vec!["--handler", "python:app.handler", "-v"], 1));
    }
    for (name, words, code) in &forms {
        let reports = report_options(trail, name);
        let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
        let words = [&["replay"], &both[..], &QUICK, &KEYS, &reports, words].concat();
        if *name == "handler" {
            let folder = trail.output("handler");
            fs::create_dir(&folder).expect("a folder");
            fs::copy(trail.input("app.py"), folder.join("app.py")).expect("it copies");
            let output = trail.program().current_dir(folder).args(&words).output();
            let output = output.expect("it runs");
            let text = [output.stdout, output.stderr].concat();
            trail.said.push((
                (*name).to_owned(),
                String::from_utf8_lossy(&text).into_owned(),
            ));
            continue;
        }
        trail.run(&format!("replay {name}"), &words, *code);
    }
    let skill = Skill::new(|_| 500);
    let address = skill
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let url = url_with("SkillUrl", address);
    trail.run(
        "replay --skill",
        &["replay", &case, "--no-mock", "--skill", &url],
        1,
    );
    let nobody = url_with("SkillUrl", "127.0.0.1:9");
    trail.run(
        "replay to nobody",
        &["replay", &case, "--no-mock", "--skill", &nobody],
        3,
    );
    let odd = nobody.replacen("http", "ftp", 1);
    trail.run("replay to ftp", &["replay", &case, "--skill", &odd], 2);
    let away = url_with("BoxUrl", "127.0.0.1:9");
    let words = ["replay", &case, "--sample-skill", "--box", &away];
    trail.run("replay without its box", &words, 3);
    let set = format!("/tokn/read/access_token={}", secret("BySet"));
    trail.run(
        "replay --set",
        &["replay", &case, "--sample-skill", "--set", &set],
        2,
    );
    for broken in ["torn.json", "twice.json", "odd.json"] {
        let path = trail.input(broken);
        trail.run(broken, &["replay", &path, "--sample-skill"], 2);
    }
}

fn reports(trail: &mut Trail) {
    let merged = report_options(trail, "merged");
    let path = |name: &str| trail.output("reports").join(name).display().to_string();
    let inputs = [path("replay.json"), path("passing.json")];
    let mut words = vec!["report", "merge"];
    words.extend(inputs.iter().chain(&merged).map(String::as_str));
    trail.run("report merge", &words, 1);
    words.extend(["--format", "json"]);
    trail.run("report merge --format json", &words, 1);
}

/// A Box that repeats every token: in messages, headers and addresses.
fn echo() -> TinyBox {
    TinyBox::start(|request, _| {
        let token = request.header("authorization").unwrap_or("none").to_owned();
        let target = request.target.as_str();
        let message = format!(r#"{{"code":"bad","message":"no {token}","request_id":"1"}}"#);
        let challenge = format!(r#"Bearer error="invalid_token", error_description="{token}""#);
        let file = r#"{"type":"file","id":"1","name":"a.txt","size":5,"sha1":"x"}"#;
        match target {
            _ if target.contains("/files/1?") || target.ends_with("/files/1") => {
                Answer::new(200, file)
            }
            _ if target.contains("/files/1/content") => {
                let key = token.replace("Bearer ", "");
                let url = format!("http://{}/d/{key}?sig={key}", request.headers["host"]);
                Answer::new(302, "").header("location", url)
            }
            _ if target.starts_with("/d/") => Answer::new(200, "hello").end(End::Cut(2)),
            _ if target.contains("/files/2") => {
                Answer::new(401, "").header("www-authenticate", challenge)
            }
            _ => Answer::new(400, message),
        }
    })
}

fn fetches(trail: &mut Trail) {
    let (event, token) = (trail.input("case/event.json"), trail.input("token"));
    trail.run("fetch --url", &["fetch", "--event", &event, "--url"], 0);
    let server = echo();
    let root = server.url();
    let flag = secret("ByFlag");
    let ways: [&[&str]; 4] = [
        &["--file-id", "1", "--token-env", "ByEnv"],
        &["--file-id", "2", "--token-file", &token],
        &["--file-id", "3", "--token", &flag],
        &["--event", &event],
    ];
    for (number, way) in ways.iter().enumerate() {
        let output = format!("fetched-{number}");
        let quick = ["--retries", "1", "--wait", "1s", "-v", "-o", &output];
        let words = [&["fetch", "--box", &root], &quick[..], way].concat();
        trail.run("fetch", &words, 3);
        let words = [&words[..], &["--format", "json", "--as", "text"]].concat();
        trail.run("fetch --as", &words, 3);
    }
    let away = url_with("BoxUrl", "127.0.0.1:9");
    for root in [away.as_str(), "https://box.invalid"] {
        let words = ["fetch", "--box", root, "--event", &event, "--retries", "0"];
        trail.run("fetch from nobody", &words, 3);
    }
    trail.run("fetch wrongly", &["fetch", "--token", &flag], 2);
    trail.run(
        "fetch twice",
        &[
            "fetch",
            "--event",
            &event,
            "--file-id",
            "1",
            "--token",
            &flag,
        ],
        2,
    );
    for broken in ["torn.json", "twice.json", "odd.json"] {
        let path = trail.input(broken);
        trail.run(broken, &["fetch", "--event", &path], 2);
    }
}

fn cards(trail: &mut Trail) {
    let (event, token) = (trail.input("case/event.json"), trail.input("token"));
    let card = trail.output("card.json").display().to_string();
    let made = trail.run("cards new", &["cards", "new", "keyword", "--text", "a"], 0);
    fs::write(&card, made.stdout).expect("it writes");
    let server = echo();
    let away = url_with("BoxUrl", "127.0.0.1:9");
    let flag = secret("ByFlag");
    for way in [
        vec!["--event", event.as_str()],
        vec!["--file-id", "2", "--token-env", "ByEnv"],
        vec!["--file-id", "3", "--token-file", &token],
        vec!["--file-id", "3", "--token", &flag],
    ] {
        for root in [server.url().as_str(), &away] {
            let at = ["--box", root, "--retries", "0", "-v"];
            let ids = ["--skill-id", "1", "--invocation-id", "2"];
            let write = [&["cards", "write", &card], &at[..], &ids, &way].concat();
            trail.run("cards write", &write, 3);
            trail.run(
                "cards write --dry-run",
                &[&write[..], &["--dry-run"]].concat(),
                0,
            );
            let json = ["--dry-run", "--format", "json", "--via", "invocation"];
            trail.run("cards write --dry-run", &[&write[..], &json].concat(), 0);
            trail.run("cards get", &[&["cards", "get"], &at[..], &way].concat(), 3);
            trail.run(
                "cards delete",
                &[&["cards", "delete"], &at[..], &way].concat(),
                3,
            );
        }
    }
    trail.run("cards validate", &["cards", "validate", &event], 2);
    for broken in ["torn.json", "twice.json"] {
        let path = trail.input(broken);
        trail.run("cards validate", &["cards", "validate", &path], 2);
        trail.run("cards render", &["cards", "render", &path], 2);
    }
}

fn events(trail: &mut Trail) {
    let (case, gateway) = (trail.input("case/event.json"), trail.input("gateway.json"));
    for input in [&case, &gateway] {
        trail.run("event redact", &["event", "redact", input], 0);
        let keep = ["event", "redact", input, "--keep", "ids,names"];
        trail.run("event redact --keep", &keep, 0);
        for format in ["human", "json"] {
            let keys = [
                "--primary-key-env",
                "Primary",
                "--secondary-key-env",
                "Secondary",
            ];
            let words = [&["event", "verify", input, "--format", format], &keys[..]].concat();
            let code = if input == &case { 2 } else { 1 };
            trail.run("event verify", &words, code);
        }
    }
    for broken in ["torn.json", "twice.json", "odd.json"] {
        let path = trail.input(broken);
        trail.run(broken, &["event", "redact", &path], 2);
        trail.run(
            broken,
            &["event", "verify", &path, "--primary-key-env", "Primary"],
            2,
        );
    }
    let file = trail.input("served/a.txt");
    trail.run("event new", &["event", "new", &file], 0);
    trail.run(
        "event new --case",
        &["event", "new", &file, "--case", "made"],
        0,
    );
    let away = url_with("BoxUrl", "127.0.0.1:9");
    let words = [
        "event",
        "new",
        &file,
        "--box",
        &away,
        "--admin-token-env",
        "Admin",
    ];
    trail.run("event new from nobody", &words, 3);
    let mock = MockBox::start();
    let made = trail.run(
        "event new --box",
        &["event", "new", &file, "--box", &mock.url],
        0,
    );
    let event: Value = serde_json::from_slice(&made.stdout).expect("an event");
    let token = event["token"]["read"]["access_token"]
        .as_str()
        .expect("a token");
    trail.minted.push(token.to_owned());
}

fn the_rest(trail: &mut Trail) {
    let away = url_with("BoxUrl", "127.0.0.1:9");
    trail.run("env of nobody", &["env", "--box", &away], 3);
    let mock = MockBox::start();
    let with_password = url_with("BoxUrl", mock.url.trim_start_matches("http://"));
    for shell in ["sh", "dotenv", "json"] {
        trail.run(
            "env",
            &["env", "--box", &with_password, "--shell", shell],
            0,
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        trail.run("completions", &["completions", shell], 0);
    }
    trail.run("man", &["man", "fetch"], 0);
    trail.run("help", &["mock-box", "--help"], 0);
}
