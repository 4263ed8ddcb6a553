//! The event pump, triggered by the folder and by the API: which events are sent, that each is sent
//! once, and the result with the real sample skill.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc, OnceLock,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use predicates::{prelude::*, str::contains};
use reqwest::blocking::Response;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::{skillctl, skillctl_process, wait_for},
    world::{MockBox, Skill, http, keyword},
};

/// The deadline of each wait; only a broken pump reaches it.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A mock with a pump: ended by SIGTERM, so that its skill ends with it.
struct Pump {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Pump {
    fn start(files: &Path, options: &[&str]) -> Self {
        Self::by(skillctl_process(), files, options)
    }

    /// With the real sample skill.
    fn with_sample_skill(files: &Path, options: &[&str]) -> Self {
        let skill = ["--", env!("CARGO_BIN_EXE_skillctl"), "sample-skill"];
        Self::start(files, &[options, &skill].concat())
    }

    fn by(mut program: std::process::Command, files: &Path, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ready = folder.path().join("ready.json");
        let mut child = program
            .args(["mock-box", "--listen", "127.0.0.1:0", "--tokens", "any"])
            .arg("--files")
            .arg(files)
            .arg("--ready-file")
            .arg(&ready)
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the mock starts");
        let url = wait_for("the mock is ready", || {
            let text = fs::read_to_string(&ready).unwrap_or_default();
            if let Ok(Value::Object(ready)) = serde_json::from_str(&text) {
                return Some(ready["url"].as_str().expect("a URL").to_owned());
            }
            let early = child.try_wait().expect("a state");
            assert!(early.is_none(), "the mock ended early: {early:?}");
            None
        });
        Self {
            child,
            url,
            _folder: folder,
        }
    }

    /// Everything that happens, from the start.
    fn stream(&self) -> Stream {
        let url = format!("{}/_mock/stream?after=0", self.url);
        let answer = http().get(url).timeout(TIMEOUT).send().expect("an answer");
        Stream {
            lines: BufReader::new(answer),
        }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let answer = http()
            .request(method, format!("{}{path}", self.url))
            .bearer_auth("any")
            .body(body.to_string())
            .send()
            .expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Uploads a file, or a new version of one, and returns its object.
    fn upload(&self, path: &str, attributes: &Value, content: &str) -> Value {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{attributes}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{content}\r\n\
             --b--\r\n"
        );
        let answer = http()
            .post(format!("{}/api/2.0{path}", self.url))
            .bearer_auth("any")
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body)
            .send()
            .expect("an answer");
        assert_eq!(answer.status(), 201);
        let text = answer.text().expect("a body");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["entries"][0].clone()
    }

    /// The id of a file by its name, somewhere below a folder.
    fn file_id(&self, folder: &str, name: &str) -> Option<String> {
        let (_, items) = self.call("GET", &format!("/2.0/folders/{folder}/items"), &json!(null));
        items["entries"].as_array()?.iter().find_map(|item| {
            let id = item["id"].as_str()?;
            match (item["type"].as_str()?, item["name"].as_str()?) {
                ("folder", _) => self.file_id(id, name),
                (_, found) => (found == name).then(|| id.to_owned()),
            }
        })
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have ended by itself.
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// The stream of the admin API.
struct Stream {
    lines: BufReader<Response>,
}

impl Stream {
    /// The next notice of a kind.
    fn next(&mut self, kind: &str) -> Value {
        let mut current = String::new();
        loop {
            let mut line = String::new();
            let length = self.lines.read_line(&mut line).expect("the stream goes on");
            assert!(length > 0, "the stream ended before a notice `{kind}`");
            if let Some(named) = line.strip_prefix("event: ") {
                named.trim().clone_into(&mut current);
            } else if let Some(data) = line.strip_prefix("data: ")
                && current == kind
            {
                return serde_json::from_str(data).expect("JSON");
            }
        }
    }

    /// The next notice of a kind that `wanted` accepts.
    fn find(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let notice = self.next(kind);
            if wanted(&notice) {
                return notice;
            }
        }
    }

    /// The next attempt: what kind of event, for which name, and how it went.
    fn attempt(&mut self) -> (String, String, String) {
        let attempt = self.next("attempt");
        let text = |name: &str| attempt[name].as_str().unwrap_or_default().to_owned();
        (text("event_type"), text("name"), text("result"))
    }

    /// Waits for the success of a file's invocation, and returns its cards.
    fn success(&mut self, file_id: &str) -> Value {
        let written = self.find("write", |written| {
            written["record"]["file_id"] == file_id && written["record"]["status"] == "success"
        });
        written["record"]["instance"]["cards"].clone()
    }
}

/// A skill that hands on the events it gets.
fn listener() -> (Skill, Receiver<Value>) {
    let (sender, receiver) = mpsc::channel();
    let skill = Skill::new(move |invocation| {
        // The test may be over.
        let _ = sender.send(invocation.event.clone());
        200
    });
    (skill, receiver)
}

fn next(events: &Receiver<Value>) -> Value {
    events.recv_timeout(TIMEOUT).expect("an event comes")
}

fn inbox() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("inbox");
    fs::create_dir(&path).expect("it is made");
    (folder, path)
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("it is written");
}

