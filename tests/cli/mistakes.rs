//! Deliberate mistakes in skills, and the verdict of each: `docs/verdicts.md` is made by this test.
//! `SKILLCTL_UPDATE_DOCS=1 cargo test --test cli mistakes` rewrites it.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Output,
    thread,
    time::Duration,
};

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::{
    support::{RefusingAddress, has, project, skillctl},
    world::{Invocation, MockBox, Skill, keyword},
};

const PAGE: &str = "docs/verdicts.md";
const HEAD: &str = "# Verdicts

What `skillctl replay` says about fifteen mistakes that skills make. A test makes this page, with short
limits for some rows; moments are `+N ms`.

| mistake | verdict |
|---|---|
";

/// A mistake, and what a run of a skill that makes it prints.
struct Row {
    mistake: &'static str,
    verdict: String,
}

#[test]
fn the_verdicts_of_common_mistakes_are_those_of_the_page() {
    let rows = [
        Ok(wrong_token()),
        Ok(integer_id()),
        Ok(second_post()),
        Ok(late_reply()),
        Ok(no_cards()),
        Ok(crash_at_start()),
        crash_after_the_reply(),
        Ok(wrong_port()),
        Ok(malformed_cards()),
        Ok(other_file()),
        Ok(no_duration()),
        Ok(no_call_reaches_the_mock()),
        Ok(provider_down()),
        early_return(),
        Ok(exception()),
    ];
    let path = project(PAGE);
    let written = fs::read_to_string(&path).unwrap_or_default();
    let mut page = HEAD.to_owned();
    for row in rows {
        // A runtime that is missing here leaves the row as it is.
        let line = row.map_or_else(
            |mistake| {
                let start = format!("| {mistake} |");
                let line = written.lines().find(|line| line.starts_with(&start));
                line.unwrap_or_default().to_owned()
            },
            |row| format!("| {} | {} |", row.mistake, row.verdict),
        );
        page.push_str(&line);
        page.push('\n');
    }
    if std::env::var_os("SKILLCTL_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("it is written");
    }
    let written = fs::read_to_string(&path).expect("the page");
    assert_eq!(page, written, "SKILLCTL_UPDATE_DOCS=1 rewrites the page");
}

type Made = Result<Row, &'static str>;

fn fixture() -> String {
    let path = project("fixtures/events/upload-text/event.json");
    path.display().to_string()
}

/// A run with a skill whose `work` calls the mock and returns the status of the reply.
fn run(
    mistake: &'static str,
    options: &[&str],
    work: impl Fn(&Invocation) -> u16 + Send + Sync + 'static,
) -> Row {
    let mock = MockBox::start();
    let url = mock.url.clone();
    let skill = Skill::new(move |invocation| work(&invocation.at(&url)));
    let mut command = mock.replay(&skill, &[&fixture()]);
    finish(mistake, command.args(options))
}

fn finish(mistake: &'static str, command: &mut Command) -> Row {
    let output = command
        .args(["--no-check", "expected"])
        .output()
        .expect("it runs");
    Row {
        mistake,
        verdict: verdict(&output),
    }
}

/// What a run says of its one event, or why it could not begin, as the cell of a table.
fn verdict(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    let stdout = String::from_utf8_lossy(stdout).into_owned();
    let stderr = String::from_utf8_lossy(stderr).into_owned();
    let lines: Vec<String> = if stdout.is_empty() {
        let said = stderr.lines().filter(|line| !line.starts_with('|'));
        let said = said.filter(|line| !line.starts_with("warning:"));
        said.map(|line| line.trim().to_owned()).collect()
    } else {
        let of_event = stdout.lines().take_while(|line| line.trim() != "timeline");
        let of_event = of_event.take_while(|line| !line.is_empty());
        of_event.map(cell_line).collect()
    };
    let lines = lines.iter().filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| settled(line)).collect();
    lines.join("<br>").replace('|', "\\|")
}

/// A line of the output: the verdict alone of the first, the name of a check in code.
fn cell_line(line: &str) -> String {
    let is_check = line.starts_with("      ") && !line.starts_with("       ");
    match line.split_once("  ") {
        Some((verdict @ ("PASS" | "FAIL"), _)) => format!("**{verdict}**"),
        _ if is_check && line.len() > 16 && line.is_char_boundary(16) => {
            let (name, reason) = line.split_at(16);
            match name.trim() {
                name if name.contains(' ') => line.trim().to_owned(),
                name => format!("`{name}` {}", reason.trim()),
            }
        }
        _ => line.trim().to_owned(),
    }
}

/// The line without what differs from run to run.
fn settled(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let is_time = word.starts_with('+') && word[1..].parse::<f64>().is_ok();
        words.push(if is_time {
            "+N".to_owned()
        } else {
            word.to_owned()
        });
    }
    let line = words.join(" ").replace("(os error 61)", "(os error 111)");
    // A free port.
    let line = match line.split_once("listened on 127.0.0.1:") {
        Some((start, rest)) => {
            let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            format!("{start}listened on its port{rest}")
        }
        None => line,
    };
    // Why a host is not reached is in the words of the system.
    match line.split_once("ml.provider.example:443: ") {
        Some((start, _)) => format!("{start}ml.provider.example:443: …"),
        None => line,
    }
}

