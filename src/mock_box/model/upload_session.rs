//! An upload session: a large file that arrives in parts.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::{SignedDuration, Timestamp};

/// The length of every part but the last, in bytes.
pub const PART_SIZE: u64 = 8 << 20;
/// The smallest file that Box takes in parts, in bytes.
pub const MIN_FILE_SIZE: u64 = 20_000_000;
/// How long a session lasts.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A session with the parts that have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSession {
    /// The id.
    pub id: String,
    /// What the parts become.
    pub target: UploadTarget,
    /// The length of the whole file in bytes.
    pub size: u64,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// The parts by their offsets.
    pub parts: BTreeMap<u64, Part>,
    /// Whether it was committed. It is still there then, and may be aborted.
    pub is_committed: bool,
}

/// What an upload session makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadTarget {
    /// A new file with this name in this folder.
    File {
        /// The name.
        name: String,
        /// The folder.
        parent_id: String,
    },
    /// A new version of this file, which may get another name.
    Version {
        /// The file.
        file_id: String,
        /// Its new name.
        name: Option<String>,
    },
}

/// A part of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The id.
    pub id: String,
    /// The length in bytes.
    pub size: u64,
    /// The SHA-1, in lower-case hex.
    pub sha1: String,
    /// Where it is spooled.
    pub path: PathBuf,
}

impl UploadSession {
    /// A session without parts, opened at `now`.
    pub fn new(id: String, target: UploadTarget, size: u64, now: Timestamp) -> Self {
        Self {
            id,
            target,
            size,
            expires_at: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
            parts: BTreeMap::new(),
            is_committed: false,
        }
    }

    /// How many parts the file has.
    pub fn total_parts(&self) -> u64 {
        self.size.div_ceil(PART_SIZE)
    }

    /// Whether a part of this length belongs at `offset`.
    pub fn has_part_at(&self, offset: u64, length: u64) -> bool {
        let end = offset.saturating_add(PART_SIZE).min(self.size);
        offset.is_multiple_of(PART_SIZE) && offset < self.size && offset + length == end
    }

    /// Whether all parts are there.
    pub fn is_complete(&self) -> bool {
        self.parts.len() as u64 == self.total_parts()
    }
}
