//! A call that reached the mock, as it is published to observers: which of Box's operations it
//! was, whose token it carried, what it was answered. Nothing secret is in here.

use std::{io::Write, sync::Arc};

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::{
    json::tree::Tree, metadata::instance::Instance, operation::Operation, token::TokenKind,
};

/// The code of the answer to a call, or to a part of one, that Box has and the mock does not play.
pub const NOT_PLAYED: &str = "not_played_by_mock";

/// The token a call carried, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSeen {
    /// Its kind; `None` for a token that the mock does not know.
    pub kind: Option<TokenKind>,
    /// Its last four characters.
    pub last4: SmolStr,
}

/// The events that a call or a write belongs to: that of its token, that of its file, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventIds([Option<Arc<str>>; 2]);

impl EventIds {
    /// The event of a token and that of a file; one where they are the same.
    pub fn new(of_token: Option<Arc<str>>, of_file: Option<Arc<str>>) -> Self {
        let of_file = of_file.filter(|id| of_token.as_ref() != Some(id));
        Self([of_token, of_file])
    }

    /// Their ids.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(|id| &**id)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether this is one of them.
    pub fn contains(&self, id: &str) -> bool {
        self.iter().any(|own| own == id)
    }
}

impl Serialize for EventIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for EventIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ids = Vec::<Arc<str>>::deserialize(deserializer)?.into_iter();
        Ok(Self::new(ids.next(), ids.next()))
    }
}

/// A method as text.
mod method {
    use http::Method;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(it: &Method, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(it.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// One call and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Its number in the mock's stream; the same number opened it.
    pub call: u64,
    /// When its head had been read.
    pub at: Timestamp,
    /// The method.
    #[serde(with = "method")]
    pub method: Method,
    /// The host it was meant for, as the client named it.
    pub host: SmolStr,
    /// Path and query, tokens redacted.
    pub target: SmolStr,
    /// Which of Box's operations it is.
    pub operation: Operation,
    /// The status it was answered with; 0 where the connection ended before.
    pub status: u16,
    /// Milliseconds from its head to the end of its answer.
    pub ms: f64,
    /// The token it carried.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<TokenSeen>,
    /// The events it is charged to: that of its token, and, when it was refused, that whose file
    /// it named.
    #[serde(skip_serializing_if = "EventIds::is_empty", default)]
    pub events: EventIds,
    /// The file it named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_id: Option<SmolStr>,
    /// Box's error code, or what `WWW-Authenticate` says, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What the refusal says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// The fault that applied, as `--fault` writes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
    /// A note for the reader of the log: the closest route, a summary of the cards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

impl CallRecord {
    /// Whether Box refused the token: unknown, expired, of the wrong kind, or for another file.
    pub fn is_refused_token(&self) -> bool {
        self.fault.is_none() && matches!(self.status, 401 | 403)
    }

    /// Whether it was refused because its token is for another file than the one it named.
    pub fn is_for_another_file(&self) -> bool {
        self.code.as_deref() == Some("access_denied_insufficient_permissions")
    }

    /// Whether Box has this call and the mock does not implement it.
    pub fn is_not_played(&self) -> bool {
        self.fault.is_none() && self.code.as_deref() == Some(NOT_PLAYED)
    }
}

/// What a metadata write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteOp {
    /// An instance was created.
    Create,
    /// An instance was changed by a JSON Patch.
    Update,
    /// An instance was deleted.
    Delete,
    /// All cards were set by `PUT /skill_invocations/{id}`.
    Invocation,
    /// The mock was put back to how it started.
    Reset,
}

impl WriteOp {
    /// Its name in the record file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Invocation => "invocation",
            Self::Reset => "reset",
        }
    }
}

/// The token that wrote, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WriterToken {
    /// `read`, `write`, `user`, or `any` where tokens are not checked.
    pub kind: SmolStr,
    /// Its last four characters.
    pub last4: SmolStr,
}

/// One metadata write: a line of the record file (`docs/formats.md`).
#[derive(Clone, Debug, Deserialize)]
pub struct WriteRecord {
    /// Its number, from 1; it continues over resets and restarts.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What it did.
    pub op: WriteOp,
    /// The file whose metadata it is; empty for a reset.
    #[serde(default)]
    pub file_id: SmolStr,
    /// The file's version at that moment.
    #[serde(default)]
    pub file_version_id: SmolStr,
    /// The template's scope: `global` or `enterprise_<id>`.
    #[serde(default)]
    pub scope: SmolStr,
    /// The template's key: `boxSkillsCards`.
    #[serde(default)]
    pub template: SmolStr,
    /// The skill in the path of an invocation.
    #[serde(default)]
    pub skill_id: Option<SmolStr>,
    /// The invocation that the cards or the token name.
    #[serde(default)]
    pub invocation_id: Option<SmolStr>,
    /// The status an invocation reports.
    #[serde(default)]
    pub status: Option<SmolStr>,
    /// The usage an invocation reports.
    #[serde(default)]
    pub usage: Option<Box<RawValue>>,
    /// Who wrote.
    #[serde(default)]
    pub token: Option<WriterToken>,
    /// The JSON Patch of an update.
    #[serde(default)]
    pub patch: Option<Box<RawValue>>,
    /// The instance after the change; null when deleted.
    #[serde(default)]
    pub instance: Option<Instance>,
}

