//! Handlers behind the built-in Lambda adapters, run by the node and python3 of this machine. Without
//! them a test prints that it tested nothing, and passes.

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::{
    support::{has, project, skillctl, skillctl_process, wait_for},
    world::json_lines,
};

/// The major version of Node: from 24 on, AWS's runtime has no callbacks.
fn node_version() -> u32 {
    let output = Command::new("node").arg("--version").output();
    let output = output.expect("node runs").stdout;
    let version = String::from_utf8_lossy(&output);
    let major = version.trim_start_matches('v').split('.').next();
    major
        .and_then(|major| major.parse().ok())
        .expect("a version")
}

/// A handler in its folder, run by `mock-box`; stopped with the test.
struct Running {
    child: Child,
    address: String,
    _folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_files(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

fn start(handler: &str, files: &[(&str, &str)]) -> Running {
    start_with(handler, files, &[])
}

fn start_with(handler: &str, files: &[(&str, &str)], options: &[&str]) -> Running {
    let folder = write_files(files);
    let mut child = skillctl_process()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--handler", handler])
        .args(options)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mock-box starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    let address = lines.find_map(|line| {
        let line = line.expect("text");
        let (_, rest) = line.split_once(" on http://127.0.0.1:")?;
        let port = rest.strip_suffix(" (PORT sets the port)")?;
        Some(format!("127.0.0.1:{port}"))
    });
    // The pipe must be read until its end, or mock-box would block when it is full.
    std::thread::spawn(move || lines.for_each(drop));
    Running {
        child,
        address: address.expect("it prints where the handler listens"),
        _folder: folder,
    }
}

impl Running {
    /// POSTs `body` and returns status, head and body of the reply.
    fn post(&self, body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("the handler accepts");
        write!(
            stream,
            "POST /skill?a=1 HTTP/1.1\r\nHost: skill\r\nbox-signature-version: 1\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .expect("the head is sent");
        stream.write_all(body).expect("the body is sent");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        let (head, body) = reply.split_once("\r\n\r\n").expect("head and body");
        let status = head[9..12].parse().expect("a status");
        (status, head.to_owned(), body.to_owned())
    }

    /// Kills mock-box, which cannot end its sandboxes then.
    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    fn status(&self) -> u16 {
        self.post(b"{}").0
    }

    fn body(&self) -> String {
        self.post(b"{}").2
    }
}

fn node_handler(text: &str) -> Running {
    start("node:index.handler", &[("index.js", text)])
}

fn python_handler(text: &str) -> Running {
    start("python:app.lambda_handler", &[("app.py", text)])
}

#[test]
fn node_handlers_answer_by_promise_callback_and_context() {
    if !has("node") {
        return;
    }
    let promises = [
        (
            "promise",
            "exports.handler = (event) => Promise.resolve({statusCode: 201});",
        ),
        (
            "async",
            "exports.handler = async () => ({statusCode: '201', body: 'x'});",
        ),
    ];
    let callbacks = [
        (
            "callback",
            "exports.handler = (event, context, callback) => \
               setTimeout(() => callback(null, {statusCode: 201, body: ''}), 1);",
        ),
        (
            "async with callback",
            "module.exports.handler = async (event, context, callback) => { \
               context.callbackWaitsForEmptyEventLoop = false; \
               callback(null, {statusCode: 201}); await new Promise(r => setTimeout(r, 50)); };",
        ),
        (
            "context.succeed",
            "exports.handler = (event, context) => { context.succeed({statusCode: 201}); };",
        ),
    ];
    let has_callbacks = node_version() < 24;
    for (style, text) in promises
        .into_iter()
        .chain(callbacks.into_iter().filter(|_| has_callbacks))
    {
        assert_eq!(node_handler(text).status(), 201, "{style}");
    }
}

#[test]
fn node_ignores_a_plain_return_value_as_long_as_it_has_callbacks() {
    if !has("node") {
        return;
    }
    let (status, _, body) =
        node_handler("exports.handler = () => ({statusCode: 201});").post(b"{}");
    if node_version() < 24 {
        assert_eq!(status, 502);
        assert!(body.contains("returned null"), "{body}");
    } else {
        assert_eq!(status, 201);
    }
}

#[test]
fn node_handlers_may_be_es_modules_in_folders_and_nested_exports() {
    if !has("node") {
        return;
    }
    let text = "export const handler = async () => ({statusCode: 202});";
    let running = start("node:src/skill.handler", &[("src/skill.mjs", text)]);
    assert_eq!(running.status(), 202);

    let package = ("package.json", "{\"type\": \"module\"}");
    let running = start("node:index.handler", &[package, ("index.js", text)]);
    assert_eq!(running.status(), 202);

    let nested = "module.exports = {api: {main: async () => ({statusCode: 203})}};";
    let running = start("node:index.api.main", &[("index.cjs", nested)]);
    assert_eq!(running.status(), 203);
}

const SHOWS_EVENT_JS: &str = "exports.handler = async (event) => ({
    statusCode: 200, headers: {'X-From': 'skill', 'Content-Length': '1'}, body: JSON.stringify(event)});";
const SHOWS_EVENT_PY: &str = "import json
def lambda_handler(event, context):
    assert context.get_remaining_time_in_millis() > 0 and context.aws_request_id
    return {'statusCode': 200, 'headers': {'X-From': 'skill', 'Content-Length': '1'},
            'body': json.dumps(event)}
";

#[test]
fn the_handler_gets_a_proxy_event_with_the_exact_body_and_headers() {
    let mut seen = Vec::new();
    if has("node") {
        seen.push(node_handler(SHOWS_EVENT_JS));
    }
    if has("python3") {
        seen.push(python_handler(SHOWS_EVENT_PY));
    }
    for running in seen {
        let exact = r#"{"name":"\u00dcber\/sicht", "raw":"ü"}"#;
        let (status, head, body) = running.post(exact.as_bytes());
        assert_eq!(status, 200, "{body}");
        assert!(head.contains("x-from: skill"), "{head}");
        let event: Value = serde_json::from_str(&body).expect("the event");
        assert_eq!(event["body"], exact);
        assert_eq!(event["isBase64Encoded"], false);
        assert_eq!(event["headers"]["box-signature-version"], "1");
        assert_eq!(
            event["multiValueHeaders"]["box-signature-version"],
            json!(["1"])
        );
        assert_eq!(event["httpMethod"], "POST");
        assert_eq!(event["path"], "/skill");
        assert_eq!(event["queryStringParameters"], json!({"a": "1"}));

        let (_, _, body) = running.post(&[0xff, 0xfe]);
        let event: Value = serde_json::from_str(&body).expect("the event");
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("//4="), &json!(true))
        );
    }
}

