//! What the mock publishes to its observers: calls as they open and close, writes as they are
//! recorded, connections that did not become a call, files as they arrive and the events that are
//! sent for them. One stream carries them all in order; every report of a run is made from it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    call::{CallRecord, EventIds, WriteRecord},
    metadata::instance::Instance,
    operation::Operation,
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A call's head is in.
    Opened(Opening),
    /// A call has its answer.
    Closed(Arc<CallRecord>),
    /// Metadata was written.
    Written(Written),
    /// A file was put into a folder. Box sends an event for it.
    Placed(Arc<Placed>),
    /// A connection did not become a call, or was not for Box.
    Connection(Arc<Connection>),
    /// An attempt to deliver an event to the skill.
    Attempt(Arc<Attempt>),
    /// A remark about the served folder, for the user.
    Remark(Arc<Remark>),
    /// Notices before this one were lost: the reader was too slow. Only the stream says this.
    Gap,
}

/// A call whose head is in and whose answer is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The call's number.
    pub call: u64,
    /// When its head was in.
    pub at: Timestamp,
    /// What it asks for.
    pub operation: Operation,
    /// The events it belongs to.
    pub events: EventIds,
}

/// A write with the events it belongs to.
#[derive(Clone, Debug, Deserialize)]
pub struct Written {
    /// The event of the token that wrote, or else of the file.
    pub events: EventIds,
    /// The record.
    pub record: Arc<WriteRecord>,
}

impl Written {
    /// The JSON that [`Notice::read`] reads. The record serialises itself, which is faster for large
    /// instances.
    fn to_json(&self) -> String {
        let mut text = b"{\"events\":".to_vec();
        serde_json::to_writer(&mut text, &self.events).expect("ids are plain JSON");
        text.extend_from_slice(b",\"record\":");
        self.record.write_to(&mut text);
        text.push(b'}');
        String::from_utf8(text).expect("JSON is text")
    }
}

/// A file that was put into a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: Placement,
    /// Who did it.
    pub by: By,
    /// The file.
    pub file_id: String,
    /// Its name.
    pub name: String,
    /// Its previous folder, if it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_parent_id: Option<String>,
}

/// How a file was put into its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// It was uploaded, or a new version of it was.
    Upload,
    /// It was copied there.
    Copy,
    /// It was moved there, not merely renamed.
    Move,
}

/// An event on a connection that is not part of a call to Box.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// When.
    pub at: Timestamp,
    /// What, for programs: `tls-failed`, `malformed`, `timed-out`, `other-host`, …
    pub kind: String,
    /// The host that the client named, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What happened and why, in a sentence.
    pub text: String,
    /// The call to a provider that was answered or recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderCall>,
    /// The event that it belongs to, where that is known.
    #[serde(default, skip_serializing_if = "EventIds::is_empty")]
    pub events: EventIds,
}

/// A call to a provider, in a run with cassettes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderCall {
    /// The method.
    pub method: String,
    /// The URL, secrets redacted.
    pub url: String,
    /// The status of the answer; 0 without one.
    pub status: u16,
    /// Milliseconds to the answer.
    pub ms: f64,
    /// Where the answer is from; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AnsweredFrom>,
}

/// Where the answer to a call to a provider is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnsweredFrom {
    /// A cassette.
    Cassette,
    /// The provider.
    Provider,
}

impl Connection {
    /// Whether it is a call that no cassette holds.
    pub fn is_missing_in_cassette(&self) -> bool {
        self.kind == "provider-missing"
    }

    /// Whether another host was wanted and not reached.
    pub fn is_failed_egress(&self) -> bool {
        matches!(self.kind.as_str(), "egress-failed" | "egress-refused")
    }
}

/// Who put a file into its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A call of the API.
    Api,
    /// A change in the served folder.
    Folder,
    /// The admin API, which asked for an event.
    Admin,
}

/// The result of an attempt to deliver an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivered {
    /// The skill accepted the event.
    Delivered,
    /// It failed, and the event will be sent again.
    Retrying,
    /// It failed, and that was the last attempt.
    GivenUp,
}

/// One attempt to deliver an event to the skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The event's id.
    pub event_id: String,
    /// `ITEM_UPLOAD`, `ITEM_COPY`, `ITEM_MOVE`.
    pub event_type: String,
    /// The file's id.
    pub file_id: String,
    /// The file's name.
    pub name: String,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The most attempts that are made.
    pub of: u32,
    /// The result.
    pub result: Delivered,
    /// The status of the Skill's reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds to the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// Why there is no reply, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Milliseconds until the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<u64>,
}

/// A remark about the served folder or the events of its files, for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// When.
    pub at: Timestamp,
    /// What, for programs: `link`, `name`, `unreadable`, `gone`, `watch`, …
    pub kind: String,
    /// The path that it is about, from the served folder.
    pub path: String,
    /// What it is, in a sentence.
    pub text: String,
}

impl Notice {
    /// The name of its kind in the stream.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "open",
            Self::Closed(_) => "call",
            Self::Written(_) => "write",
            Self::Placed(_) => "placed",
            Self::Connection(_) => "connection",
            Self::Attempt(_) => "attempt",
            Self::Remark(_) => "remark",
            Self::Gap => "gap",
        }
    }

    /// Its data, as JSON without line breaks.
    pub fn data(&self) -> String {
        match self {
            Self::Opened(opening) => serde_json::to_string(opening),
            Self::Closed(record) => serde_json::to_string(record),
            Self::Written(written) => Ok(written.to_json()),
            Self::Placed(placed) => serde_json::to_string(placed),
            Self::Connection(connection) => serde_json::to_string(connection),
            Self::Attempt(attempt) => serde_json::to_string(attempt),
            Self::Remark(remark) => serde_json::to_string(remark),
            Self::Gap => Ok("{}".to_owned()),
        }
        .expect("notices are plain JSON values")
    }

    /// Reads a notice back from its kind and data; `None` for a kind that this version does not
    /// know.
    ///
    /// # Errors
    /// Where the data is not what the kind promises.
    pub fn read(kind: &str, data: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match kind {
            "open" => Self::Opened(serde_json::from_str(data)?),
            "call" => Self::Closed(serde_json::from_str(data)?),
            "write" => Self::Written(serde_json::from_str(data)?),
            "placed" => Self::Placed(serde_json::from_str(data)?),
            "connection" => Self::Connection(serde_json::from_str(data)?),
            "attempt" => Self::Attempt(serde_json::from_str(data)?),
            "remark" => Self::Remark(serde_json::from_str(data)?),
            "gap" => Self::Gap,
            _ => return Ok(None),
        }))
    }

    /// Its approximate size in bytes, for the bound of the ring.
    pub fn weight(&self) -> usize {
        const OWN: usize = 512;
        OWN + match self {
            Self::Written(written) => written.record.instance.as_ref().map_or(0, Instance::weight),
            Self::Closed(record) => record.target.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::WriteOp;

    #[test]
    fn a_write_reads_back_as_it_was_published() {
        let record = WriteRecord {
            instance: serde_json::from_str(r#"{"$id":"1","cards":[]}"#).ok(),
            ..WriteRecord::bare(3, Timestamp::UNIX_EPOCH, WriteOp::Invocation)
        };
        let written = Notice::Written(Written {
            events: EventIds::new(Some("e".into()), None),
            record: Arc::new(record),
        });
        let data = written.data();
        let read = Notice::read(written.kind(), &data).expect("it reads");
        let Some(Notice::Written(back)) = &read else {
            panic!("not a write: {read:?}");
        };
        assert!(back.events.contains("e"));
        assert_eq!(back.to_json(), data);
    }
}