#[test]
fn changes_in_the_folder_are_sent_as_box_would_send_them() {
    let (_keep, inbox) = inbox();
    fs::create_dir(inbox.join("sub")).expect("it is made");
    write(&inbox, "there.txt", "from the start");
    let (skill, events) = listener();
    let pump = Pump::start(&inbox, &["--skill", &skill.url]);

    write(&inbox, "a.txt", "first words");
    let new = next(&events);
    assert_eq!(new["event"]["event_type"], "ITEM_UPLOAD");
    assert_eq!(new["source"]["name"], "a.txt");
    assert_eq!(new["source"]["size"], 11);
    assert_eq!(new["source"]["sequence_id"], "0");
    assert_eq!(new["source"]["parent"]["id"], "0");
    assert_eq!(new["source"]["old_parent_id"], "");

    write(&inbox, "a.txt", "other words altogether");
    let changed = next(&events);
    assert_eq!(changed["event"]["event_type"], "ITEM_UPLOAD");
    assert_eq!(changed["source"]["id"], new["source"]["id"]);
    assert_eq!(changed["source"]["sequence_id"], "1");
    assert_ne!(
        changed["source"]["file_version"],
        new["source"]["file_version"]
    );

    fs::copy(inbox.join("a.txt"), inbox.join("b.txt")).expect("it is copied");
    let copied = next(&events);
    assert_eq!(copied["event"]["event_type"], "ITEM_COPY");
    assert_ne!(copied["source"]["id"], new["source"]["id"]);

    fs::rename(inbox.join("a.txt"), inbox.join("sub/a.txt")).expect("it is moved");
    let moved = next(&events);
    assert_eq!(moved["event"]["event_type"], "ITEM_MOVE");
    assert_eq!(moved["source"]["id"], new["source"]["id"]);
    assert_eq!(moved["source"]["old_parent_id"], "0");
    assert_eq!(moved["source"]["sequence_id"], "2");
    assert_ne!(moved["source"]["parent"]["id"], "0");
    assert_ne!(moved["event"]["event_id"], new["event"]["event_id"]);

    // Box sends no event for a rename: the next event is that of another file.
    fs::rename(inbox.join("b.txt"), inbox.join("c.txt")).expect("it is renamed");
    write(&inbox, "d.txt", "the last");
    assert_eq!(next(&events)["source"]["name"], "d.txt");
    assert!(pump.file_id("0", "c.txt").is_some());
    assert_eq!(pump.file_id("0", "b.txt"), None);
}