#[test]
fn an_answer_that_api_gateway_refuses_is_a_502_with_the_reason() {
    let node = |answer: &str| {
        let text = format!("exports.handler = async () => {{ {answer} }};");
        node_handler(&text)
    };
    let python = |answer: &str| {
        let text = format!("def lambda_handler(event, context):\n    {answer}\n");
        python_handler(&text)
    };
    let mut cases = Vec::new();
    if has("node") {
        cases.extend([
            (node("return {body: ''}"), "statusCode"),
            (node("return 'fine'"), "statusCode"),
            (node(""), "statusCode"),
            (node("return {statusCode: 200, body: {}}"), "JSON.stringify"),
            (node("throw new Error('boom')"), "boom"),
            (
                node_handler("exports.handler = () => { throw new Error('boom'); };"),
                "boom",
            ),
            (
                node("process.exit(3)"),
                "ended before it answered: exit code 3",
            ),
            (
                node("return new Promise(() => {})"),
                "the event loop is empty",
            ),
            (
                node("setTimeout(() => { throw new Error('boom'); }); await new Promise(() => {})"),
                "boom",
            ),
        ]);
    }
    if has("python3") {
        cases.extend([
            (python("return {'body': ''}"), "statusCode"),
            (python("return 'fine'"), "statusCode"),
            (python("pass"), "statusCode"),
            (
                python("return {'statusCode': 200, 'body': {}}"),
                "json.dumps",
            ),
            (python("raise ValueError('boom')"), "boom"),
            (
                python("import os; os._exit(3)"),
                "ended before it answered: exit code 3",
            ),
            (
                python_handler(
                    "async def lambda_handler(event, context):\n    return {'statusCode': 200}\n",
                ),
                "AWS does not await Python handlers",
            ),
        ]);
    }
    for (running, reason) in cases {
        let (status, _, body) = running.post(b"{}");
        assert_eq!(status, 502, "{reason}: {body}");
        assert!(body.contains(reason), "{reason}: {body}");
    }
}

