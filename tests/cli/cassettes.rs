//! Cassettes: calls of a skill to its provider are recorded through a proxy, and answered from the record
//! when proxy and provider are gone. The skills run on the python3 and node of this machine; without them
//! a test prints that it tested nothing, and passes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};
use tempfile::TempDir;
use tiny_http::{Header, Response, Server};

use crate::{
    support::{has, project, skillctl},
    world::json_lines,
};

/// Answers first, asks its provider, and writes what that says as keywords.
const SKILL: &str = r#"
import http.server, json, os, threading, urllib.request

def call(url, body, method="POST", **headers):
    headers["content-type"] = "application/json"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    return urllib.request.urlopen(request).read()

def report(event, status, texts):
    card = {"type": "skill_card", "skill_card_type": "keyword",
            "skill_card_title": {"code": "topics", "message": "Topics"},
            "skill": {"type": "service", "id": "1"},
            "invocation": {"type": "skill_invocation", "id": "1"},
            "entries": [{"type": "text", "text": text} for text in texts]}
    cards = {"cards": [card] if texts else []}
    body = {"status": status, "file": {"type": "file", "id": event["file"]}, "metadata": cards,
            "usage": {"unit": "files", "value": 1}}
    call("https://api.box.com/2.0/skill_invocations/1", body, "PUT",
         authorization="Bearer " + event["token"])

class Skill(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.handle_body(body)
    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *arguments):
        pass

def serve(handle):
    Skill.handle_body = handle
    address = ("127.0.0.1", int(os.environ["PORT"]))
    http.server.ThreadingHTTPServer(address, Skill).serve_forever()

def start(work, *arguments):
    threading.Thread(target=work, args=arguments).start()
"#;

/// Calls its provider once for each event.
pub(crate) const ONE_STAGE: &str = r#"
from skill import *
from os import environ

def work(event):
    url = environ["PROVIDER"] + "/labels?file=" + event["file"]
    question = {"language": environ.get("WORD", "en"), "read": event["read"], "id": event["id"]}
    answer = json.loads(call(url, question, authorization="Bearer planted-secret"))
    report(event, "success", [answer["label"], "file " + answer["file"]])

def handle(self, body):
    self.answer(200)
    start(work, {"file": body["source"]["id"], "id": body["id"],
                 "read": body["token"]["read"]["access_token"],
                 "token": body["token"]["write"]["access_token"]})
serve(handle)
"#;

/// Ends on processing and hands the file over; writes the cards when the provider calls back.
pub(crate) const TWO_STAGES: &str = r#"
from skill import *
from urllib.parse import urlparse, parse_qs

def work(event):
    back = "http://skill.example/done?file=" + event["file"] + "&token=" + event["token"]
    # Before the job is handed over: its end may be called back at once.
    report(event, "processing", [])
    call(environ_provider() + "/jobs", {"callback": back})

def environ_provider():
    return os.environ["PROVIDER"]

def handle(self, body):
    url = urlparse(self.path)
    if url.path == "/done":
        query = parse_qs(url.query)
        if os.environ.get("REFUSES"):
            return self.answer(500)
        report({"file": query["file"][0], "token": query["token"][0]}, "success", [body["text"]])
        return self.answer(200)
    self.answer(200)
    start(work, {"file": body["source"]["id"], "token": body["token"]["write"]["access_token"]})
serve(handle)
"#;

/// A folder with a case and a skill.
pub(crate) struct World {
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new(skill: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let case = folder.path().join("cases/one");
        fs::create_dir_all(&case).expect("a folder");
        let event = project("fixtures/events/upload-text/event.json");
        fs::copy(event, case.join("event.json")).expect("a copy");
        fs::write(folder.path().join("skill.py"), SKILL).expect("it is written");
        fs::write(folder.path().join("main.py"), skill).expect("it is written");
        Self { folder }
    }

    pub(crate) fn cassette(&self) -> PathBuf {
        self.folder.path().join("cases/one/cassette.har")
    }

    pub(crate) fn replay(&self, options: &[&str]) -> assert_cmd::Command {
        let mut command = skillctl();
        command
            .args(["replay", "cases"])
            .args(options)
            .args(["--give-up", "500ms", "--", "python3", "main.py"])
            .env("PROVIDER", "http://ml.provider.example")
            .env("ML_API_KEY", "planted-by-value")
            .current_dir(self.folder.path());
        command
    }