#[test]
fn changes_by_the_api_are_sent_as_box_would_send_them() {
    let (_keep, inbox) = inbox();
    fs::create_dir(inbox.join("sub")).expect("it is made");
    let (skill, events) = listener();
    let pump = Pump::start(&inbox, &["--skill", &skill.url]);
    let sub = {
        let (_, items) = pump.call("GET", "/2.0/folders/0/items", &json!(null));
        items["entries"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };

    let attributes = json!({"name": "a.txt", "parent": {"id": "0"}});
    let file = pump.upload("/files/content", &attributes, "words");
    let id = file["id"].as_str().expect("an id");
    let uploaded = next(&events);
    assert_eq!(uploaded["event"]["event_type"], "ITEM_UPLOAD");
    assert_eq!(uploaded["source"]["id"], file["id"]);

    pump.upload(&format!("/files/{id}/content"), &json!({}), "more words");
    let version = next(&events);
    assert_eq!(version["event"]["event_type"], "ITEM_UPLOAD");
    assert_eq!(version["source"]["sequence_id"], "1");
    assert_eq!(version["source"]["size"], 10);

    let (status, copy) = pump.call(
        "POST",
        &format!("/2.0/files/{id}/copy"),
        &json!({"parent": {"id": sub}}),
    );
    assert_eq!(status, 201);
    let copied = next(&events);
    assert_eq!(copied["event"]["event_type"], "ITEM_COPY");
    assert_eq!(copied["source"]["id"], copy["id"]);

    let rename = json!({"name": "b.txt"});
    assert_eq!(
        pump.call("PUT", &format!("/2.0/files/{id}"), &rename).0,
        200
    );
    let place = json!({"parent": {"id": sub}});
    assert_eq!(pump.call("PUT", &format!("/2.0/files/{id}"), &place).0, 200);
    let moved = next(&events);
    assert_eq!(moved["event"]["event_type"], "ITEM_MOVE");
    assert_eq!(moved["source"]["name"], "b.txt");
    assert_eq!(moved["source"]["old_parent_id"], "0");
    assert_eq!(moved["source"]["parent"]["id"], json!(sub));
}

#[test]
fn each_trigger_of_the_folder_ends_with_the_cards_of_the_sample_skill() {
    let (_keep, inbox) = inbox();
    fs::create_dir(inbox.join("sub")).expect("it is made");
    let pump = Pump::with_sample_skill(&inbox, &[]);
    let mut stream = pump.stream();
    let line = |cards: &Value| {
        cards[cards.as_array().map_or(0, Vec::len) - 1]["entries"][0]["text"].clone()
    };

    write(&inbox, "a.txt", "first words");
    let new = stream.next("attempt");
    assert_eq!(new["result"], "delivered");
    let id = new["file_id"].as_str().expect("an id").to_owned();
    assert_eq!(line(&stream.success(&id)), "first words");

    write(&inbox, "a.txt", "second words");
    assert_eq!(stream.next("attempt")["event_type"], "ITEM_UPLOAD");
    assert_eq!(line(&stream.success(&id)), "second words");

    fs::copy(inbox.join("a.txt"), inbox.join("b.txt")).expect("it is copied");
    let copied = stream.next("attempt");
    assert_eq!(copied["event_type"], "ITEM_COPY");
    let copy = copied["file_id"].as_str().expect("an id");
    assert_eq!(line(&stream.success(copy)), "second words");

    fs::rename(inbox.join("a.txt"), inbox.join("sub/a.txt")).expect("it is moved");
    assert_eq!(stream.next("attempt")["event_type"], "ITEM_MOVE");
    assert_eq!(line(&stream.success(&id)), "second words");
}

#[test]
fn each_trigger_of_the_api_ends_with_the_cards_of_the_sample_skill() {
    let (_keep, inbox) = inbox();
    let pump = Pump::with_sample_skill(&inbox, &[]);
    let mut stream = pump.stream();
    let (_, sub) = pump.call(
        "POST",
        "/2.0/folders",
        &json!({"name": "sub", "parent": {"id": "0"}}),
    );
    let place = json!({"parent": {"id": sub["id"]}});

    let attributes = json!({"name": "a.txt", "parent": {"id": "0"}});
    let file = pump.upload("/files/content", &attributes, "words");
    let id = file["id"].as_str().expect("an id");
    stream.success(id);
    pump.upload(&format!("/files/{id}/content"), &json!({}), "more words");
    stream.success(id);
    let (_, copy) = pump.call("POST", &format!("/2.0/files/{id}/copy"), &place);
    stream.success(copy["id"].as_str().expect("an id"));
    let rename_too = json!({"name": "b.txt", "parent": {"id": sub["id"]}});
    assert_eq!(
        pump.call("PUT", &format!("/2.0/files/{id}"), &rename_too).0,
        200
    );
    stream.success(id);
}

#[test]
fn a_function_gets_the_events_too() {
    let has_python = std::process::Command::new("python3").arg("-V").output();
    if has_python.is_err() {
        return;
    }
    let (keep, inbox) = inbox();
    let text = "def lambda_handler(event, context):\n    return {'statusCode': 202}\n";
    write(keep.path(), "app.py", text);
    let mut program = skillctl_process();
    program.current_dir(keep.path());
    let pump = Pump::by(program, &inbox, &["--handler", "python:app.lambda_handler"]);
    let mut stream = pump.stream();
    write(&inbox, "a.txt", "words");
    let attempt = stream.next("attempt");
    assert_eq!(
        (&attempt["status"], &attempt["result"]),
        (&json!(202), &json!("delivered"))
    );
}

#[test]
fn metadata_follows_a_move_and_is_not_copied() {
    let (_keep, inbox) = inbox();
    fs::create_dir(inbox.join("sub")).expect("it is made");
    let url = Arc::new(OnceLock::<String>::new());
    let (sender, events) = mpsc::channel();
    let skill = {
        let url = Arc::clone(&url);
        Skill::new(move |invocation| {
            let event = invocation.event.clone();
            if event["source"]["name"] == "a.txt" && event["source"]["sequence_id"] == "0" {
                let invocation = invocation.at(url.get().expect("the mock is there"));
                assert_eq!(invocation.create(&json!([keyword("kept")])), 201);
            }
            let _ = sender.send(event);
            200
        })
    };
    let pump = Pump::start(&inbox, &["--skill", &skill.url]);
    url.set(pump.url.clone()).expect("it is set once");
    let cards = |id: &Value| {
        let id = id.as_str().expect("an id");
        let path = format!("/2.0/files/{id}/metadata/global/boxSkillsCards");
        pump.call("GET", &path, &json!(null))
    };

    write(&inbox, "a.txt", "words");
    let id = next(&events)["source"]["id"].clone();
    fs::copy(inbox.join("a.txt"), inbox.join("b.txt")).expect("it is copied");
    let copy = next(&events)["source"]["id"].clone();
    assert_eq!(cards(&copy).0, 404);
    fs::rename(inbox.join("a.txt"), inbox.join("sub/c.txt")).expect("it is moved");
    assert_eq!(next(&events)["source"]["id"], id);
    let (status, kept) = cards(&id);
    assert_eq!(status, 200);
    assert_eq!(kept["cards"][0]["entries"][0]["text"], "kept");
}

#[test]
fn a_thousand_files_at_once_are_each_delivered_once_and_finish_in_little_memory() {
    const FILES: usize = 1000;
    let (_keep, inbox) = inbox();
    let pump = Pump::with_sample_skill(&inbox, &["--concurrency", "32"]);
    let mut stream = pump.stream();
    for number in 0..FILES {
        write(
            &inbox,
            &format!("{number}.txt"),
            &format!("number {number}"),
        );
    }
    let mut delivered: HashMap<String, usize> = HashMap::new();
    let mut finished = 0;
    let mut current = String::new();
    while finished < FILES || delivered.len() < FILES {
        let mut line = String::new();
        let length = stream.lines.read_line(&mut line).expect("it goes on");
        assert!(length > 0, "the stream ended at {finished} finished");
        if let Some(kind) = line.strip_prefix("event: ") {
            kind.trim().clone_into(&mut current);
            assert_ne!(current, "gap");
        } else if let Some(data) = line.strip_prefix("data: ") {
            let data: Value = serde_json::from_str(data).expect("JSON");
            if current == "attempt" && data["result"] == "delivered" {
                let id = data["file_id"].as_str().expect("an id").to_owned();
                *delivered.entry(id).or_default() += 1;
            }
            if current == "write" && data["record"]["status"] == "success" {
                finished += 1;
            }
        }
    }
    assert_eq!(finished, FILES);
    assert!(delivered.values().all(|times| *times == 1));
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string(format!("/proc/{}/status", pump.child.id()));
        let status = status.expect("it runs");
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .expect("its memory");
        assert!(peak < 64 * 1024, "{peak} kB");
    }
}

