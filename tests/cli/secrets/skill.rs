//! A skill that leaks its secrets: in its output in every way that programs print things, and to its
//! Box in every place where a token may be.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
};

use serde_json::{Value, json};
use tiny_http::{Response, Server};

use super::planted::secret;
use crate::world::http;

/// The command line that starts it.
pub(super) fn command() -> Vec<String> {
    let this = env::current_exe().expect("tests know themselves");
    let mut words = vec![this.to_string_lossy().into_owned()];
    let options = [
        "--exact",
        "secrets::skill::a_skill",
        "--ignored",
        "--nocapture",
    ];
    words.extend(options.map(str::to_owned));
    words
}

/// The variable that names the file to which it writes the tokens that it was given.
pub(super) const NOTES: &str = "TOKENS_SEEN";

/// Not a test: the skill of the tests here, as a separate process.
#[test]
#[ignore = "started by another test as a process of its own"]
fn a_skill() {
    let port = env::var("PORT").expect("it is given a port");
    let server = Server::http(format!("127.0.0.1:{port}")).expect("the port is free");
    for mut request in server.incoming_requests() {
        let mut text = String::new();
        let read = request.as_reader().read_to_string(&mut text);
        read.expect("a body");
        let mut event: Value = serde_json::from_str(&text).expect("JSON");
        if let Some(inner) = event["body"].as_str() {
            event = serde_json::from_str(inner).expect("JSON");
        }
        let token = |kind: &str| {
            let token = event["token"][kind]["access_token"].as_str();
            token.expect("a token").to_owned()
        };
        let (read, write) = (token("read"), token("write"));
        write_down(&[&read, &write]);
        leak(&text, &read, &write);
        if let Ok(root) = env::var("BOX_API_BASE_URL") {
            call(&root, &event, &read, &write);
        }
        let answer = Response::from_string(format!("refused: {text}")).with_status_code(500);
        let _ = request.respond(answer);
    }
}

fn write_down(tokens: &[&str]) {
    let path = env::var(NOTES).expect("the variable is set");
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(Path::new(&path))
        .expect("it opens");
    writeln!(file, "{}", tokens.join("\n")).expect("it is noted");
}

fn leak(event: &str, read: &str, write: &str) {
    let mut out = io::stdout().lock();
    let said = writeln!(
        out,
        "{event}\n{:?}\nread token {read}\naccess_token: '{read}', write={write};\n\
         Authorization: Bearer {write}\nGET /2.0/files/1?access_token={read}",
        json!({ "body": event }).to_string()
    );
    said.expect("it is said");
    writeln!(io::stderr(), "Error: 401 for {write}\n    at {read}").expect("it is said");
}

fn call(root: &str, event: &Value, read: &str, write: &str) {
    let file = event["source"]["id"].as_str().unwrap_or_default();
    let http = http();
    let content = format!("{root}/2.0/files/{file}/content");
    let cards = format!("{root}/2.0/files/{file}/metadata/global/boxSkillsCards");
    let calls = [
        http.get(&content).bearer_auth(write),
        http.get(format!("{content}?access_token={read}")),
        http.get(format!("{content}?access%5Ftoken={}", secret("ByQuery"))),
        http.get(&content).header("x-api-key", secret("ByHeader")),
        http.post(&cards)
            .bearer_auth(read)
            .header("content-type", "application/json")
            .body(json!({ "access_token": read, "event": event.to_string() }).to_string()),
        http.post(format!("{root}/oauth2/token")).body(format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            secret("ClientId"),
            secret("ClientSecret")
        )),
    ];
    for call in calls {
        let _ = call.send();
    }
}