impl WriteRecord {
    /// The record as compact JSON.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        self.write_to(&mut text);
        String::from_utf8(text).expect("JSON is text")
    }

    /// Appends the record to `text` as compact JSON: a line of the record file.
    pub fn write_to(&self, text: &mut Vec<u8>) {
        let Self { seq, at, op, .. } = self;
        write!(text, r#"{{"seq":{seq},"at":"{at}","op":""#)
            .expect("memory takes what is written to it");
        text.extend_from_slice(op.as_str().as_bytes());
        text.push(b'"');
        for (name, id) in [
            ("file_id", &self.file_id),
            ("file_version_id", &self.file_version_id),
            ("scope", &self.scope),
            ("template", &self.template),
        ] {
            write_member(text, name, |text| write_text(text, id));
        }
        for (name, said) in [
            ("skill_id", &self.skill_id),
            ("invocation_id", &self.invocation_id),
            ("status", &self.status),
        ] {
            write_member(text, name, |text| match said {
                Some(said) => write_text(text, said),
                None => text.extend_from_slice(b"null"),
            });
        }
        write_member(text, "usage", |text| write_raw(text, self.usage.as_deref()));
        write_member(text, "token", |text| match &self.token {
            Some(WriterToken { kind, last4 }) => {
                text.push(b'{');
                write_member(text, "kind", |text| write_text(text, kind));
                write_member(text, "last4", |text| write_text(text, last4));
                text.push(b'}');
            }
            None => text.extend_from_slice(b"null"),
        });
        if let Some(patch) = &self.patch {
            write_member(text, "patch", |text| write_raw(text, Some(patch)));
        }
        write_member(text, "instance", |text| match &self.instance {
            Some(instance) => instance.write_to(text),
            None => text.extend_from_slice(b"null"),
        });
        text.push(b'}');
    }
}

/// Appends a member whose name needs no escapes to the text of an object. The opening brace is
/// already there.
fn write_member(text: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    if !text.ends_with(b"{") {
        text.push(b',');
    }
    text.push(b'"');
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"\":");
    write(text);
}

fn write_text(text: &mut Vec<u8>, value: &str) {
    Tree::String(value).write_to(text);
}

fn write_raw(text: &mut Vec<u8>, raw: Option<&RawValue>) {
    text.extend_from_slice(raw.map_or("null", RawValue::get).as_bytes());
}

impl WriteRecord {
    /// A record with nothing but number, time and operation: a reset, or the base of a fuller record.
    pub fn bare(seq: u64, at: Timestamp, op: WriteOp) -> Self {
        Self {
            seq,
            at,
            op,
            file_id: SmolStr::default(),
            file_version_id: SmolStr::default(),
            scope: SmolStr::default(),
            template: SmolStr::default(),
            skill_id: None,
            invocation_id: None,
            status: None,
            usage: None,
            token: None,
            patch: None,
            instance: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json, value::to_raw_value};

    use super::*;
    use crate::domain::{
        json::tree::Tape,
        metadata::instance::{Fields, InstanceHead},
    };

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let instance = r#"{"$id":"1","cards":[]}"#;
        let full = WriteRecord {
            file_id: "7\"".into(),
            skill_id: Some("137".into()),
            status: Some("success".into()),
            usage: to_raw_value(&1).ok(),
            token: Some(WriterToken {
                kind: "write".into(),
                last4: "abcd".into(),
            }),
            patch: to_raw_value(&["a"]).ok(),
            instance: serde_json::from_str(instance).ok(),
            ..WriteRecord::bare(1, Timestamp::UNIX_EPOCH, WriteOp::Update)
        };
        let fields = Map::from_iter([("cards".to_owned(), json!([{"a": "b\n"}]))]);
        let fields = Tape::from_members(&fields);
        let written = WriteRecord {
            instance: Some(Instance::Written {
                head: InstanceHead::new("1", "2", "7", "global", "boxSkillsCards"),
                fields: Fields::write(fields.tree().as_object().expect("an object"), 0),
            }),
            ..full.clone()
        };
        let bare = WriteRecord::bare(2, Timestamp::UNIX_EPOCH, WriteOp::Reset);
        for (record, expected) in [
            (
                full,
                r#"{"seq":1,"at":"1970-01-01T00:00:00Z","op":"update","file_id":"7\"","file_version_id":"","scope":"","template":"","skill_id":"137","invocation_id":null,"status":"success","usage":1,"token":{"kind":"write","last4":"abcd"},"patch":["a"],"instance":{"$id":"1","cards":[]}}"#,
            ),
            (
                written,
                r#"{"seq":1,"at":"1970-01-01T00:00:00Z","op":"update","file_id":"7\"","file_version_id":"","scope":"","template":"","skill_id":"137","invocation_id":null,"status":"success","usage":1,"token":{"kind":"write","last4":"abcd"},"patch":["a"],"instance":{"$id":"1","$type":"boxSkillsCards-2","$parent":"file_7","$typeVersion":0,"$template":"boxSkillsCards","$scope":"global","$version":0,"$canEdit":true,"cards":[{"a":"b\n"}]}}"#,
            ),
            (
                bare,
                r#"{"seq":2,"at":"1970-01-01T00:00:00Z","op":"reset","file_id":"","file_version_id":"","scope":"","template":"","skill_id":null,"invocation_id":null,"status":null,"usage":null,"token":null,"instance":null}"#,
            ),
        ] {
            let text = record.to_json();
            assert_eq!(text, expected);
            let back: WriteRecord = serde_json::from_str(&text).expect("it reads back");
            assert_eq!(back.to_json(), text);
        }
    }
}
