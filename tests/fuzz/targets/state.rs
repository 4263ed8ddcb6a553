//! The mock's state machine under a script of calls. Two events exist at the start, for the files
//! 42 and 52. A step is one of
//!
//! - `METHOD TARGET TOKEN`: a call. The token is `r1`, `w1`, `r2`, `w2` of an event, `u` of a user,
//!   `g` the last that was granted, `x` one that nobody knows, and anything else is none. The
//!   target `$` is the location of the last answer;
//! - `event`: registers the body; with the words `keep`, `keep-own` and `same-file` as the options of that name;
//! - `wait SECONDS`, `reset`;
//! - `box any`, `box documented` as the first step: the setup.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use skillctl::{
    domain::{
        call::{WriteOp, WriteRecord},
        card::validate::{Schema, box_refusal},
        event::invocation::Invocation,
        json::tree::Tape,
        metadata::instance::{Instance, InstanceHead, SKILLS_TEMPLATE},
        secret::Secret,
        token::TokenKind,
    },
    mock_box::{
        AcceptedBody, Answer, AnswerBody, Body, Change, Envelope, Head, Ids, InstancePath, Joined,
        Request, Settings, Spooled, State, TokenMode, Upload, Write, admit, decide,
        model::{content::sha1_hex, grant::Resource},
        prepare,
        register::{Recorded, Registering, register},
    },
};

use super::script::{Step, steps};

const USER: &str = "the-token-of-a-user";

pub(crate) fn check(bytes: &[u8]) {
    let steps = steps(bytes);
    let mut world = World::new(steps.first());
    for (id, name) in [("42", "talk.txt"), ("52", "paper.docx")] {
        world.register(&event(id, name), &Registering::default());
    }
    for step in &steps {
        world.take(step);
    }
    world.check_end();
}

fn event(id: &str, name: &str) -> Value {
    json!({
        "type": "skill_invocation", "id": "recorded_1", "skill": {"id": "46"},
        "source": {
            "id": id, "name": name, "size": 1, "parent": {"id": "44"}, "file_version": {"id": "43"}
        },
        "token": {"read": {"access_token": "REDACTED"}, "write": {"access_token": "REDACTED"}}
    })
}

/// The tokens of an event.
struct Registered {
    read: Secret,
    write: Secret,
}

/// The caller, by what its token may do at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    /// May change nothing.
    Nobody,
    /// May write the metadata of this file.
    Writer(String),
    /// May do everything.
    User,
}

struct World {
    state: State,
    ids: Ids,
    now: Timestamp,
    events: Vec<Registered>,
    granted: Option<Secret>,
    location: Option<String>,
    files: BTreeSet<String>,
}

impl World {
    fn new(first: Option<&Step<'_>>) -> Self {
        let words = first.map_or(&[][..], |step| &step.words);
        let is_setup = words.first() == Some(&"box");
        let has = |word| is_setup && words.contains(&word);
        let settings = Settings {
            tokens: if has("any") {
                TokenMode::Any
            } else {
                TokenMode::Strict
            },
            schema: if has("documented") {
                Schema::Documented
            } else {
                Schema::Box
            },
            user_token: Some(Secret::new(USER)),
            ..Settings::default()
        };
        let mut ids = Ids::new(1);
        Self {
            state: State::new(settings, &mut ids),
            ids,
            now: Timestamp::from_second(1_800_000_000).expect("in range"),
            events: Vec::new(),
            granted: None,
            location: None,
            files: BTreeSet::new(),
        }
    }

    fn take(&mut self, step: &Step<'_>) {
        match step.words.as_slice() {
            ["event", how @ ..] => {
                if let Ok(value) = serde_json::from_slice::<Value>(step.body) {
                    let how = Registering {
                        recorded: match how {
                            how if how.contains(&"keep") => Recorded::Kept,
                            how if how.contains(&"keep-own") => Recorded::KeptWhereFree,
                            _ => Recorded::Replaced,
                        },
                        same_file: how.contains(&"same-file"),
                        lasting: how.contains(&"lasting"),
                        content: None,
                    };
                    self.register(&value, &how);
                }
            }
            ["wait", seconds] => {
                let seconds = seconds.parse::<u32>().unwrap_or_default();
                let length = SignedDuration::from_secs(seconds.into());
                self.now = self.now.saturating_add(length).unwrap_or(Timestamp::MAX);
            }
            ["reset"] => {
                let record = WriteRecord::bare(self.state.next_seq(), self.now, WriteOp::Reset);
                self.state.apply(&Change::Write(Write::recorded(record)));
            }
            [method, target, token @ ..] => {
                let token = token.first().copied().unwrap_or_default();
                self.call(method, target, token, step);
            }
            _ => {}
        }
    }