#[test]
fn a_skill_that_is_down_is_retried_then_reported_and_other_files_are_sent() {
    let (_keep, inbox) = inbox();
    let address = tiny_http::Server::http("127.0.0.1:0")
        .expect("a port")
        .server_addr()
        .to_string();
    let url = format!("http://{address}/");
    let pump = Pump::start(&inbox, &["--skill", &url, "--retries", "1"]);
    let mut stream = pump.stream();
    write(&inbox, "a.txt", "words");
    let first = stream.next("attempt");
    assert_eq!(first["result"], "retrying");
    assert_eq!((&first["number"], &first["of"]), (&json!(1), &json!(2)));
    assert_eq!(first["next_ms"], 500);
    assert!(
        first["error"]
            .as_str()
            .expect("why")
            .contains("could not connect")
    );
    let second = stream.next("attempt");
    assert_eq!(second["result"], "given-up");
    assert_eq!(second["event_id"], first["event_id"]);

    let id = first["file_id"].as_str().expect("an id");
    assert_eq!(
        pump.call("GET", &format!("/2.0/files/{id}"), &json!(null))
            .0,
        200
    );
    let server = tiny_http::Server::http(&address).expect("the port is free again");
    thread::spawn(move || {
        for request in server.incoming_requests() {
            let _ = request.respond(tiny_http::Response::empty(204));
        }
    });
    let (status, _) = pump.call("POST", &format!("/_mock/files/{id}/fire"), &json!(null));
    assert_eq!(status, 202);
    assert_eq!(
        stream.attempt(),
        (
            "ITEM_UPLOAD".to_owned(),
            "a.txt".to_owned(),
            "delivered".to_owned()
        )
    );
}

