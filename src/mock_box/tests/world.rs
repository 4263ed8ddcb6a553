//! A mock for tests: its state, its ids, and a clock that moves only when a test says so.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::{
    domain::{
        call::WriteRecord, event::invocation::Invocation, json::tree::Tape, notice::Placed,
        secret::Secret, token::TokenKind,
    },
    mock_box::{
        AcceptedBody, Admission, Answer, AnswerBody, Body, Change, Head, Ids, Joined, Request,
        Settings, Source, Spooled, State, TokenMode, Upload, Write, admit, decide,
        http::request::tests::head,
        model::content::sha1_hex,
        prepare,
        register::{Registering, register},
    },
};

/// The path of the cards of a file.
pub(super) const CARDS: &str = "metadata/global/boxSkillsCards";

/// A registered event.
pub(super) struct Registered {
    pub(super) file_id: String,
    pub(super) read: Secret,
    pub(super) write: Secret,
}

pub(super) struct World {
    pub(super) state: State,
    pub(super) ids: Ids,
    pub(super) now: Timestamp,
    pub(super) origin: String,
    pub(super) records: Vec<WriteRecord>,
    pub(super) placed: Vec<Placed>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// A mock in which any token permits everything.
    pub(super) fn open() -> Self {
        Self::with(Settings {
            tokens: TokenMode::Any,
            ..Settings::default()
        })
    }

    pub(super) fn with(settings: Settings) -> Self {
        let mut ids = Ids::new(1);
        Self {
            state: State::new(settings, &mut ids),
            ids,
            now: Timestamp::from_second(1_800_000_000).expect("in range"),
            origin: "http://127.0.0.1:7269".into(),
            records: Vec::new(),
            placed: Vec::new(),
        }
    }

    /// Registers an event about the file 42, `name`, in the folder 44.
    pub(super) fn register(&mut self, name: &str) -> Registered {
        self.register_how(name, &Registering::default())
    }

    pub(super) fn register_how(&mut self, name: &str, how: &Registering) -> Registered {
        self.register_id("42", name, how)
    }

    pub(super) fn register_id(&mut self, id: &str, name: &str, how: &Registering) -> Registered {
        let event = json!({
            "type": "skill_invocation", "id": "recorded_1", "skill": {"id": "46"},
            "source": {
                "id": id, "name": name, "size": 1, "parent": {"id": "44"},
                "file_version": {"id": "43"}
            },
            "token": {
                "read": {"access_token": "REDACTED"}, "write": {"access_token": "REDACTED"}
            }
        });
        let event = Invocation::read(Tape::from_value(&event)).expect("an event");
        let made = register(&self.state, event, how, self.now, &mut self.ids);
        for change in &made.changes {
            self.state.apply(change);
        }
        let token = |kind| made.event.token(kind).expect("a token").access_token;
        let file_id = made.event.file_id();
        Registered {
            read: token(TokenKind::Read),
            write: token(TokenKind::Write),
            file_id,
        }
    }

    /// Makes a call without a body.
    pub(super) fn call(&mut self, line: &str, token: Option<&Secret>) -> Answer {
        self.ask(head(line, token), b"")
    }

    /// Makes a call with JSON.
    pub(super) fn send(&mut self, line: &str, token: &Secret, body: &Value) -> Answer {
        self.ask(head(line, Some(token)), body.to_string().as_bytes())
    }

    /// Makes a call with one more header.
    pub(super) fn with_header(
        &mut self,
        line: &str,
        token: &Secret,
        name: &'static str,
        value: &str,
    ) -> Answer {
        self.ask(with(head(line, Some(token)), name, value), b"{}")
    }

    /// A user's token, as `/oauth2/token` gives it.
    pub(super) fn user(&mut self) -> Secret {
        let form = b"grant_type=client_credentials&client_id=c&client_secret=s";
        let answer = self.ask(head("POST /oauth2/token", None), form);
        Secret::new(json_of(&answer)["access_token"].as_str().expect("a token"))
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(seconds.seconds()).expect("in range");
    }

    /// All steps of a call, as the host takes them.
    pub(super) fn ask(&mut self, head: Head, body: &[u8]) -> Answer {
        let body = Bytes::copy_from_slice(body);
        self.whole(head, |wanted| match wanted {
            AcceptedBody::Nothing => Body::None,
            AcceptedBody::Memory(_) => Body::Memory(body),
            other => panic!("{other:?} is wanted"),
        })
    }

