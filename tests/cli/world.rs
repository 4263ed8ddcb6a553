//! Helpers for the tests of replay: a mock Box as a separate process, and small skills, each on its own
//! port.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;
use tiny_http::{Response, Server};

use crate::support::{skillctl, skillctl_process, wait_for};

/// A mock Box on a free port; ended when dropped.
pub(crate) struct MockBox {
    pub(crate) child: Child,
    folder: TempDir,
    pub(crate) url: String,
}

impl MockBox {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With further options.
    pub(crate) fn with(options: &[&str]) -> Self {
        Self::started(skillctl_process(), options)
    }

    /// Started by this program: `skillctl`, or a shell that starts it.
    pub(crate) fn started(program: std::process::Command, options: &[&str]) -> Self {
        Self::printing(program, options, Stdio::null(), Stdio::null())
    }

    /// The same, with its output redirected.
    pub(crate) fn printing(
        mut program: std::process::Command,
        options: &[&str],
        stdout: Stdio,
        stderr: Stdio,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ready = folder.path().join("ready.json");
        let child = program
            .args(["mock-box", "--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready)
            .args(options)
            // It is killed and cannot tidy up: what it leaves goes with the folder.
            .env("TMPDIR", folder.path())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("the mock starts");
        let mut mock = Self {
            child,
            folder,
            url: String::new(),
        };
        mock.url = mock.wait_ready(&ready);
        mock
    }

    fn wait_ready(&mut self, ready: &PathBuf) -> String {
        wait_for("the mock is ready", || {
            let text = std::fs::read_to_string(ready).unwrap_or_default();
            if let Ok(Value::Object(ready)) = serde_json::from_str(&text) {
                return Some(ready["url"].as_str().expect("a URL").to_owned());
            }
            let early = self.child.try_wait().expect("a state");
            assert!(early.is_none(), "the mock ended before it was ready");
            None
        })
    }

    /// Registers a minimal event about file `file_id`, and returns it as the mock has it.
    pub(crate) fn register(&self, file_id: &str) -> Invocation {
        let event = json!({
            "id": "event", "skill": {"id": "1"},
            "source": {"type": "file", "id": file_id, "name": "a.txt", "size": 1},
            "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
        });
        let answer = http()
            .post(format!("{}/_mock/events", self.url))
            .body(event.to_string())
            .send()
            .expect("an answer");
        assert_eq!(answer.status(), 200);
        let event = serde_json::from_slice(&answer.bytes().expect("bytes")).expect("an event");
        Invocation {
            event,
            root: format!("{}/2.0", self.url),
        }
    }

    /// What the admin API answers to a GET.
    pub(crate) fn ask(&self, path: &str) -> Value {
        let answer = http()
            .get(format!("{}/_mock/{path}", self.url))
            .send()
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_slice(&answer.bytes().expect("bytes")).expect("JSON")
    }

    /// Limits the size of the files that it writes, in bytes; `None` removes the limit.
    #[cfg(target_os = "linux")]
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let id = i32::try_from(self.child.id()).expect("a process id");
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Pid::from_raw(id), Resource::Fsize, limit).expect("it is ours");
    }

    /// A folder that lives as long as the mock.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A replay of `fixtures` to `skill` through this mock.
    pub(crate) fn replay(&self, skill: &Skill, fixtures: &[&str]) -> Command {
        let mut command = skillctl();
        command
            .args(["replay", "--box", &self.url, "--skill", &skill.url])
            .args(fixtures);
        command
    }
}

impl Drop for MockBox {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A blocking client that needs no certificates and no proxy.
pub(crate) fn http() -> reqwest::blocking::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::blocking::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .expect("a client")
}

/// A small skill: its `work` is called with each event, and returns the status of the reply.
pub(crate) struct Skill {
    pub(crate) url: String,
    events: Arc<AtomicUsize>,
    server: Arc<Server>,
}

impl Skill {
    /// A skill that works before it replies with the status that `work` gives.
    pub(crate) fn new(work: impl Fn(&Invocation) -> u16 + Send + Sync + 'static) -> Self {
        Self::serve(move |request, invocation| {
            let status = work(&invocation);
            let _ = request.respond(Response::from_string("").with_status_code(status));
        })
    }

    /// A skill whose `work` calls this mock, and which then replies 200.
    pub(crate) fn at(mock: &MockBox, work: impl Fn(&Invocation) + Send + Sync + 'static) -> Self {
        let url = mock.url.clone();
        Self::new(move |invocation| {
            work(&invocation.at(&url));
            200
        })
    }

    /// A skill that replies 200 and works afterwards.
    pub(crate) fn afterwards(work: impl Fn(&Invocation) + Send + Sync + 'static) -> Self {
        Self::serve(move |request, invocation| {
            let _ = request.respond(Response::from_string(""));
            work(&invocation);
        })
    }