#[test]
fn python_handlers_answer_by_return_value_also_from_packages() {
    if !has("python3") {
        return;
    }
    let text = "def lambda_handler(event, context):\n    return {'statusCode': 201, 'body': ''}\n";
    assert_eq!(python_handler(text).status(), 201);

    let text = "def main(event, context):\n    return {'statusCode': '202'}\n";
    let running = start("python:src/skill.main", &[("src/skill.py", text)]);
    assert_eq!(running.status(), 202);

    let files = [
        ("helper.py", "STATUS = 203\n"),
        (
            "app.py",
            "from helper import STATUS\ndef lambda_handler(e, c):\n    return {'statusCode': STATUS}\n",
        ),
    ];
    assert_eq!(start("python:app.lambda_handler", &files).status(), 203);
}

/// Handlers that answer with the process they run in, after a while.
fn process_handlers(options: &[&str]) -> Vec<Running> {
    let mut running = Vec::new();
    if has("node") {
        let text = "exports.handler = async () => { await new Promise((done) => setTimeout(done, 50)); \
                    return {statusCode: 200, body: String(process.pid)}; };";
        running.push(start_with(
            "node:index.handler",
            &[("index.js", text)],
            options,
        ));
    }
    if has("python3") {
        let text = "import os, time\ndef lambda_handler(event, context):\n    time.sleep(0.05)\n    \
                    return {'statusCode': 200, 'body': str(os.getpid())}\n";
        running.push(start_with(
            "python:app.lambda_handler",
            &[("app.py", text)],
            options,
        ));
    }
    running
}

#[test]
fn one_sandbox_takes_one_event_after_the_other() {
    for running in process_handlers(&[]) {
        let first = running.body();
        assert_eq!([running.body(), running.body()], [first.clone(), first]);
    }
}

#[test]
fn many_events_at_once_are_answered_by_as_many_sandboxes_as_allowed() {
    for running in process_handlers(&["--concurrency", "2"]) {
        let bodies: HashSet<String> = std::thread::scope(|scope| {
            let posts: Vec<_> = (0..6).map(|_| scope.spawn(|| running.body())).collect();
            posts
                .into_iter()
                .map(|post| post.join().expect("a reply"))
                .collect()
        });
        assert_eq!(bodies.len(), 2, "{bodies:?}");
        assert!(
            bodies.iter().all(|body| body.parse::<u32>().is_ok()),
            "{bodies:?}"
        );
    }
}

#[test]
fn a_handler_that_cannot_be_loaded_exits_3_with_the_reason() {
    let mut cases = Vec::new();
    if has("node") {
        cases.extend([
            ("node:index.handler", vec![], "index.js"),
            (
                "node:index.handler",
                vec![("index.js", "exports.other = 1")],
                "no function handler",
            ),
            (
                "node:index.handler",
                vec![("index.js", "syntax error here")],
                "cannot be loaded",
            ),
        ]);
    }
    if has("python3") {
        cases.extend([
            ("python:app.main", vec![], "No module named 'app'"),
            (
                "python:app.main",
                vec![("app.py", "x = 1\n")],
                "has no function main",
            ),
            (
                "python:app.main",
                vec![("app.py", "import nothing_there\n")],
                "nothing_there",
            ),
        ]);
    }
    for (handler, files, reason) in cases {
        let folder = write_files(&files);
        skillctl()
            .current_dir(folder.path())
            .args(["mock-box", "--listen", "127.0.0.1:0", "--handler", handler])
            .assert()
            .code(3)
            .stderr(contains("could not be loaded").and(contains(reason)));
    }
}