#[test]
fn after_a_non_2xx_reply_the_same_event_is_sent_again() {
    let (_keep, inbox) = inbox();
    let (sender, events) = mpsc::channel();
    let times = std::sync::atomic::AtomicUsize::new(0);
    let skill = Skill::new(move |invocation| {
        let _ = sender.send(invocation.event.clone());
        match times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => 503,
            _ => 200,
        }
    });
    let pump = Pump::start(&inbox, &["--skill", &skill.url]);
    let mut stream = pump.stream();
    write(&inbox, "a.txt", "words");
    let first = next(&events);
    assert_eq!(next(&events), first);
    assert_eq!(stream.next("attempt")["status"], 503);
    assert_eq!(stream.attempt().2, "delivered");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_still_written_is_not_sent() {
    let (_keep, inbox) = inbox();
    let (skill, events) = listener();
    let _pump = Pump::start(&inbox, &["--skill", &skill.url]);
    let mut half = File::create(inbox.join("half.txt")).expect("it is made");
    half.write_all(b"the first half").expect("it is written");
    half.flush().expect("it is written");
    // A file that has been unchanged for as long as the first half is sent before this one.
    write(&inbox, "other.txt", "words");
    assert_eq!(next(&events)["source"]["name"], "other.txt");
    half.write_all(b" and the second").expect("it is written");
    drop(half);
    let whole = next(&events);
    assert_eq!(whole["source"]["name"], "half.txt");
    assert_eq!(whole["source"]["size"], 29);
    assert_eq!(whole["source"]["sequence_id"], "0");
}

