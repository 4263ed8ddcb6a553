//! Hostile input: a page in a browser, a malicious fixture, a skill that prints control characters for
//! the terminal. docs/security.md names these tests.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    path::PathBuf,
    process::Stdio,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use reqwest::blocking::RequestBuilder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use skillctl::render::text::is_unshowable;
use tempfile::TempDir;

use crate::{
    support::{project, skillctl, skillctl_process},
    tiny_box::{Answer, TinyBox},
    world::{MockBox, http},
};

fn status(request: RequestBuilder) -> u16 {
    let answer = request.send().expect("an answer");
    let allows = |name: &http::HeaderName| name.as_str().starts_with("access-control-");
    assert!(!answer.headers().keys().any(allows), "no page is let in");
    answer.status().as_u16()
}

/// The event of upload-text, changed, alone in a folder.
fn event(change: impl FnOnce(&mut Value)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let text = fs::read(project("fixtures/events/upload-text/event.json")).expect("the fixture");
    let mut event = serde_json::from_slice(&text).expect("JSON");
    change(&mut event);
    let path = folder.path().join("event.json");
    fs::write(&path, event.to_string()).expect("it writes");
    (folder, path)
}

#[test]
fn a_page_in_a_browser_reaches_no_call_of_the_mock() {
    let mock = MockBox::with(&["--tokens", "any"]);
    let calls = |name: &'static str, value: &'static str| {
        let at = |path: &str| format!("{}{path}", mock.url);
        [
            http().get(at("/2.0/folders/0/items?access_token=x")),
            http()
                .post(at("/oauth2/token"))
                .body("grant_type=client_credentials&client_id=a&client_secret=b"),
            http().put(at(
                "/2.0/files/1/metadata/global/boxSkillsCards?access_token=x",
            )),
            http().get(at("/_mock/health")),
            http().post(at("/_mock/reset")),
        ]
        .map(|call| status(call.header(name, value)))
    };
    for (name, value) in [
        // By the page's own host name, which resolves to this machine.
        ("Host", "evil.example"),
        ("Host", "evil.example:7269"),
        ("Host", "127.0.0.1.evil.example"),
        // By a form or a script, to a well-known address.
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ] {
        assert_eq!(calls(name, value), [403; 5], "{name}: {value}");
    }
    for (name, value) in [("Host", "localhost"), ("Accept", "*/*")] {
        assert!(!calls(name, value).contains(&403), "{name}: {value}");
    }
    // A page of this machine reaches Box's calls, and changes nothing through the admin API.
    let [calls_of_box @ .., reset] = calls("Origin", "http://localhost:3000");
    assert!(!calls_of_box.contains(&403));
    assert_eq!(reset, 403);
    let preflight = http().request(
        reqwest::Method::OPTIONS,
        format!("{}/2.0/files/1", mock.url),
    );
    assert_ne!(
        status(preflight.header("Origin", "http://localhost:3000")),
        200
    );
}

#[test]
fn a_name_of_the_users_own_is_answered_where_it_is_allowed() {
    let mock = MockBox::with(&["--tokens", "any", "--allow-host", "mine.example"]);
    let call = |host: &str| {
        let url = format!("{}/2.0/folders/0/items", mock.url);
        status(http().get(url).bearer_auth("x").header("Host", host))
    };
    assert_eq!(call("mine.example"), 200);
    assert_eq!(call("mine.example:443"), 200);
    assert_eq!(call("evil.example"), 403);
    // The admin API answers only to a loopback name, whatever else is allowed.
    for host in ["mine.example", "mock", "10.0.0.1"] {
        let health = http().get(format!("{}/_mock/health", mock.url));
        assert_eq!(status(health.header("Host", host)), 403, "{host}");
    }
}

#[test]
fn listening_beyond_loopback_is_warned_of() {
    let run = |address: &str| {
        let mut command = skillctl();
        command
            .args([
                "mock-box",
                "--listen",
                address,
                "--admin-token-env",
                "ADMIN",
            ])
            .args(["--", "true"])
            .env("ADMIN", "the-token-of-this-test");
        command.assert().success()
    };
    run("0.0.0.0:0").stderr(contains("warning: listening beyond loopback"));
    run("127.0.0.1:0").stderr(contains("beyond loopback").not());
    skillctl()
        .args(["mock-box", "--help"])
        .assert()
        .stdout(contains("[default: 127.0.0.1:7269]"));
}

