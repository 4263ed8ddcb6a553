//! The mock: all that a skill may send it, and all that its admin API answers.

use std::{
    fs::{self, File},
    io::Read,
};

use serde_json::Value;

use super::{
    Trail,
    planted::{secret, url_with},
};
use crate::world::{MockBox, Skill, http};

/// The mock in both of its formats, with all that a skill may send it and all that its admin API
/// answers.
pub(super) fn mock_box(trail: &mut Trail) {
    for format in ["human", "json"] {
        let log =
            |name: &str| File::create(trail.output(&format!("{format}.{name}"))).expect("a file");
        let skill = Skill::new(|_| 500);
        let path = |name: &str| trail.output(name).to_str().expect("text").to_owned();
        let (record, events) = (path("writes.jsonl"), path("events"));
        let url = url_with(
            "SkillUrl",
            skill
                .url
                .trim_start_matches("http://")
                .trim_end_matches('/'),
        );
        let (case, gateway, served) = (
            trail.input("case"),
            trail.input("gateway.json"),
            trail.input("served"),
        );
        let options = [
            &case,
            &gateway,
            "--record",
            &record,
            "--events-dir",
            &events,
            "--files",
            &served,
            "--skill",
            &url,
            "--retries",
            "0",
            "--format",
            format,
            "--show-cards",
            "-v",
            "--user-token-env",
            "User",
            "--admin-token-env",
            "Admin",
            "--primary-key-env",
            "Primary",
            "--secondary-key-env",
            "Secondary",
        ];
        let mut mock = MockBox::printing(
            trail.program(),
            &options,
            log("out").into(),
            log("err").into(),
        );
        let ready = fs::read_to_string(mock.folder().join("ready.json")).expect("it is ready");
        trail.said.push(("ready file".to_owned(), ready));
        speak_to(trail, &mock, &events);
        let id = i32::try_from(mock.child.id()).expect("an id");
        let pid = rustix::process::Pid::from_raw(id).expect("an id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .expect("the signal is sent");
        mock.child.wait().expect("it ends");
    }
}

fn speak_to(trail: &mut Trail, mock: &MockBox, events: &str) {
    let http = http();
    for entry in fs::read_dir(events).expect("the events") {
        let text = fs::read(entry.expect("an entry").path()).expect("it reads");
        let event: Value = serde_json::from_slice(&text).expect("JSON");
        for kind in ["read", "write"] {
            let token = event["token"][kind]["access_token"]
                .as_str()
                .expect("a token");
            trail.minted.push(token.to_owned());
        }
        let at = &mock.url;
        let file = event["source"]["id"].as_str().expect("an id");
        let (read, write) = (secret("ByQuery"), &trail.minted[trail.minted.len() - 1]);
        let calls = [
            http.get(format!("{at}/2.0/files/{file}?access_token={read}")),
            http.get(format!("{at}/2.0/users/me"))
                .bearer_auth(secret("User")),
            http.get(format!("{at}/2.0/files/{file}"))
                .bearer_auth(secret("ByHeader"))
                .header("cookie", secret("ByHeader"))
                .header(
                    "proxy-authorization",
                    format!("Basic {}", secret("ByHeader")),
                ),
            http.post(format!(
                "{at}/2.0/files/{file}/metadata/global/boxSkillsCards"
            ))
            .header("content-type", "application/json")
            .bearer_auth(write)
            .body(r#"{"cards":[]}"#),
            http.put(format!("{at}/2.0/skill_invocations/4711"))
                .bearer_auth(write)
                .body(format!(
                    r#"{{"status":"success","token":"{read}","cut":{event}"#
                )),
            http.post(format!("{at}/oauth2/token")).body(format!(
                "grant_type=client_credentials&client_id={}&client_secret={}",
                secret("ClientId"),
                secret("ClientSecret")
            )),
        ];
        for call in calls {
            let answer = call.send().expect("an answer").text().expect("text");
            // The token that was asked for.
            if let Ok(granted) = serde_json::from_str::<Value>(&answer)
                && let Some(token) = granted["access_token"].as_str()
            {
                trail.minted.push(token.to_owned());
            }
        }
    }
    let case = fs::read(trail.inputs.path().join("case/event.json")).expect("the event");
    let steer = |method: &str, path: &str| {
        let method = method.parse().expect("a method");
        let url = format!("{}/_mock/{path}", mock.url);
        http.request(method, url).bearer_auth(secret("Admin"))
    };
    let answer = steer("POST", "events")
        .body(case)
        .send()
        .expect("an answer");
    let event: Value = serde_json::from_slice(&answer.bytes().expect("bytes")).expect("JSON");
    let file = event["source"]["id"].as_str().expect("an id").to_owned();
    trail
        .said
        .push(("POST /_mock/events".to_owned(), event.to_string()));
    for (method, path) in [
        ("POST", format!("files/{file}/fire")),
        ("GET", "calls".to_owned()),
        ("GET", "writes".to_owned()),
        ("GET", "health".to_owned()),
        ("GET", "trust".to_owned()),
        ("GET", "faults".to_owned()),
        ("GET", "ca.pem".to_owned()),
        ("GET", format!("files/{file}?info=true")),
        ("GET", "nothing".to_owned()),
    ] {
        let answer = steer(method, &path).send().expect("an answer");
        let label = format!("{method} /_mock/{path}");
        trail.said.push((label, answer.text().expect("text")));
    }
    let mut stream = steer("GET", "stream?after=0").send().expect("an answer");
    let mut received = vec![0; 256 * 1024];
    let mut length = 0;
    // Up to the last thing that happened: a call to this stream itself is not a call to Box.
    while !String::from_utf8_lossy(&received[..length]).contains("event: attempt") {
        length += stream.read(&mut received[length..]).expect("it goes on");
    }
    let received = String::from_utf8_lossy(&received[..length]).into_owned();
    trail.said.push(("GET /_mock/stream".to_owned(), received));
    for (name, code) in [("Admin", 0), ("User", 3)] {
        let words = ["env", "--box", &mock.url, "--admin-token-env", name];
        trail.run("env", &words, code);
    }
}