    /// Uploads a part of a session; its bytes are not looked at.
    pub(super) fn part(&mut self, head: Head, part: Spooled) -> Answer {
        self.whole(head, |_| Body::Part(part))
    }

    /// Commits a session; `content` is what its parts were joined to.
    pub(super) fn commit(&mut self, head: Head, body: &Value, content: Option<Spooled>) -> Answer {
        let json = Bytes::from(body.to_string());
        self.whole(head, |_| Body::Joined(Joined { json, content }))
    }

    /// Uploads `bytes` with these attributes.
    pub(super) fn upload(
        &mut self,
        head: Head,
        attributes: Option<&Value>,
        bytes: &'static [u8],
    ) -> Answer {
        let upload = Upload {
            attributes: attributes.map(|attributes| Bytes::from(attributes.to_string())),
            attributes_late: false,
            file: Some(Spooled {
                path: "/spool".into(),
                size: bytes.len() as u64,
                sha1: sha1_hex(bytes),
            }),
        };
        self.uploading(head, upload)
    }

    /// Makes a call with the body that it accepts.
    pub(super) fn either(&mut self, head: Head, body: &[u8], upload: Upload) -> Answer {
        let body = Bytes::copy_from_slice(body);
        self.whole(head, |wanted| match wanted {
            AcceptedBody::Nothing => Body::None,
            AcceptedBody::Memory(_) => Body::Memory(body),
            AcceptedBody::Joined(..) => Body::Joined(Joined {
                json: body,
                content: upload.file,
            }),
            AcceptedBody::Part(_) => match upload.file {
                Some(file) => Body::Part(file),
                None => Body::None,
            },
            AcceptedBody::Upload(_) => Body::Upload(upload),
        })
    }

    pub(super) fn uploading(&mut self, head: Head, upload: Upload) -> Answer {
        self.whole(head, |wanted| match wanted {
            AcceptedBody::Upload(_) => Body::Upload(upload),
            other => panic!("no upload is wanted but {other:?}"),
        })
    }

    fn whole(&mut self, mut head: Head, body: impl FnOnce(AcceptedBody) -> Body) -> Answer {
        head.origin = self.origin.as_str().into();
        let Admission { outcome, .. } = admit(&self.state, &head, self.now);
        let admitted = match outcome {
            Err(refusal) => return *refusal,
            Ok(admitted) => admitted,
        };
        let body = body(admitted.accepts.clone());
        let request = Request { head, body };
        let prepared = prepare(&self.state.settings, admitted, &request);
        let decision = decide(&self.state, &request, prepared, self.now, &mut self.ids);
        for change in &decision.changes {
            self.state.apply(change);
            if let Change::Write(Write { record, .. }) = change {
                self.records.push((**record).clone());
            }
        }
        self.placed.extend(decision.placed.map(|it| *it));
        decision.answer
    }
}

pub(super) fn any() -> Secret {
    Secret::new("any")
}

pub(super) fn with(mut head: Head, name: &'static str, value: &str) -> Head {
    let value = HeaderValue::from_str(value).expect("a header");
    head.headers.insert(HeaderName::from_static(name), value);
    head
}

/// The body of an answer as JSON.
pub(super) fn json_of(answer: &Answer) -> Value {
    match &answer.body {
        AnswerBody::Bytes(bytes) => serde_json::from_slice(bytes).expect("JSON"),
        AnswerBody::Error(error) => error.to_json("the-request"),
        other => panic!("no JSON: {other:?}"),
    }
}

/// The bytes of an answer.
pub(super) fn bytes_of(answer: &Answer) -> Vec<u8> {
    match &answer.body {
        AnswerBody::Bytes(bytes) => bytes.to_vec(),
        AnswerBody::Content(part) => match &part.content.source {
            Source::Static(bytes) => {
                let at = |place| usize::try_from(place).expect("small");
                bytes[at(part.start)..at(part.end)].to_vec()
            }
            Source::Spooled(path) | Source::Disk(path) => panic!("on disk: {}", path.display()),
        },
        other => panic!("no bytes: {other:?}"),
    }
}

pub(super) fn header_of<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(header, _)| header == name);
    found.and_then(|(_, value)| value.to_str().ok())
}

/// A card that Box accepts.
pub(super) fn card(text: &str) -> Value {
    json!({
        "type": "skill_card", "skill_card_type": "keyword",
        "skill": {"type": "service", "id": "s"},
        "invocation": {"type": "skill_invocation", "id": "i"},
        "entries": [{"text": text}]
    })
}