#[test]
fn files_in_the_shared_tmp_can_be_read_only_by_their_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_skillctl"))
        .args(["mock-box", "--listen", "127.0.0.1:0"])
        .arg(project("fixtures/events/upload-text"))
        .args(["--", "sh", "-c", "ls -l \"$TMPDIR\""])
        .env("TMPDIR", folder.path())
        .output()
        .expect("it runs");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let entries: Vec<&str> = listed
        .lines()
        .filter(|it| !it.starts_with("total"))
        .collect();
    assert!(entries.len() >= 2, "contents and certificates: {listed}");
    for entry in entries {
        assert!(entry.starts_with("drwx------"), "{listed}");
    }
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "it goes away");
}

#[test]
fn files_of_a_killed_mock_are_removed_by_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = || fs::read_dir(folder.path()).expect("a folder").count();
    let run = |command: &str| {
        let status = skillctl_process()
            .args(["mock-box", "--listen", "127.0.0.1:0"])
            .arg(project("fixtures/events/upload-text"))
            .args(["--", "sh", "-c", command])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("it runs")
    };
    assert!(!run("kill -9 $PPID").success());
    assert!(left() >= 2, "contents and certificates stay");
    assert!(run("true").success());
    assert_eq!(left(), 0);
}

/// What controls a terminal: a title, a colour by one byte, characters that reverse the text direction.
const DRIVES: &str = "\u{1b}]0;pwned\u{7}\u{9b}31m\u{202e}";

#[test]
fn nothing_from_outside_drives_the_terminal() {
    let name = format!("a{DRIVES}.txt");
    let (folder, path) = event(|event| {
        event["source"]["name"] = json!(name);
        event["skill"]["name"] = json!(DRIVES);
    });
    let case = folder.path().join(format!("case{DRIVES}"));
    fs::create_dir(&case).expect("a folder");
    fs::rename(&path, case.join("event.json")).expect("it moves");
    fs::write(case.join("content.txt"), format!("words {DRIVES} more")).expect("it writes");
    let file = folder.path().join(&name);
    fs::write(&file, "words").expect("it writes");
    let card = folder.path().join("card.json");
    let text = json!({"type": "skill_card", "skill_card_type": "keyword",
        "skill_card_title": {"message": DRIVES}, "entries": [{"text": DRIVES, "bad": 1}]});
    fs::write(&card, text.to_string()).expect("it writes");
    let tiny = TinyBox::start(|_, _| {
        let body = json!({"code": DRIVES, "message": DRIVES, "request_id": DRIVES});
        Answer::new(400, body.to_string()).header("www-authenticate", "Bearer error=\"\u{9b}31m\"")
    });
    let texts = |path: &PathBuf| path.to_str().expect("text").to_owned();
    let (case, file, card) = (texts(&case), texts(&file), texts(&card));
    let odd = format!("--{DRIVES}");
    let script = format!("printf '{DRIVES}\\n'; exit 1");
    let url = tiny.url();
    let at = [
        "--box",
        url.as_str(),
        "--retries",
        "0",
        "--file-id",
        "1",
        "--token",
        "abcdef",
    ];
    let runs: Vec<Vec<&str>> = vec![
        vec!["replay", &case, "--sample-skill", "--show-cards", "-v"],
        vec![
            "replay",
            &case,
            "--sample-skill",
            "--show-cards",
            "--format",
            "json",
        ],
        vec!["replay", &case, "--", "sh", "-c", &script],
        vec!["cards", "validate", &card],
        vec!["cards", "validate", "--format", "json", &card],
        vec!["cards", "render", &card],
        vec!["cards", "render", "--format", "json", &card],
        vec!["event", "new", &file],
        vec!["event", "redact", "--keep", "names", &case],
        [&["fetch"][..], &at].concat(),
        [&["cards", "get"][..], &at].concat(),
        vec!["fetch", "--event", &case, "--url"],
        vec!["fetch", "--event", &file],
        vec!["replay", &file, "--sample-skill"],
        vec!["cards", "validate", &odd],
        vec!["cards", &odd],
    ];
    for words in runs {
        let output = skillctl().args(&words).output().expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.is_empty(), "{words:?}");
        let drives = said.lines().find(|line| line.contains(is_unshowable));
        assert_eq!(drives, None, "{words:?}");
    }
}