/// Handlers that leave a timer or a thread behind. They answer with how many of those had fired more
/// than a second before the event came, and wait for them where they are asked to.
fn leaving_handlers() -> Vec<Running> {
    let mut running = Vec::new();
    if has("node") {
        let text = "const fired = []; exports.handler = async (request) => { \
            const early = fired.filter((at) => at < Date.now() - 1000).length; \
            setTimeout(() => fired.push(Date.now()), 20); \
            if (request.body === 'wait') await new Promise((done) => setTimeout(done, 200)); \
            return {statusCode: 200, body: `${early} ${fired.length}`}; };";
        running.push(node_handler(text));
    }
    if has("python3") {
        let text = "import threading, time\nfired = []\n\
            def later():\n    time.sleep(0.02)\n    fired.append(time.time())\n\
            def lambda_handler(event, context):\n    \
            early = len([at for at in fired if at < time.time() - 1])\n    \
            threading.Thread(target=later).start()\n    \
            if event['body'] == 'wait': time.sleep(0.2)\n    \
            return {'statusCode': 200, 'body': '%d %d' % (early, len(fired))}\n";
        running.push(python_handler(text));
    }
    running
}

#[test]
fn after_its_answer_a_sandbox_does_nothing_until_its_next_event() {
    for running in leaving_handlers() {
        assert_eq!(running.body(), "0 0");
        // The timer would fire in the meantime if the sandbox continued to run.
        std::thread::sleep(Duration::from_millis(1500));
        let (_, _, fired) = running.post(b"wait");
        assert_eq!(fired, "0 2", "both timers fire while it runs");
    }
}

#[test]
fn a_callback_waits_for_the_empty_event_loop_unless_it_is_configured_not_to() {
    if !has("node") || node_version() >= 24 {
        return;
    }
    let handler = |first: &str| {
        let text = format!(
            "let fired = false; exports.handler = (request, context, callback) => {{ {first} \
               const result = {{statusCode: 200, get body() {{ return String(fired); }}}}; \
               callback(null, result); setTimeout(() => {{ fired = true; }}, 50); }};"
        );
        node_handler(&text)
    };
    assert_eq!(handler("").body(), "true");
    let at_once = handler("context.callbackWaitsForEmptyEventLoop = false;");
    assert_eq!(at_once.body(), "false");
    // An error is answered at once.
    let text = "exports.handler = (request, context, callback) => { \
                  callback(new Error('boom')); setTimeout(() => {}, 60000); };";
    let (status, _, body) = node_handler(text).post(b"{}");
    assert_eq!(status, 502);
    assert!(body.contains("boom"), "{body}");
}

#[test]
fn a_handler_that_times_out_is_killed_and_replaced() {
    let mut cases = Vec::new();
    if has("node") {
        let text = "exports.handler = async (request, context) => { \
            if (request.body === 'hang') await new Promise((done) => setTimeout(done, 60000)); \
            return {statusCode: 200, body: String(context.getRemainingTimeInMillis())}; };";
        cases.push(("node:index.handler", ("index.js", text)));
    }
    if has("python3") {
        let text = "import time\ndef lambda_handler(event, context):\n    \
            if event['body'] == 'hang': time.sleep(60)\n    \
            return {'statusCode': 200, 'body': str(context.get_remaining_time_in_millis())}\n";
        cases.push(("python:app.lambda_handler", ("app.py", text)));
    }
    for (handler, file) in cases {
        let running = start_with(handler, &[file], &["--handler-timeout", "2s"]);
        let (status, _, body) = running.post(b"hang");
        assert_eq!(status, 502);
        assert!(body.contains("timed out after 2 s"), "{body}");
        let remaining: u32 = running.body().parse().expect("milliseconds");
        assert!((1..=2000).contains(&remaining), "{remaining}");
    }
}

#[test]
fn the_handler_listens_on_port_and_says_so() {
    if !has("node") {
        return;
    }
    let folder = write_files(&[(
        "index.js",
        "exports.handler = async () => ({statusCode: 200});",
    )]);
    let run = |port: &str| {
        let mut command = skillctl();
        command.current_dir(folder.path()).env("PORT", port).args([
            "mock-box",
            "--listen",
            "127.0.0.1:0",
            "--handler",
            "node:index.handler",
        ]);
        command.assert()
    };
    run("http")
        .code(2)
        .stderr(contains("PORT is not a port: http"));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    run(&port)
        .code(3)
        .stderr(contains(format!("127.0.0.1:{port}")));
}

