//! A file and its versions.

use std::sync::Arc;

use jiff::Timestamp;

use super::content::Content;

/// A file with its versions.
#[derive(Clone, Debug)]
pub struct File {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description that a user gave it.
    pub description: String,
    /// The folder it is in.
    pub parent_id: String,
    /// The versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// The number of its changes.
    pub etag: u64,
    /// When it was created.
    pub created_at: Timestamp,
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
#[derive(Clone, Debug)]
pub struct Version {
    /// The id.
    pub id: String,
    /// The content.
    pub content: Content,
    /// When it was created.
    pub created_at: Timestamp,
}

impl File {
    /// A new file with one version.
    pub fn new(id: String, name: String, parent_id: String, version: Version) -> Self {
        Self {
            id,
            name,
            description: String::new(),
            parent_id,
            etag: 0,
            created_at: version.created_at,
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

    /// The same file with one more version, which was created when the file was changed.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        let now = version.created_at;
        self.versions.push(version);
        self.changed(now)
    }
}