#[test]
fn the_log_of_the_mock_drives_no_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = folder.path().join("served");
    fs::create_dir(&served).expect("a folder");
    fs::write(served.join("a\u{9b}31m\u{202e}.txt"), "x").expect("it writes");
    // Box forbids this name, and the log says so.
    fs::write(served.join(format!("b{DRIVES}\\.txt")), "x").expect("it writes");
    for format in ["human", "json"] {
        let log = folder.path().join(format);
        let open = || File::create(&log).expect("a file");
        let files = served.to_str().expect("text");
        let options = [
            "--tokens",
            "any",
            "--show-cards",
            "--format",
            format,
            "--files",
            files,
        ];
        let out = open();
        let err = out.try_clone().expect("a file");
        let mut mock = MockBox::printing(skillctl_process(), &options, out.into(), err.into());
        let body = json!({"status": "success", "file": {"id": "7"},
            "metadata": {"cards": [{"type": DRIVES, "a": DRIVES}]}});
        let url = format!("{}/2.0/skill_invocations/1", mock.url);
        let put = http().put(url).bearer_auth("x").body(body.to_string());
        put.send().expect("an answer");
        let mut raw = TcpStream::connect(&mock.url["http://".len()..]).expect("it accepts");
        raw.write_all("GET /2.0/\u{9b}31m?\u{9b} HTTP/1.0\r\n\r\n".as_bytes())
            .expect("it is sent");
        let mut answer = Vec::new();
        raw.read_to_end(&mut answer).expect("it answers");
        let pid = Pid::from_raw(i32::try_from(mock.child.id()).expect("an id")).expect("an id");
        kill_process(pid, Signal::TERM).expect("the signal is sent");
        mock.child.wait().expect("it ends");
        let said = fs::read_to_string(&log).expect("the log");
        assert!(said.contains("skill_invocations"), "{said}");
        let drives = |it: char| it != '\n' && is_unshowable(it);
        assert!(!said.contains(drives), "{said:?}");
    }
}

#[test]
fn names_of_our_own_are_not_written_through_links() {
    let (folder, _) = event(|_| {});
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").expect("it writes");
    let case = folder.path().join("case");
    fs::create_dir(&case).expect("a folder");
    fs::rename(folder.path().join("event.json"), case.join("event.json")).expect("it moves");
    symlink(&precious, case.join("expected.json")).expect("a link");
    fs::write(&precious, r#"{"status":"success"}"#).expect("it writes");
    skillctl()
        .args(["replay", "--sample-skill", "--update"])
        .arg(&case)
        .assert()
        .code(3)
        .stderr(contains("is a symbolic link, which is not followed"));

    let made = folder.path().join("made");
    fs::create_dir(&made).expect("a folder");
    let nowhere = folder.path().join("nowhere");
    symlink(&nowhere, made.join("content.txt")).expect("a link");
    let file = folder.path().join("a.txt");
    fs::write(&file, "words").expect("it writes");
    let new = skillctl()
        .args(["event", "new"])
        .arg(&file)
        .arg("--case")
        .arg(&made)
        .output();
    assert!(!new.expect("it runs").status.success());
    assert!(!nowhere.exists());

    let events = folder.path().join("events");
    fs::create_dir(&events).expect("a folder");
    symlink(&precious, events.join("001-900000000101.json")).expect("a link");
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--events-dir"])
        .arg(&events)
        .arg(&case)
        .args(["--", "true"])
        .assert()
        .code(3)
        .stderr(contains("is a symbolic link"));
    let kept = fs::read_to_string(&precious).expect("it is there");
    assert_eq!(kept, r#"{"status":"success"}"#);
}

#[test]
fn an_id_from_a_fixture_cannot_move_a_file_elsewhere() {
    for id in [
        json!("x/../../../precious"),
        json!("../precious"),
        json!("."),
        json!(""),
    ] {
        let (folder, path) = event(|event| event["source"]["id"] = id);
        let events = folder.path().join("events");
        // The folders on the path that the id names exist.
        fs::create_dir_all(events.join("001-x")).expect("a folder");
        skillctl()
            .args(["mock-box", "--listen", "127.0.0.1:0", "--events-dir"])
            .arg(&events)
            .arg(&path)
            .args(["--", "true"])
            .assert()
            .code(2)
            .stderr(contains("`source.id` is missing or wrong"));
        let left = walkdir::WalkDir::new(folder.path()).into_iter().count();
        assert_eq!(left, 4, "the folder, the event, and two folders below");
    }
}

#[test]
fn a_files_name_adds_no_header_to_an_answer() {
    let mock = MockBox::with(&["--tokens", "any"]);
    let name = "a%0d%0aSet-Cookie:%20a=b%0d%0a%22;x=%22.txt";
    let url = format!("{}/_mock/files/7?name={name}", mock.url);
    assert_eq!(status(http().put(url).body("words")), 201);
    let url = format!("{}/2.0/files/7/content", mock.url);
    let answer = http().get(url).bearer_auth("x").send().expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("set-cookie").is_none());
    let disposition = answer.headers()["content-disposition"]
        .to_str()
        .expect("text");
    assert!(
        disposition.starts_with("attachment;filename=\"a__Set-Cookie: a=b___;x=_.txt\";"),
        "{disposition}"
    );
    assert_eq!(answer.text().expect("text"), "words");
}

#[test]
fn json_of_endless_depth_is_refused_and_the_mock_continues() {
    let mock = MockBox::with(&["--tokens", "any"]);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        for (path, method) in [
            ("/2.0/files/1/metadata/global/boxSkillsCards", "POST"),
            ("/2.0/skill_invocations/1", "PUT"),
            ("/2.0/folders", "POST"),
            ("/_mock/events", "POST"),
        ] {
            let url = format!("{}{path}", mock.url);
            let request = http().request(method.parse().expect("a method"), url);
            let request = request.bearer_auth("x").body(deep.clone());
            let refused = status(request.header("content-type", "application/json"));
            assert!((400..500).contains(&refused), "{path}: {refused}");
        }
    }
    assert_eq!(mock.ask("health")["ok"], true);
}