    fn register(&mut self, event: &Value, how: &Registering) {
        let Ok(event) = Invocation::read(Tape::from_value(event)) else {
            return;
        };
        let made = register(&self.state, event, how, self.now, &mut self.ids);
        for change in &made.changes {
            self.state.apply(change);
        }
        let event = Invocation::read(made.event.tree().to_tape()).expect("it stays an event");
        let token = |kind| event.token(kind).expect("a token").access_token;
        let (read, write) = (token(TokenKind::Read), token(TokenKind::Write));
        let file_id = event.file_id();
        assert!(self.state.file(&file_id).is_some(), "its file exists");
        let grant = self.state.grant(&write).expect("its write token is good");
        assert_eq!(
            (grant.kind, &grant.resource),
            (TokenKind::Write, &Some(Resource::File(file_id.clone())))
        );
        assert!(self.state.grant(&read).is_some(), "its read token is good");
        self.files.insert(file_id);
        self.events.push(Registered { read, write });
    }

    fn token(&self, word: &str) -> Option<Secret> {
        let nth = |rest: &str| {
            let nth = rest.parse::<usize>().ok()?.checked_sub(1)?;
            self.events.get(nth)
        };
        if let Some(event) = word.strip_prefix('r').and_then(nth) {
            return Some(event.read.clone());
        }
        if let Some(event) = word.strip_prefix('w').and_then(nth) {
            return Some(event.write.clone());
        }
        match word {
            "u" => Some(Secret::new(USER)),
            "g" => self.granted.clone(),
            "x" => Some(Secret::new("a-token-of-nobody")),
            _ => None,
        }
    }

    fn who(&self, token: Option<&Secret>) -> Who {
        let Some(token) = token else {
            return Who::Nobody;
        };
        if token.expose() == USER {
            return Who::User;
        }
        match self.state.grant(token) {
            Some(grant) if grant.expires_at > self.now => match (grant.kind, &grant.resource) {
                (TokenKind::User, _) => Who::User,
                (TokenKind::Write, Some(Resource::File(file_id))) => Who::Writer(file_id.clone()),
                _ => Who::Nobody,
            },
            _ => Who::Nobody,
        }
    }

