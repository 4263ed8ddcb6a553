//! A file and its versions.

use std::sync::Arc;

use jiff::Timestamp;

use super::{content::Content, item_details::ItemDetails};

/// A file with its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Description, tags, shared link.
    pub details: ItemDetails,
    /// The lock of a user, if it has one.
    pub lock: Option<Lock>,
    /// The folder it is in.
    pub parent_id: String,
    /// The versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// The number of its changes.
    pub etag: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its content was created, as the uploader says.
    pub content_created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// Its registered event. Calls for the file whose token belongs to no event are charged to it.
    pub event_id: Option<Arc<str>>,
    /// Whether a reset keeps it: it came from a fixture or a synchronised folder.
    pub lasting: bool,
    /// Whether it only holds resumed metadata, until an event registers the real file.
    pub resumed: bool,
}

/// One version of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The id.
    pub id: String,
    /// Its number, from 1. A deleted version's number is not reused.
    pub number: u64,
    /// The name that the file had while it was the current version; `None` while it is.
    pub name: Option<String>,
    /// The content.
    pub content: Content,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its content was last changed, as the uploader says.
    pub modified_at: Timestamp,
}

impl Version {
    /// The first version of a file, created at `now`.
    pub fn new(id: String, content: Content, now: Timestamp) -> Self {
        Self {
            id,
            number: 1,
            name: None,
            content,
            created_at: now,
            modified_at: now,
        }
    }
}

/// A lock that a user set on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The id.
    pub id: String,
    /// When it was set.
    pub created_at: Timestamp,
    /// When it expires, as the caller wrote it.
    pub expires_at: Option<String>,
    /// Whether it prevents downloads. The mock does not enforce it.
    pub is_download_prevented: bool,
}

impl File {
    /// A new file with one version.
    pub fn new(id: String, name: String, parent_id: String, version: Version) -> Self {
        Self {
            id,
            name,
            details: ItemDetails::default(),
            lock: None,
            parent_id,
            etag: 0,
            created_at: version.created_at,
            content_created_at: version.modified_at,
            modified_at: version.created_at,
            versions: vec![version],
            event_id: None,
            lasting: false,
            resumed: false,
        }
    }

    /// The newest version.
    pub fn current(&self) -> &Version {
        self.versions
            .last()
            .expect("a file is created with a version and never loses its last one")
    }

    /// The version `id`.
    pub fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// The same file after a change at `now`.
    #[must_use]
    pub fn changed(self, now: Timestamp) -> Self {
        Self {
            etag: self.etag + 1,
            modified_at: now,
            ..self
        }
    }

    /// The same file with one more version, which was created when the file was changed, and with a new
    /// name where there is one.
    #[must_use]
    pub fn with_version(mut self, mut version: Version, name: Option<String>) -> Self {
        let now = version.created_at;
        version.number = self.current().number + 1;
        if let Some(past) = self.versions.last_mut() {
            past.name = Some(self.name.clone());
        }
        self.versions.push(version);
        self.name = name.unwrap_or(self.name);
        self.changed(now)
    }
}