#[test]
fn a_patch_of_the_greatest_depth_is_published_as_it_was_recorded() {
    let mock = MockBox::start();
    let invocation = mock.register("7");
    assert_eq!(invocation.create(&json!([])), 201);
    let patch = |levels| {
        let deep = (0..levels).fold(json!(1), |inner, _| json!([inner]));
        json!([{"op": "test", "path": "/cards", "value": [], "unknown": deep}])
    };
    let mut patches = (100..130).rev().map(patch);
    let taken = patches.find(|patch| invocation.patch(patch) == 200);
    let taken = taken.expect("one is not too deep");
    let url = format!("{}/_mock/writes", mock.url);
    let listed = http().get(url).send().expect("an answer");
    assert_eq!(listed.status(), 200);
    let listed = listed.text().expect("text");
    assert!(listed.contains(&taken.to_string()), "{listed}");
}

#[test]
fn a_page_made_of_hostile_events_runs_nothing() {
    let (folder, path) =
        event(|event| event["source"]["name"] = json!("<script>alert(1)</script>.txt"));
    let case = folder.path().join("<img src=x onerror=alert(1)>]]>");
    fs::create_dir(&case).expect("a folder");
    fs::rename(&path, case.join("event.json")).expect("it moves");
    fs::write(
        case.join("content.txt"),
        "<script>alert(2)</script> ]]> javascript:alert(3) `x` ![a](b)",
    )
    .expect("it writes");
    fs::write(
        case.join("expected.json"),
        r#"{"status":"permanent_failure"}"#,
    )
    .expect("it writes");
    let mut command = skillctl();
    command.args(["replay", "--sample-skill"]).arg(&case);
    for format in ["html", "junit", "markdown"] {
        let path = folder.path().join(format);
        command
            .arg("--report")
            .arg(format!("{format}={}", path.display()));
    }
    command.assert().code(1);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a report");
    let page = read("html");
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<img src=x") && !page.contains("href=\"javascript"));
    assert!(page.contains("default-src 'none'") && page.contains("script-src 'sha256-"));
    let junit = read("junit");
    assert!(!junit.contains("<img") && !junit.contains("]]>") && !junit.contains("<script"));
    let markdown = read("markdown");
    let timeline = "<details><summary>timeline";
    let head = markdown.split(timeline).next().expect("a head");
    assert!(
        !head.contains("<img") && head.contains("&lt;img src=x onerror=alert(1)>\\]\\]>"),
        "{head}"
    );
}

#[test]
fn a_token_on_the_command_line_is_warned_of() {
    let tiny = TinyBox::start(|_, _| Answer::new(404, "{}"));
    let url = tiny.url();
    let fetch = ["fetch", "--box", &url, "--file-id", "1", "--token"];
    skillctl()
        .args(fetch)
        .arg("0123456789abcdef")
        .assert()
        .code(3)
        .stderr(contains("is shown in the list of processes").and(contains("0123456789ab").not()));
    let output = skillctl()
        .args([
            "mock-box",
            "--listen",
            "127.0.0.1:0",
            "--user-token-env",
            "MINE",
        ])
        .args(["--", "sh", "-c", "cat /proc/$PPID/cmdline /proc/$$/cmdline"])
        .env("MINE", "0123456789abcdef")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("0123456789ab"), "{said}");
}
