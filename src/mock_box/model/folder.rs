//! A folder. Folders and files have ids of their own: the same number may name one of each.

use jiff::Timestamp;

use super::item_details::ItemDetails;

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
    /// Description, tags, shared link.
    pub details: ItemDetails,
    /// The number of its changes.
    pub etag: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// Whether a reset keeps it.
    pub lasting: bool,
}

impl Folder {
    /// A folder as it is created.
    pub fn new(id: String, name: String, parent_id: Option<String>, created_at: Timestamp) -> Self {
        Self {
            id,
            name,
            parent_id,
            details: ItemDetails::default(),
            etag: 0,
            created_at,
            modified_at: created_at,
            lasting: false,
        }
    }

    /// The root.
    pub fn root() -> Self {
        let name = "All Files".to_owned();
        Self {
            lasting: true,
            ..Self::new(ROOT.to_owned(), name, None, Timestamp::UNIX_EPOCH)
        }
    }

    /// A folder of which an event gives nothing but the id.
    pub fn named_by_event(id: &str, created_at: Timestamp, lasting: bool) -> Self {
        let (name, parent_id) = (format!("folder-{id}"), Some(ROOT.to_owned()));
        Self {
            lasting,
            ..Self::new(id.to_owned(), name, parent_id, created_at)
        }
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.parent_id.is_none()
    }
}
