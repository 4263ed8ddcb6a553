//! What the mock tells whoever watches it: calls as they open and close, writes as they are
//! recorded, connections that never became a call. One stream carries them all, in the order in
//! which they happened, and everything that is said of a run is drawn from it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::call::{CallRecord, Operation, WriteRecord};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A call's head is in.
    Opened(Arc<Opening>),
    /// A call has its answer.
    Closed(Arc<CallRecord>),
    /// Metadata was written.
    Written(Arc<Written>),
    /// A file came into a folder through the API: what Box tells a Skill of.
    Placed(Arc<Placed>),
    /// A connection did not become a call, or was not for Box.
    Connection(Arc<Connection>),
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
    pub events: Vec<String>,
}

/// A write with the events it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Written {
    /// The event of the token that wrote, or else of the file.
    pub events: Vec<String>,
    /// The record.
    pub record: Arc<WriteRecord>,
}

/// A file that came into a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: Placement,
    /// The file.
    pub file_id: String,
    /// The folder it lay in before, where it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_parent_id: Option<String>,
}

/// How a file came into its folder.
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

/// Something on a connection that no call tells about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// When.
    pub at: Timestamp,
    /// What, for programs: `tls-failed`, `malformed`, `timed-out`, `other-host`, …
    pub kind: String,
    /// The host that the client meant, as far as it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What happened and why, in a sentence.
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
            Self::Gap => "gap",
        }
    }

    /// Its data, as JSON without line breaks.
    pub fn data(&self) -> Box<RawValue> {
        match self {
            Self::Opened(opening) => to_raw_value(opening),
            Self::Closed(record) => to_raw_value(record),
            Self::Written(written) => to_raw_value(written),
            Self::Placed(placed) => to_raw_value(placed),
            Self::Connection(connection) => to_raw_value(connection),
            Self::Gap => to_raw_value(&serde_json::json!({})),
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
            "gap" => Self::Gap,
            _ => return Ok(None),
        }))
    }

    /// About how many bytes it holds, for bounds.
    pub fn weight(&self) -> usize {
        const OWN: usize = 512;
        OWN + match self {
            Self::Written(written) => written
                .record
                .instance
                .as_ref()
                .map_or(0, |instance| instance.get().len()),
            Self::Closed(record) => record.target.len(),
            _ => 0,
        }
    }
}