#[test]
fn files_that_are_not_served_are_named_and_the_others_are_sent() {
    let (keep, inbox) = inbox();
    let secret = keep.path().join("secret.txt");
    fs::write(&secret, "outside").expect("it is written");
    std::os::unix::fs::symlink(&secret, inbox.join("link.txt")).expect("a link");
    std::os::unix::fs::symlink(keep.path(), inbox.join("up")).expect("a link");
    write(&inbox, "back\\slash.txt", "words");
    write(&inbox, ".hidden.txt", "words");
    let (skill, events) = listener();
    let pump = Pump::start(&inbox, &["--skill", &skill.url]);
    let mut stream = pump.stream();
    let mut said = HashMap::new();
    for _ in 0..3 {
        let remark = stream.next("remark");
        let path = remark["path"].as_str().expect("a path").to_owned();
        said.insert(path, remark["kind"].clone());
    }
    assert_eq!(said["link.txt"], "link");
    assert_eq!(said["up"], "link");
    assert_eq!(said["back\\slash.txt"], "name");
    let (_, items) = pump.call("GET", "/2.0/folders/0/items", &json!(null));
    assert_eq!(items["total_count"], 0);

    write(&inbox, "short-lived.txt", "words");
    fs::remove_file(inbox.join("short-lived.txt")).expect("it is removed");
    write(&inbox, "b.txt", "words");
    assert_eq!(next(&events)["source"]["name"], "b.txt");

    fs::remove_dir_all(&inbox).expect("it is removed");
    stream.find("remark", |remark| {
        remark["kind"] == "gone" && remark["path"] == ""
    });
    assert_eq!(pump.file_id("0", "b.txt"), None);
    fs::create_dir(&inbox).expect("it is made");
    stream.find("remark", |remark| remark["kind"] == "back");
    write(&inbox, "c.txt", "words again");
    assert_eq!(next(&events)["source"]["name"], "c.txt");
}

#[test]
fn events_are_signed_and_sent_for_the_chosen_extensions_only() {
    let (_keep, inbox) = inbox();
    let server = tiny_http::Server::http("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", server.server_addr());
    let mut program = skillctl_process();
    program.env("A_KEY", "the primary key");
    let options = [
        "--skill",
        &url,
        "--primary-key-env",
        "A_KEY",
        "--extensions",
        "JPG,.png",
    ];
    let _pump = Pump::by(program, &inbox, &options);
    write(&inbox, "a.txt", "no picture");
    write(&inbox, "b.PNG", "a picture, by its name");
    let mut request = server
        .recv_timeout(TIMEOUT)
        .expect("it listens")
        .expect("an event comes");
    let mut headers = String::new();
    for header in request.headers() {
        writeln!(headers, "{}: {}", header.field, header.value).expect("strings take all");
    }
    let mut body = String::new();
    request.as_reader().read_to_string(&mut body).expect("text");
    let _ = request.respond(tiny_http::Response::empty(200));
    let event: Value = serde_json::from_str(&body).expect("an event");
    assert_eq!(event["source"]["name"], "b.PNG");

    let (folder, body_file) = (tempfile::tempdir().expect("a folder"), "body.json");
    write(folder.path(), body_file, &body);
    write(folder.path(), "headers.txt", &headers);
    skillctl()
        .current_dir(folder.path())
        .env("A_KEY", "the primary key")
        .args([
            "event",
            "verify",
            "--body",
            body_file,
            "--headers",
            "headers.txt",
        ])
        .args(["--primary-key-env", "A_KEY"])
        .assert()
        .success();
}

#[test]
fn an_event_is_fired_again_on_demand_and_never_without_a_skill() {
    let (_keep, inbox) = inbox();
    write(&inbox, "a.txt", "there from the start");
    let (skill, events) = listener();
    let pump = Pump::start(&inbox, &["--skill", &skill.url]);
    let id = pump.file_id("0", "a.txt").expect("it is served");
    let fire = |query: &str| {
        pump.call(
            "POST",
            &format!("/_mock/files/{id}/fire{query}"),
            &json!(null),
        )
    };
    assert_eq!(fire("?trigger=move").0, 202);
    let event = next(&events);
    assert_eq!(event["event"]["event_type"], "ITEM_MOVE");
    assert_eq!(event["source"]["id"], json!(id));
    assert_eq!(fire("?trigger=throw").0, 400);
    assert_eq!(
        pump.call("POST", "/_mock/files/1/fire", &json!(null)).0,
        404
    );

    let alone = MockBox::with(&[]);
    let answer = http()
        .post(format!("{}/_mock/files/1/fire", alone.url))
        .send()
        .expect("an answer");
    assert_eq!(answer.status(), 409);
}

