//! Handlers behind the built-in Lambda adapters, run by the node and python3 of this machine. Without
//! them a test prints that it tested nothing, and passes.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};
use skillctl::skill::runtimes::handler::Handler;
use tempfile::{TempDir, tempdir};

use crate::support::{project, skillctl};

/// Whether this machine has the runtime.
#[allow(clippy::print_stderr, reason = "a test that tests nothing must say so")]
fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("{program} is not installed: nothing is tested");
    }
    found
}

/// A handler in its folder, running behind its adapter; ended with the test.
struct Running {
    child: Child,
    address: String,
    _folders: [TempDir; 2],
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(handler: &str, files: &[(&str, &str)]) -> (Child, [TempDir; 2]) {
    let (skill, run) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    for (name, text) in files {
        let path = skill.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("it can be written");
    }
    let handler = Handler::parse(handler).expect("a handler");
    let words = handler.prepare(run.path()).expect("the adapter is written");
    let child = Command::new(&words[0])
        .args(&words[1..])
        .current_dir(skill.path())
        .env("PORT", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the runtime starts");
    (child, [skill, run])
}

fn start(handler: &str, files: &[(&str, &str)]) -> Running {
    let (mut child, folders) = spawn(handler, files);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout is piped"))
        .read_line(&mut line)
        .expect("it says where it listens");
    let address = line
        .trim()
        .rsplit_once("http://")
        .map(|(_, address)| address.to_owned())
        .unwrap_or_default();
    Running {
        child,
        address,
        _folders: folders,
    }
}

impl Running {
    /// POSTs `body` and gives status, head and body of the answer.
    fn post(&self, body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("the adapter accepts");
        write!(
            stream,
            "POST /skill?a=1 HTTP/1.1\r\nHost: skill\r\nbox-signature-version: 1\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .expect("the adapter reads");
        stream.write_all(body).expect("the adapter reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the adapter answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        let status = head[9..12].parse().expect("a status");
        (status, head.to_owned(), body.to_owned())
    }

    fn status(&self) -> u16 {
        self.post(b"{}").0
    }
}

fn node_handler(text: &str) -> Running {
    start("node:index.handler", &[("index.js", text)])
}

fn python_handler(text: &str) -> Running {
    start("python:app.lambda_handler", &[("app.py", text)])
}

#[test]
fn node_handlers_answer_by_callback_promise_return_value_and_context() {
    if !has("node") {
        return;
    }
    for (style, text) in [
        (
            "callback",
            "exports.handler = (event, context, callback) => \
               setTimeout(() => callback(null, {statusCode: 201, body: ''}), 1);",
        ),
        (
            "promise",
            "exports.handler = (event) => Promise.resolve({statusCode: 201});",
        ),
        (
            "async",
            "exports.handler = async () => ({statusCode: '201', body: 'x'});",
        ),
        (
            "async with callback",
            "module.exports.handler = async (event, context, callback) => { \
               callback(null, {statusCode: 201}); await new Promise(r => setTimeout(r, 50)); };",
        ),
        (
            "return value",
            "exports.handler = (event) => ({statusCode: 201});",
        ),
        (
            "context.succeed",
            "exports.handler = (event, context) => { context.succeed({statusCode: 201}); };",
        ),
    ] {
        assert_eq!(node_handler(text).status(), 201, "{style}");
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

    let nested = "module.exports = {api: {main: (e, c, done) => done(null, {statusCode: 203})}};";
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
        assert!(head.contains("X-From: skill"), "{head}");
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
                node_handler("exports.handler = (e, c, done) => done(new Error('boom'));"),
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
        ]);
    }
    for (running, reason) in cases {
        let (status, _, body) = running.post(b"{}");
        assert_eq!(status, 502, "{reason}: {body}");
        assert!(body.contains(reason), "{reason}: {body}");
    }
}

#[test]
fn python_handlers_answer_by_return_value_also_from_packages_and_coroutines() {
    if !has("python3") {
        return;
    }
    let text = "def lambda_handler(event, context):\n    return {'statusCode': 201, 'body': ''}\n";
    assert_eq!(python_handler(text).status(), 201);

    let text = "async def main(event, context):\n    return {'statusCode': '202'}\n";
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

#[test]
fn many_events_at_once_are_answered() {
    let mut running = Vec::new();
    if has("node") {
        running.push(node_handler(
            "exports.handler = (event, context, callback) => \
               setTimeout(() => callback(null, {statusCode: 200}), 20);",
        ));
    }
    if has("python3") {
        running.push(python_handler(
            "import time\ndef lambda_handler(event, context):\n    time.sleep(0.02)\n    \
             return {'statusCode': 200}\n",
        ));
    }
    for running in running {
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| assert_eq!(running.status(), 200));
            }
        });
    }
}

#[test]
fn a_handler_that_cannot_be_loaded_ends_the_adapter_with_its_reason() {
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
        let (child, _folders) = spawn(handler, &files);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{reason}: {said}");
        assert!(said.contains(reason), "{reason}: {said}");
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
    let skill = tempdir().expect("a folder");
    // The handler ends at once, and mock-box ends with it.
    let text = "console.log('base', process.env.BOX_API_BASE_URL, 'on', process.env.PORT);\
                process.exit(0); exports.handler = () => {};\n";
    fs::write(skill.path().join("index.js"), text).expect("it can be written");
    skillctl()
        .current_dir(skill.path())
        .args(["mock-box", "--listen", "127.0.0.1:0"])
        .args(["--handler", "node:index.handler"])
        .assert()
        .success()
        .stdout(contains("base http://127.0.0.1:").and(contains("undefined").not()))
        .stderr(contains("node:index.handler on http://127.0.0.1:"));
}
