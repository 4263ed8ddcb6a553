//! A folder. Folders and files have ids of their own: the same number may name one of each.

use jiff::Timestamp;

/// The id of the root folder, which always exists.
pub const ROOT: &str = "0";

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The folder it is in; `None` for the root alone.
    pub parent_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether a reset keeps it.
    pub lasting: bool,
}

impl Folder {
    /// The root.
    pub fn root() -> Self {
        Self {
            id: ROOT.to_owned(),
            name: "All Files".to_owned(),
            parent_id: None,
            created_at: Timestamp::UNIX_EPOCH,
            lasting: true,
        }
    }

    /// A folder of which an event gives nothing but the id.
    pub fn named_by_event(id: &str, created_at: Timestamp, lasting: bool) -> Self {
        Self {
            id: id.to_owned(),
            name: format!("folder-{id}"),
            parent_id: Some(ROOT.to_owned()),
            created_at,
            lasting,
        }
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.parent_id.is_none()
    }
}