#[test]
fn ids_and_cards_are_the_same_when_the_folder_is_served_again() {
    let (keep, inbox) = inbox();
    write(&inbox, "a.txt", "words");
    let record = keep.path().join("writes.jsonl");
    let record = record.to_str().expect("a path");
    let before = {
        let pump = Pump::with_sample_skill(&inbox, &["--record", record]);
        let id = pump.file_id("0", "a.txt").expect("it is served");
        pump.call("POST", &format!("/_mock/files/{id}/fire"), &json!(null));
        pump.stream().success(&id);
        pump.call("GET", &format!("/2.0/files/{id}"), &json!(null))
            .1
    };
    let pump = Pump::start(&inbox, &["--record", record]);
    let id = before["id"].as_str().expect("an id");
    let (_, after) = pump.call("GET", &format!("/2.0/files/{id}"), &json!(null));
    assert_eq!(after["file_version"], before["file_version"]);
    let path = format!("/2.0/files/{id}/metadata/global/boxSkillsCards");
    assert_eq!(pump.call("GET", &path, &json!(null)).0, 200);
}

#[test]
fn wrong_options_exit_with_2() {
    let (_keep, inbox) = inbox();
    write(&inbox, "a.txt", "words");
    let refused = |options: &[&str], said: &str| {
        skillctl()
            .args(["mock-box", "--listen", "127.0.0.1:0"])
            .args(options)
            .assert()
            .code(2)
            .stderr(contains(said).and(contains("ended after").not()));
    };
    let file = inbox.join("a.txt");
    refused(&["--files", file.to_str().expect("a path")], "not a folder");
    refused(&["--files", "/no/such/folder"], "/no/such/folder");
    refused(&["--skill", "ftp://127.0.0.1/"], "not an http(s) URL");
    refused(
        &[
            "--skill",
            "http://127.0.0.1:1/",
            "--primary-key-env",
            "NOT_SET",
        ],
        "NOT_SET",
    );
    refused(
        &["--primary-key-env", "PATH"],
        "no skill to sign events for",
    );
}

#[test]
fn the_cards_are_shown_as_they_are_written_and_the_end_in_one_line() {
    let (_keep, inbox) = inbox();
    let mut child = skillctl_process()
        .args([
            "mock-box",
            "--listen",
            "127.0.0.1:0",
            "--show-cards",
            "--files",
        ])
        .arg(&inbox)
        .args(["--", env!("CARGO_BIN_EXE_skillctl"), "sample-skill"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the mock starts");
    let errors = BufReader::new(child.stderr.take().expect("it is piped"));
    let ready = errors.lines().map_while(Result::ok);
    assert!(ready.into_iter().any(|line| line.contains("mock Box on")));
    write(&inbox, "a.txt", "tidal power");
    let (sender, receiver) = mpsc::channel();
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .for_each(|line| drop(sender.send(line)));
    });
    let mut shown = Vec::new();
    while shown
        .last()
        .is_none_or(|line: &String| !line.contains("a.txt: success with 2 cards"))
    {
        shown.push(receiver.recv_timeout(TIMEOUT).expect("a line comes"));
    }
    let id = i32::try_from(child.id()).expect("an id");
    kill_process(Pid::from_raw(id).expect("an id"), Signal::TERM).expect("it is sent");
    assert!(child.wait().expect("it ends").success());
    let shown = shown.join("\n");
    assert!(shown.contains("ITEM_UPLOAD a.txt"), "{shown}");
    assert!(shown.contains("( tidal )  ( power )"), "{shown}");
}