fn wrong_token() -> Row {
    run("downloads with the write token", &[], |invocation| {
        invocation.download(&invocation.token("write"));
        200
    })
}

fn integer_id() -> Row {
    run(
        "writes an id as a number",
        &["--give-up", "1s"],
        |invocation| {
            let mut card = keyword("done");
            card["skill"]["id"] = json!(137);
            invocation.report("success", &json!([card]));
            200
        },
    )
}

fn second_post() -> Row {
    run("creates the cards twice", &["--wait", "1s"], |invocation| {
        let pending = crate::world::status_card("skills_pending_status");
        invocation.create(&json!([pending]));
        invocation.create(&json!([keyword("done")]));
        200
    })
}

fn late_reply() -> Row {
    let options = ["--timeout", "1s", "--give-up", "1s"];
    run("replies after the work, too late", &options, |_| {
        thread::sleep(Duration::from_secs(20));
        200
    })
}

fn no_cards() -> Row {
    run(
        "downloads, and never writes",
        &["--wait", "1s"],
        |invocation| {
            invocation.download(&invocation.token("read"));
            200
        },
    )
}

fn crash_at_start() -> Row {
    let mut command = skillctl();
    command.args(["replay", &fixture()]);
    command.args(["--no-check", "expected", "--", "sh", "-c", "exit 7"]);
    let output = command.output().expect("it runs");
    Row {
        mistake: "ends before it listens",
        verdict: verdict(&output),
    }
}

/// A command is started with its port and the mock; what it prints is not part of the verdict.
fn python(mistake: &'static str, script: &str) -> Made {
    if !has("python3") {
        return Err(mistake);
    }
    let mut command = skillctl();
    command.args(["replay", &fixture(), "--no-check", "expected"]);
    let output = command.args(["--", "python3", "-c", script]).output();
    let verdict = verdict(&output.expect("it runs")).replace(script.trim(), "skill");
    let verdict = match (verdict.find("the skill `"), verdict.find("` ended")) {
        (Some(start), Some(end)) => {
            format!("{}the skill{}", &verdict[..start], &verdict[end + 1..])
        }
        _ => verdict,
    };
    Ok(Row { mistake, verdict })
}

fn crash_after_the_reply() -> Made {
    python(
        "ends after its reply",
        "
import http.server, os
class Skill(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()
        self.wfile.flush()
        os._exit(3)
    def log_message(self, *_):
        pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Skill).serve_forever()
",
    )
}

fn wrong_port() -> Row {
    let refusing = RefusingAddress::new();
    let url = format!("http://{}/", refusing.address);
    let mut command = skillctl();
    command.args(["replay", &fixture(), "--skill", &url]);
    let made = finish("listens on another port", &mut command);
    let verdict = made.verdict.replace(&url, "http://127.0.0.1:8080/");
    Row { verdict, ..made }
}

fn malformed_cards() -> Row {
    run(
        "writes a card without entries",
        &["--give-up", "1s"],
        |invocation| {
            let mut card = keyword("done");
            card["entries"] = json!({"text": "done"});
            invocation.report("success", &json!([card]));
            200
        },
    )
}

fn other_file() -> Row {
    run("names another file", &["--give-up", "1s"], |invocation| {
        let mut other = invocation.clone();
        other.event["source"]["id"] = json!("12345");
        other.report("success", &json!([keyword("done")]));
        200
    })
}

fn no_duration() -> Row {
    run("writes a timeline without a duration", &[], |invocation| {
        let mut card: Value = keyword("done");
        card["skill_card_type"] = json!("timeline");
        card["entries"] = json!([{"text": "Anna", "appears": [{"start": 1, "end": 2}]}]);
        invocation.report("success", &json!([card]));
        200
    })
}

fn no_call_reaches_the_mock() -> Row {
    run(
        "has a client that ignores proxies",
        &["--wait", "1s"],
        |_| 200,
    )
}

fn provider_down() -> Row {
    let mock = MockBox::start();
    let (url, address) = (mock.url.clone(), mock.url.replace("http://", ""));
    let skill = Skill::new(move |invocation| {
        let mut proxy = TcpStream::connect(&address).expect("the mock's proxy");
        let request = "CONNECT ml.provider.example:443 HTTP/1.1\r\nHost: ml.provider.example:443\r\n\
                       Connection: close\r\n\r\n";
        proxy.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = Vec::new();
        let _ = proxy.read_to_end(&mut answer);
        invocation.at(&url).report("permanent_failure", &json!([]));
        200
    });
    finish(
        "cannot reach its provider, and reports that",
        &mut mock.replay(&skill, &[&fixture()]),
    )
}

fn early_return() -> Made {
    const MISTAKE: &str = "is a function that returns before its work";
    if !has("node") {
        return Err(MISTAKE);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let code = "exports.handler = async () => { setTimeout(() => {}, 60000); return { statusCode: 200 }; };";
    fs::write(folder.path().join("index.js"), code).expect("it is written");
    let mut command = skillctl();
    command.current_dir(folder.path());
    command.args([
        "replay",
        &fixture(),
        "--handler",
        "node:index.handler",
        "--wait",
        "5s",
    ]);
    Ok(finish(MISTAKE, &mut command))
}

fn exception() -> Row {
    run("fails with an exception", &[], |_| 500)
}