    /// A cassette with these entries.
    pub(crate) fn write_cassette(&self, entries: &Value) {
        let har =
            json!({"log": {"version": "1.2", "_skillctl": {"format": 1}, "entries": entries}});
        fs::write(self.cassette(), har.to_string()).expect("it is written");
    }
}

/// A proxy that answers for every host, and counts.
pub(crate) struct Provider {
    pub(crate) url: String,
    calls: Arc<AtomicUsize>,
    server: Arc<Server>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").expect("a port"));
        let address = server.server_addr().to_ip().expect("an address");
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, serving) = (Arc::clone(&calls), Arc::clone(&server));
        thread::spawn(move || {
            for mut request in serving.incoming_requests() {
                counted.fetch_add(1, Ordering::Relaxed);
                let mut body = String::new();
                let _ = request.as_reader().read_to_string(&mut body);
                let question: Value = serde_json::from_str(&body).unwrap_or_default();
                let file = request.url().rsplit('=').next().unwrap_or_default();
                let answer = json!({
                    "label": format!("a cat, {}", question["language"]),
                    "file": file,
                    "access_token": "planted-token",
                });
                let cookie =
                    Header::from_bytes("Set-Cookie", "a=planted-cookie").expect("a header");
                let _ =
                    request.respond(Response::from_string(answer.to_string()).with_header(cookie));
            }
        });
        Self {
            url: format!("http://{address}"),
            calls,
            server,
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn recorded_calls_are_answered_when_the_provider_is_gone() {
    if !has("python3") {
        return;
    }
    let world = World::new(ONE_STAGE);
    let provider = Provider::start();
    world
        .replay(&["--cassette", "record"])
        .env("HTTP_PROXY", &provider.url)
        .assert()
        .success()
        .stderr(contains("cassette.har: 1 call"));
    assert_eq!(provider.calls(), 1);
    let har = read(&world.cassette());
    assert!(!har.contains("planted"), "{har}");
    assert!(
        har.contains("{{file_id}}") && har.contains("{{read_token}}"),
        "{har}"
    );
    drop(provider);

    // Other ids and tokens, twice at the same time.
    let output = world
        .replay(&["--format", "json", "-n", "4", "-j", "2"])
        .output()
        .expect("it runs");
    let (events, summary) = json_lines(&output.stdout);
    assert_eq!(summary["passed"], 4, "{summary:#}");
    for event in events {
        let provider = &event["connections"][0]["provider"];
        assert_eq!(
            (&provider["status"], &provider["from"]),
            (&json!(200), &json!("cassette"))
        );
        let names = event["checks"].as_array().expect("checks").iter();
        assert!(names.map(|it| &it["name"]).any(|name| name == "providers"));
    }
}

#[test]
fn a_changed_call_is_named_with_the_nearest_entry_and_auto_adds_it() {
    if !has("python3") {
        return;
    }
    let world = World::new(ONE_STAGE);
    let provider = Provider::start();
    let record = |mode: &str, word: &str| {
        let mut command = world.replay(&["--cassette", mode]);
        command.env("HTTP_PROXY", &provider.url).env("WORD", word);
        command.assert().success();
    };
    record("record", "en");
    world.replay(&[]).env("WORD", "de").assert().code(1).stdout(
        contains("providers").and(contains(r#"the body at /language: "de" instead of "en""#)),
    );
    world
        .replay(&["--cassette-ignore", "/language"])
        .env("WORD", "de")
        .assert()
        .success();
    let old = read(&world.cassette());
    record("auto", "en");
    assert_eq!(
        (provider.calls(), read(&world.cassette())),
        (1, old.clone())
    );
    record("auto", "de");
    let new = read(&world.cassette());
    let end = old.rfind("\n    ]").expect("the end of the list");
    assert!(
        new.starts_with(&old[..end]) && new.len() > old.len(),
        "{new}"
    );
    for word in ["en", "de"] {
        world.replay(&[]).env("WORD", word).assert().success();
    }
    assert_eq!(provider.calls(), 2);
}

#[test]
fn a_case_that_fails_keeps_its_cassette() {
    if !has("python3") {
        return;
    }
    let world = World::new(ONE_STAGE);
    let provider = Provider::start();
    world.write_cassette(&json!([]));
    let old = read(&world.cassette());
    fs::write(
        world.folder.path().join("cases/one/expected.json"),
        r#"{"cards": []}"#,
    )
    .expect("it is written");
    world
        .replay(&["--cassette", "record"])
        .env("HTTP_PROXY", &provider.url)
        .assert()
        .code(1)
        .stderr(contains("was not written"));
    assert_eq!(read(&world.cassette()), old);
}

/// An entry of a HAR file.
pub(crate) fn entry(url: &str, answer: &str) -> Value {
    json!({
        "request": {"method": "POST", "url": url, "postData": {"text": "{}"}},
        "response": {"status": 200, "content": {"text": answer}},
    })
}

/// The call back of a provider that ends the work of [`TWO_STAGES`].
pub(crate) fn back() -> Value {
    let mut back = entry("/done?file={{file_id}}&token={{write_token}}", "");
    back["_skillctl"] = json!({"callback": {"after": 1, "delay_ms": 20}});
    back["request"]["postData"]["text"] = json!({"text": "done"}).to_string().into();
    back
}

/// The calls of [`TWO_STAGES`] and of its provider.
pub(crate) fn jobs() -> Value {
    let back = "http://skill.example/done?file={{file_id}}&token={{write_token}}";
    let mut submitted = entry("http://ml.provider.example/jobs", r#"{"job": 7}"#);
    submitted["request"]["postData"]["text"] = json!({"callback": back}).to_string().into();
    json!([submitted, self::back()])
}

#[test]
fn a_skill_of_two_stages_is_finished_by_the_call_back_of_its_cassette() {
    if !has("python3") {
        return;
    }
    let world = World::new(TWO_STAGES);
    world.write_cassette(&jobs());
    for _ in 0..2 {
        world
            .replay(&["-n", "2", "--show-cards"])
            .assert()
            .success()
            .stdout(contains("2 passed").and(contains("done")));
    }
    world
        .replay(&[])
        .env("REFUSES", "1")
        .assert()
        .code(1)
        .stdout(contains("POST /done").and(contains("was answered 500")));
    world.write_cassette(&json!([jobs()[0]]));
    world
        .replay(&["--wait", "2s"])
        .assert()
        .code(1)
        .stdout(contains("left on processing"));
}

#[test]
fn a_skill_of_two_stages_is_recorded_with_the_call_back_that_was_written_by_hand() {
    if !has("python3") {
        return;
    }
    let world = World::new(TWO_STAGES);
    let provider = Provider::start();
    world.write_cassette(&json!([back()]));
    world
        .replay(&["--cassette", "record"])
        .env("HTTP_PROXY", &provider.url)
        .assert()
        .success()
        .stderr(contains("cassette.har: 1 call"));
    let har = read(&world.cassette());
    assert!(har.contains("/jobs") && har.contains("/done"), "{har}");
    drop(provider);
    world.replay(&[]).assert().success();
}

#[test]
fn reports_show_calls_to_providers_with_their_source_and_calls_back() {
    if !has("python3") {
        return;
    }
    let world = World::new(TWO_STAGES);
    world.write_cassette(&jobs());
    let reports = |misses: bool| {
        let options = [
            "--wait",
            "2s",
            "--report",
            "json=r.json",
            "--report",
            "html=r.html",
        ];
        let mut command = world.replay(&options);
        if misses {
            command.env("PROVIDER", "http://other.example");
        }
        command.output().expect("it runs");
        ["r.json", "r.html"].map(|name| read(&world.folder.path().join(name)))
    };
    let [json, html] = reports(false);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let outcome = &json["outcomes"][0];
    let provider = &outcome["connections"][0]["provider"];
    assert_eq!(provider["from"], "cassette", "{outcome}");
    assert_eq!(outcome["callbacks"][0]["reply"]["status"], 200);
    for words in ["from the cassette", "the provider calls back: POST /done"] {
        assert!(html.contains(words), "{words} is not in {html}");
    }
    let [json, html] = reports(true);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let checks = json["outcomes"][0]["checks"].as_array().expect("a list");
    let providers = checks.iter().find(|it| it["name"] == "providers");
    assert_eq!(providers.expect("the check")["ok"], false);
    assert!(html.contains("other.example"), "{html}");
    assert!(!html.contains("from the cassette"), "{html}");
}

#[test]
fn tls_clients_of_python_and_node_reach_the_cassette() {
    let world = World::new(ONE_STAGE);
    let mut labels = entry(
        "https://ml.provider.example/labels?file={{file_id}}",
        r#"{"label": "a cat", "file": "{{file_id}}"}"#,
    );
    let question = json!({"language": "en", "read": "{{read_token}}", "id": "{{event_id}}"});
    labels["request"]["postData"]["text"] = question.to_string().into();
    world.write_cassette(&json!([labels]));
    if has("python3") {
        world
            .replay(&["--no-egress"])
            .env("PROVIDER", "https://ml.provider.example")
            .assert()
            .success();
        world
            .replay(&[])
            .env("PROVIDER", "https://other.example")
            .assert()
            .code(1)
            .stdout(contains("the cassette has no call to other.example"));
    }
    if has("node") {
        fs::write(world.folder.path().join("main.mjs"), NODE).expect("it is written");
        skillctl()
            .args(["replay", "cases", "--", "node", "main.mjs"])
            .current_dir(world.folder.path())
            .assert()
            .success();
    }
}

/// The same with Node's fetch, which ignores proxies.
const NODE: &str = r"
import http from 'node:http';
const call = async (method, url, body, headers = {}) => {
  const answer = await fetch(url, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
};
http.createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const event = JSON.parse(text);
  response.end();
  const file = event.source.id;
  const question = { id: event.id, read: event.token.read.access_token, language: 'en' };
  const answer = await (await call('POST', `https://ml.provider.example/labels?file=${file}`, question)).json();
  const card = { type: 'skill_card', skill_card_type: 'keyword', skill_card_title: { code: 'a', message: 'A' },
    skill: { type: 'service', id: '1' }, invocation: { type: 'skill_invocation', id: '1' },
    entries: [{ type: 'text', text: answer.label }] };
  await call('PUT', 'https://api.box.com/2.0/skill_invocations/1',
    { status: 'success', file: { type: 'file', id: answer.file }, metadata: { cards: [card] }, usage: { unit: 'files', value: 1 } },
    { authorization: `Bearer ${event.token.write.access_token}` });
}).listen(process.env.PORT, '127.0.0.1');
";

#[test]
fn a_cassette_or_an_option_that_cannot_be_used_exits_with_2_before_anything_is_sent() {
    let world = World::new(ONE_STAGE);
    let start = |text: &str| {
        fs::write(world.cassette(), text).expect("it is written");
        world.replay(&[]).assert().code(2)
    };
    start("{\"log\": {\"entries\": [").stderr(contains("cassette.har:1:22"));
    start("{}").stderr(contains("not a HAR file"));
    start(r#"{"log": {"_skillctl": {"format": 9}, "entries": []}}"#)
        .stderr(contains("another version"));
    let local = json!({"log": {"entries": [entry("http://localhost:1/", "")]}});
    start(&local.to_string()).stderr(contains("this machine"));
    let unanswered =
        json!({"log": {"entries": [{"request": {"method": "GET", "url": "http://a.example/"}}]}});
    start(&unanswered.to_string()).stderr(contains("no response"));
    fs::write(world.cassette(), "").expect("it is written");
    let large = fs::File::options()
        .write(true)
        .open(world.cassette())
        .expect("a file");
    large.set_len(201 << 20).expect("a sparse file");
    world
        .replay(&[])
        .assert()
        .code(2)
        .stderr(contains("200 MiB"));
    fs::remove_file(world.cassette()).expect("it is there");
    for (options, words) in [
        (&["--cassette", "record", "--repeat", "2"][..], "--repeat"),
        (
            &["--cassette", "auto", "--concurrency", "2"],
            "--concurrency",
        ),
        (&["--cassette", "record", "--duplicate"], "--duplicate"),
        (
            &["--cassette", "replay", "--no-mock"],
            "mock of this run's own",
        ),
        (
            &["--cassette", "replay", "--box", "http://127.0.0.1:1"],
            "mock of this run's own",
        ),
        (&["--cassette", "always"], "replay"),
        (&["--cassette-ignore", "id"], "JSON pointer"),
    ] {
        world
            .replay(options)
            .assert()
            .code(2)
            .stderr(contains(words));
    }
    skillctl()
        .args([
            "replay",
            "cases",
            "--cassette",
            "replay",
            "--skill",
            "http://127.0.0.1:1/",
        ])
        .current_dir(world.folder.path())
        .assert()
        .code(2)
        .stderr(contains("started here"));
}