    fn call(&mut self, method: &str, target: &str, token: &str, step: &Step<'_>) {
        let Ok(method) = Method::from_bytes(method.as_bytes()) else {
            return;
        };
        let target = match (target, &self.location) {
            ("$", Some(location)) => location.clone(),
            (target, _) => target.to_owned(),
        };
        let secret = self.token(token);
        let who = self.who(secret.as_ref());
        let mut headers = step.headers.clone();
        if let Some(secret) = &secret {
            let value = format!("Bearer {}", secret.expose());
            // A token of an event may not be a valid header.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        // A token in another place counts as well.
        let is_told =
            !target.contains("access_token") && !step.headers.contains_key("authorization");
        let Some(head) = head(method, &target, headers) else {
            return;
        };
        let line = format!("{} {target} {token}", head.method);
        let answer = self.whole(head, step.body, is_told.then_some(&who), &line);
        check_answer(&line, &answer);
        self.remember(&answer);
    }

    /// The whole way of a call, as the host goes it.
    fn whole(&mut self, head: Head, body: &[u8], who: Option<&Who>, line: &str) -> Answer {
        let admitted = match admit(&self.state, &head, self.now).outcome {
            Err(refusal) => return *refusal,
            Ok(admitted) => admitted,
        };
        let file = (!head.headers.contains_key("x-no-file")).then(|| Spooled {
            path: "/spool".into(),
            size: 9,
            sha1: sha1_hex(b"123456789"),
        });
        let body = match &admitted.accepts {
            AcceptedBody::Nothing => Body::None,
            AcceptedBody::Memory(_) => Body::Memory(Bytes::copy_from_slice(body)),
            AcceptedBody::Part(_) => file.map_or(Body::None, Body::Part),
            AcceptedBody::Joined(..) => Body::Joined(Joined {
                json: Bytes::copy_from_slice(body),
                content: file,
            }),
            AcceptedBody::Upload(_) => Body::Upload(Upload {
                attributes: (!body.is_empty()).then(|| Bytes::copy_from_slice(body)),
                attributes_late: false,
                file,
            }),
        };
        let request = Request { head, body };
        let prepared = prepare(&self.state.settings, admitted, &request);
        let decision = decide(&self.state, &request, prepared, self.now, &mut self.ids);
        let status = decision.answer.status;
        if !decision.changes.is_empty() {
            assert!(
                status.is_success(),
                "{line}: {status}, and something changed"
            );
        }
        for change in &decision.changes {
            self.check_change(change, who, line);
            self.state.apply(change);
            self.check_applied(change, line);
        }
        decision.answer
    }

    /// What a caller may change, and what a record may say.
    fn check_change(&self, change: &Change, who: Option<&Who>, line: &str) {
        if let (TokenMode::Strict, Some(who)) = (self.state.settings.tokens, who) {
            let is_allowed = match (who, change) {
                (Who::User, _)
                | (
                    _,
                    Change::PutToken(..) | Change::RevokeToken(_) | Change::SpendRefreshToken(_),
                ) => true,
                (Who::Writer(file_id), Change::EditFile(file)) => file.id == *file_id,
                (Who::Writer(file_id), Change::Write(write)) => write.record.file_id == *file_id,
                _ => false,
            };
            assert!(is_allowed, "{line}: {who:?} must not change {change:?}");
        }
        let Change::Write(Write { record, .. }) = change else {
            return;
        };
        assert_eq!(record.seq, self.state.next_seq(), "{line}");
        let text = record.to_json();
        assert!(!text.contains('\n'), "{line}: a record of more than a line");
        let back: WriteRecord = serde_json::from_str(&text).expect("a record reads back");
        assert_eq!(back.seq, record.seq);
        let before = self.state.instance(&path_of(record));
        let before = before.map(|stored| head_of(&stored.instance, line));
        let after = record.instance.as_ref().map(|it| head_of(it, line));
        let before_version = before.map(|it| it.version);
        let expected = match record.op {
            WriteOp::Create => Some(0),
            WriteOp::Update => before_version.map(|it| it + 1),
            WriteOp::Invocation => Some(before_version.map_or(0, |it| it + 1)),
            WriteOp::Delete | WriteOp::Reset => None,
        };
        assert_eq!(after.as_ref().map(|it| it.version), expected, "{line}");
        let is_skills = record.template == SKILLS_TEMPLATE;
        if let Some(instance) = record.instance.as_ref().filter(|_| is_skills) {
            let is_global = record.scope == "global";
            let fields = instance.fields().expect("they read");
            let cards = fields.get("cards").unwrap_or(&Value::Null);
            let refusal = box_refusal(Tape::from_value(cards).tree(), self.state.settings.schema);
            assert!(!is_global || refusal.is_none(), "{line}: {refusal:?}");
        }
    }

    fn check_applied(&mut self, change: &Change, line: &str) {
        match change {
            Change::Write(Write { record, .. }) => {
                let stored = self.state.instance(&path_of(record));
                let text = |it: &Instance| serde_json::to_string(it).expect("it is plain JSON");
                if let Some(stored) = stored {
                    let kept = stored.instance.head().expect("it has a head");
                    assert_eq!(kept, head_of(&stored.instance, line), "{line}");
                    assert_eq!(*stored.json(), *text(&stored.instance).as_bytes(), "{line}");
                }
                let stored = stored.map(|it| text(&it.instance));
                let written = record.instance.as_ref().map(text);
                assert_eq!(stored, written, "{line}");
            }
            Change::EditFile(file) | Change::PutFile(file) => {
                self.files.insert(file.id.clone());
            }
            _ => {}
        }
    }

    fn remember(&mut self, answer: &Answer) {
        let location = answer
            .headers
            .iter()
            .find(|(name, _)| name == header::LOCATION);
        if let Some((_, value)) = location {
            let url = value.to_str().expect("an address is text");
            let path = url
                .split_once("://")
                .and_then(|(_, rest)| rest.split_once('/'));
            self.location = path.map(|(_, path)| format!("/{path}"));
        }
        if let AnswerBody::Bytes(bytes) = &answer.body
            && let Ok(body) = serde_json::from_slice::<Map<String, Value>>(bytes)
            && let Some(token) = body.get("access_token").and_then(Value::as_str)
        {
            self.granted = Some(Secret::new(token));
        }
    }

    /// What was written can be read and patched, whatever it is.
    fn check_end(&mut self) {
        for id in self.files.clone() {
            let paths: Vec<_> = self.state.instance_paths(&id).collect();
            for path in paths {
                let target = format!(
                    "/2.0/files/{id}/metadata/{}/{}",
                    encoded(&path.scope),
                    encoded(&path.template)
                );
                for (method, body) in [(Method::GET, &b""[..]), (Method::PUT, b"[]")] {
                    let line = format!("at the end: {method} {target}");
                    let head = as_user(method, &target);
                    let answer = self.whole(head, body, Some(&Who::User), &line);
                    assert_eq!(answer.status, StatusCode::OK, "{line}: {answer:?}");
                }
            }
            if self.state.file(&id).is_some() {
                let target = format!("/2.0/files/{id}?fields=name,representations,path_collection");
                let line = format!("at the end: {target}");
                let answer =
                    self.whole(as_user(Method::GET, &target), b"", Some(&Who::User), &line);
                assert_eq!(answer.status, StatusCode::OK, "{line}: {answer:?}");
            }
        }
    }
}

/// Nothing for a target that no request has.
fn head(method: Method, target: &str, headers: HeaderMap) -> Option<Head> {
    Some(Head {
        method,
        origin: "http://127.0.0.1:7269".into(),
        target: target.parse().ok()?,
        headers,
    })
}

fn as_user(method: Method, target: &str) -> Head {
    let value = HeaderValue::from_static("Bearer the-token-of-a-user");
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
    head(method, target, headers).expect("a target")
}

fn encoded(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn path_of(record: &WriteRecord) -> InstancePath {
    InstancePath {
        file_id: record.file_id.clone(),
        scope: record.scope.clone(),
        template: record.template.clone(),
    }
}

/// The head that the text of an instance has.
fn head_of(instance: &Instance, line: &str) -> InstanceHead {
    let text = serde_json::to_string(instance).expect("it is plain JSON");
    let read = serde_json::from_str::<Instance>(&text).and_then(|read| read.head());
    read.unwrap_or_else(|error| panic!("{line}: no instance: {error}: {text}"))
}

/// What holds for every answer.
fn check_answer(line: &str, answer: &Answer) {
    let status = answer.status;
    assert_ne!(
        status,
        StatusCode::INTERNAL_SERVER_ERROR,
        "{line}: {answer:?}"
    );
    match &answer.body {
        AnswerBody::Error(error) => {
            assert!(!status.is_success(), "{line}");
            let body = error.to_json("r");
            let keys = body.as_object().map_or(0, Map::len);
            match error.envelope {
                Envelope::Metadata => assert_eq!(keys, 3, "{line}"),
                Envelope::OAuth => assert_eq!(keys, 2, "{line}"),
                Envelope::Client => assert_eq!(body["status"], status.as_u16(), "{line}"),
            }
        }
        AnswerBody::Bytes(bytes) if !bytes.starts_with(b"The mock extracts") => {
            let body: Value = serde_json::from_slice(bytes)
                .unwrap_or_else(|error| panic!("{line}: no JSON: {error}"));
            assert!(body.is_object(), "{line}: {body}");
        }
        AnswerBody::Content(part) => {
            assert!(
                part.start <= part.end && part.end <= part.content.size,
                "{line}"
            );
        }
        _ => {}
    }
}