    fn serve(answer: impl Fn(tiny_http::Request, Invocation) + Send + Sync + 'static) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").expect("a port"));
        let url = format!("http://{}/", server.server_addr());
        let events = Arc::new(AtomicUsize::new(0));
        let (taken, socket, answer) = (Arc::clone(&events), Arc::clone(&server), Arc::new(answer));
        thread::spawn(move || {
            for mut request in socket.incoming_requests() {
                taken.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    let mut body = Vec::new();
                    request.as_reader().read_to_end(&mut body).expect("a body");
                    let event = serde_json::from_slice(&body).expect("an event");
                    answer(
                        request,
                        Invocation {
                            event,
                            root: String::new(),
                        },
                    );
                });
            }
        });
        Self {
            url,
            events,
            server,
        }
    }

    /// How many events reached it.
    pub(crate) fn events(&self) -> usize {
        self.events.load(Ordering::SeqCst)
    }
}

impl Drop for Skill {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

/// An event as a skill has it, with the calls it may make.
#[derive(Clone)]
pub(crate) struct Invocation {
    pub(crate) event: Value,
    root: String,
}

impl Invocation {
    /// For this event, without a mock yet.
    pub(crate) fn from_event(event: Value) -> Self {
        Self {
            event,
            root: String::new(),
        }
    }

    /// The same, with Box at `url`.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self {
            root: format!("{url}/2.0"),
            ..self.clone()
        }
    }

    pub(crate) fn token(&self, kind: &str) -> String {
        self.event["token"][kind]["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    pub(crate) fn file_id(&self) -> String {
        match &self.event["source"]["id"] {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        }
    }

    /// Downloads the content; returns the status after the redirect, and the bytes.
    pub(crate) fn download(&self, token: &str) -> (u16, Vec<u8>) {
        let url = format!("{}/files/{}/content", self.root, self.file_id());
        let response = http()
            .get(url)
            .bearer_auth(token)
            .send()
            .expect("an answer");
        (
            response.status().as_u16(),
            response.bytes().expect("bytes").to_vec(),
        )
    }

    /// Reports by skill_invocations.
    pub(crate) fn report(&self, status: &str, cards: &Value) -> u16 {
        let body = json!({
            "status": status,
            "file": {"type": "file", "id": self.file_id()},
            "metadata": {"cards": cards},
            "usage": null
        });
        let skill = self.event["skill"]["id"].to_string().replace('"', "");
        let url = format!("{}/skill_invocations/{skill}", self.root);
        let request = http()
            .put(url)
            .bearer_auth(self.token("write"))
            .body(body.to_string());
        request.send().expect("an answer").status().as_u16()
    }

    /// Creates the cards by the metadata API.
    pub(crate) fn create(&self, cards: &Value) -> u16 {
        let request = http()
            .post(self.cards_url())
            .header("content-type", "application/json")
            .bearer_auth(self.token("write"))
            .body(json!({ "cards": cards }).to_string());
        request.send().expect("an answer").status().as_u16()
    }

    /// Changes the cards by a JSON Patch.
    pub(crate) fn patch(&self, patch: &Value) -> u16 {
        let request = http()
            .put(self.cards_url())
            .header("content-type", "application/json-patch+json")
            .bearer_auth(self.token("write"))
            .body(patch.to_string());
        request.send().expect("an answer").status().as_u16()
    }

    /// Creates an instance of another template, such as `global/properties`.
    pub(crate) fn create_metadata(&self, template: &str, fields: &Value) -> u16 {
        let request = http()
            .post(self.metadata_url(template))
            .header("content-type", "application/json")
            .bearer_auth(self.token("write"))
            .body(fields.to_string());
        request.send().expect("an answer").status().as_u16()
    }

    fn cards_url(&self) -> String {
        self.metadata_url("global/boxSkillsCards")
    }

    fn metadata_url(&self, template: &str) -> String {
        format!("{}/files/{}/metadata/{template}", self.root, self.file_id())
    }
}

/// A keyword card that Box accepts.
pub(crate) fn keyword(text: &str) -> Value {
    json!({
        "type": "skill_card", "skill_card_type": "keyword",
        "skill": {"type": "service", "id": "s"},
        "invocation": {"type": "skill_invocation", "id": "i"},
        "skill_card_title": {"code": "skills_topics", "message": "Topics"},
        "entries": [{"text": text}]
    })
}

/// A status card with this code.
pub(crate) fn status_card(code: &str) -> Value {
    json!({
        "type": "skill_card", "skill_card_type": "status",
        "skill": {"type": "service", "id": "s"},
        "invocation": {"type": "skill_invocation", "id": "i"},
        "skill_card_title": {"code": "skills_status", "message": "Status"},
        "status": {"code": code, "message": "a message"}
    })
}

/// The failed check of an outcome with this name.
pub(crate) fn failed_check<'a>(outcome: &'a Value, name: &str) -> &'a Value {
    let checks = outcome["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == name);
    let check = check.unwrap_or_else(|| panic!("there is no check {name}: {outcome}"));
    assert_eq!(check["ok"], false, "{name} passed: {outcome}");
    check
}

/// The lines of `--format json`: the outcomes, and the summary.
pub(crate) fn json_lines(stdout: &[u8]) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> = String::from_utf8_lossy(stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let summary = lines.pop().expect("a summary")["summary"].clone();
    (lines, summary)
}