#[test]
fn a_wrong_time_for_the_handler_exits_2() {
    for command in ["replay", "mock-box"] {
        skillctl()
            .args([
                command,
                "--handler",
                "node:index.handler",
                "--handler-timeout",
                "soon",
            ])
            .arg(project("fixtures/events/upload-text"))
            .assert()
            .code(2)
            .stderr(contains("--handler-timeout"));
    }
}

/// A skill that is a Lambda function; its card holds the first words of the file.
const SKILL_JS: &str = "const base = process.env.BOX_API_BASE_URL + '/2.0';
exports.handler = async (event) => {
    const { id, skill, source, token } = JSON.parse(event.body);
    const file = await fetch(`${base}/files/${source.id}/content`,
        { headers: { authorization: `Bearer ${token.read.access_token}` } });
    const words = (await file.text()).split(/\\s+/).slice(0, 2);
    const card = { type: 'skill_card', skill_card_type: 'keyword', created_at: '2026-01-01T00:00:00Z',
        skill_card_title: { code: 'skills_topics', message: 'Topics' },
        skill: { type: 'service', id: String(skill.id) }, invocation: { type: 'skill_invocation', id },
        entries: words.map((text) => ({ text })) };
    const written = await fetch(`${base}/skill_invocations/${skill.id}`, { method: 'PUT',
        headers: { authorization: `Bearer ${token.write.access_token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ status: 'success', file: { type: 'file', id: source.id },
            metadata: { cards: [card] } }) });
    return { statusCode: written.ok ? 200 : 500, body: '' };
};
";

const SKILL_PY: &str = "import json, os, urllib.request
BASE = os.environ['BOX_API_BASE_URL'] + '/2.0'
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def call(path, token, body=None, method='GET'):
    request = urllib.request.Request(BASE + path, data=body, method=method, headers={
        'authorization': 'Bearer ' + token['access_token'], 'content-type': 'application/json'})
    return OPENER.open(request).read()
def lambda_handler(event, context):
    e = json.loads(event['body'])
    words = call('/files/%s/content' % e['source']['id'], e['token']['read']).decode().split()[:2]
    card = {'type': 'skill_card', 'skill_card_type': 'keyword', 'created_at': '2026-01-01T00:00:00Z',
        'skill_card_title': {'code': 'skills_topics', 'message': 'Topics'},
        'skill': {'type': 'service', 'id': str(e['skill']['id'])},
        'invocation': {'type': 'skill_invocation', 'id': e['id']},
        'entries': [{'text': word} for word in words]}
    body = {'status': 'success', 'file': {'type': 'file', 'id': e['source']['id']},
        'metadata': {'cards': [card]}}
    call('/skill_invocations/%s' % e['skill']['id'], e['token']['write'],
        json.dumps(body).encode(), 'PUT')
    return {'statusCode': 200, 'body': ''}
";

#[test]
fn replay_runs_a_handler_as_the_skill() {
    for (program, handler, file, text) in [
        ("node", "node:index.handler", "index.js", SKILL_JS),
        ("python3", "python:app.lambda_handler", "app.py", SKILL_PY),
    ] {
        if !has(program) {
            continue;
        }
        let skill = tempdir().expect("a folder");
        fs::write(skill.path().join(file), text).expect("it can be written");
        skillctl()
            .current_dir(skill.path())
            .arg("replay")
            .arg(project("fixtures/events/upload-text/event.json"))
            .args([
                "--handler",
                handler,
                "--no-check",
                "expected",
                "--show-cards",
            ])
            .assert()
            .success()
            .stdout(contains("Tidal").and(contains("PASS")));
    }
}

#[test]
fn a_handler_that_cannot_be_read_exits_2_and_one_that_cannot_be_loaded_exits_3() {
    skillctl()
        .arg("replay")
        .arg(project("fixtures/events/upload-text/event.json"))
        .args(["--handler", "ruby:app.handler"])
        .assert()
        .code(2)
        .stderr(contains("`ruby`"));
    if has("python3") {
        let nothing = tempdir().expect("a folder");
        skillctl()
            .current_dir(nothing.path())
            .arg("replay")
            .arg(project("fixtures/events/upload-text/event.json"))
            .args(["--handler", "python:app.lambda_handler"])
            .assert()
            .code(3)
            .stderr(contains("No module named 'app'"));
    }
}

#[test]
fn a_handler_of_mock_box_gets_the_variables_of_the_mock() {
    if !has("node") {
        return;
    }
    let text = "const { BOX_API_BASE_URL, PORT } = process.env; \
                exports.handler = async () => ({statusCode: 200, body: `${BOX_API_BASE_URL} ${PORT}`});";
    let running = node_handler(text);
    let port = running.address.rsplit(':').next().expect("a port");
    let body = running.body();
    assert!(body.starts_with("http://127.0.0.1:"), "{body}");
    assert!(body.ends_with(&format!(" {port}")), "{body}");
}

/// Writes a card with the event's write token; `write(event)` in both languages.
const WRITE_JS: &str = "
const write = (e) => fetch(`https://api.box.com/2.0/skill_invocations/${e.skill.id}`, { method: 'PUT',
  headers: { authorization: `Bearer ${e.token.write.access_token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ status: 'success', file: { type: 'file', id: e.source.id }, metadata: { cards: [{
    type: 'skill_card', skill_card_type: 'keyword', skill_card_title: { message: 'T' },
    skill: { type: 'service', id: String(e.skill.id) }, invocation: { type: 'skill_invocation', id: e.id },
    entries: [{ text: 'x' }] }] } }) });
";
const WRITE_PY: &str = "import json, threading, time, urllib.request
def write(e):
    card = {'type': 'skill_card', 'skill_card_type': 'keyword', 'skill_card_title': {'message': 'T'},
        'skill': {'type': 'service', 'id': str(e['skill']['id'])},
        'invocation': {'type': 'skill_invocation', 'id': e['id']}, 'entries': [{'text': 'x'}]}
    body = {'status': 'success', 'file': {'type': 'file', 'id': e['source']['id']}, 'metadata': {'cards': [card]}}
    urllib.request.urlopen(urllib.request.Request(
        'https://api.box.com/2.0/skill_invocations/%s' % e['skill']['id'], json.dumps(body).encode(),
        {'Authorization': 'Bearer ' + e['token']['write']['access_token'], 'Content-Type': 'application/json'},
        method='PUT')).read()
def later(e, seconds):
    time.sleep(seconds)
    write(e)
";

/// Replays one event to a handler, and returns its result as JSON.
fn replayed(handler: &str, file: &(&str, String), options: &[&str]) -> Value {
    let folder = write_files(&[(file.0, &file.1)]);
    let output = skillctl()
        .current_dir(folder.path())
        .arg("replay")
        .arg(project("fixtures/events/upload-text/event.json"))
        .args([
            "--handler",
            handler,
            "--format",
            "json",
            "--no-check",
            "expected",
        ])
        .args(options)
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let (mut outcomes, _) = json_lines(&output.stdout);
    outcomes.remove(0)
}

#[test]
fn work_after_the_answer_of_a_handler_is_not_done() {
    let node = |body: &str| ("index.js", format!("{WRITE_JS}\n{body}"));
    let python = |body: &str| ("app.py", format!("{WRITE_PY}\n{body}"));
    let mut cases = Vec::new();
    if has("node") {
        cases.push((
            "node:index.handler",
            node(
                "exports.handler = async (r) => { \
                   const e = JSON.parse(r.body); setTimeout(() => write(e), 200); return {statusCode: 200}; };",
            ),
        ));
        if node_version() < 24 {
            cases.push((
                "node:index.handler",
                node(
                    "exports.handler = (r, context, callback) => { \
                       context.callbackWaitsForEmptyEventLoop = false; \
                       const e = JSON.parse(r.body); callback(null, {statusCode: 200}); \
                       setTimeout(() => write(e), 200); };",
                ),
            ));
        }
    }
    if has("python3") {
        cases.push((
            "python:app.handler",
            python(
                "def handler(r, c):\n    \
                   threading.Thread(target=later, args=(json.loads(r['body']), 0.2)).start()\n    \
                   return {'statusCode': 200}\n",
            ),
        ));
    }
    for (handler, file) in cases {
        let outcome = replayed(handler, &file, &["--wait", "2s"]);
        assert_eq!(outcome["ok"], false, "{outcome}");
        assert_eq!(outcome["reply"]["status"], 200, "{outcome}");
        assert_eq!(outcome["calls"], json!([]), "{outcome}");
    }
}

#[test]
fn what_was_open_when_a_sandbox_was_stopped_is_named_where_the_case_fails() {
    let mut cases = Vec::new();
    if has("node") {
        let text = "exports.handler = async () => { setTimeout(() => {}, 60000); return {statusCode: 200}; };";
        cases.push(("node:index.handler", "index.js", text, "Timeout"));
    }
    if has("python3") {
        let text = "import threading, time\ndef handler(event, context):\n    \
            threading.Thread(target=time.sleep, args=(60,), name='upload').start()\n    \
            return {'statusCode': 200}\n";
        cases.push(("python:app.handler", "app.py", text, "thread upload"));
    }
    for (handler, name, text, open) in cases {
        let folder = write_files(&[(name, text)]);
        skillctl()
            .current_dir(folder.path())
            .arg("replay")
            .arg(project("fixtures/events/upload-text/event.json"))
            .args(["--handler", handler, "--wait", "300ms"])
            .assert()
            .code(1)
            .stderr(contains("with these still open:").and(contains(open)));
    }
}

#[test]
fn a_callback_that_waits_too_long_for_the_event_loop_fails_the_reply() {
    if !has("node") || node_version() >= 24 {
        return;
    }
    let text = format!(
        "{WRITE_JS}\nexports.handler = (r, context, callback) => {{ \
           const e = JSON.parse(r.body); callback(null, {{statusCode: 200}}); \
           setTimeout(() => write(e), 3000); }};"
    );
    let options = ["--timeout", "1s", "--wait", "5s"];
    let outcome = replayed("node:index.handler", &("index.js", text), &options);
    assert_eq!(outcome["ok"], false, "{outcome}");
    let reply = outcome["checks"]
        .as_array()
        .and_then(|checks| checks.iter().find(|check| check["name"] == "reply"))
        .expect("the check");
    assert_eq!(reply["ok"], false, "{outcome}");
}

#[test]
fn an_event_does_not_wait_for_the_sandbox_of_one_whose_client_has_gone() {
    if !has("node") {
        return;
    }
    let text = "exports.handler = async (r) => { \
        if (r.body === 'slow') await new Promise((done) => setTimeout(done, 60000)); \
        return {statusCode: 200, body: 'quick'}; };";
    let running = start_with(
        "node:index.handler",
        &[("index.js", text)],
        &["--concurrency", "1"],
    );
    let mut slow = TcpStream::connect(&running.address).expect("the handler accepts");
    slow.write_all(b"POST / HTTP/1.1\r\nHost: skill\r\nContent-Length: 4\r\n\r\nslow")
        .expect("it is sent");
    drop(slow);
    assert_eq!(running.body(), "quick");
}

#[test]
fn what_a_sandbox_started_does_not_outlive_a_skillctl_that_is_killed() {
    if !has("python3") {
        return;
    }
    // The system may send SIGHUP to stopped orphans; nothing else would end this child.
    let app = "import signal, subprocess\n\
               signal.signal(signal.SIGHUP, signal.SIG_IGN)\n\
               child = subprocess.Popen(['sleep', '600'])\n\
               def handler(event, context):\n    return {'statusCode': 200, 'body': str(child.pid)}\n";
    let mut running = start("python:app.handler", &[("app.py", app)]);
    let (_, _, id) = running.post(b"{}");
    let id = Pid::from_raw(id.trim().parse().expect("an id")).expect("an id");
    assert!(test_kill_process(id).is_ok(), "it runs");
    running.kill();
    wait_for("the child is gone", || has_ended(id).then_some(()));
}

/// Whether a process is gone, or has ended and waits for its parent.
fn has_ended(id: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
    match status {
        Ok(status) => status
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z")),
        Err(_) => test_kill_process(id).is_err(),
    }
}
