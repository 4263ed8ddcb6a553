//! What files and folders have in common that the mock keeps and returns, and that changes nothing else:
//! description, tags, shared link.

/// The details of a file or a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemDetails {
    /// The description that a user gave it.
    pub description: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The shared link. The mock does not serve it.
    pub shared_link: Option<SharedLink>,
}

/// A shared link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLink {
    /// The last segment of its URL.
    pub id: String,
    /// What was asked for.
    pub options: LinkOptions,
}

/// The options of a shared link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOptions {
    /// Who may open it: `open`, `company` or `collaborators`.
    pub access: &'static str,
    /// Whether it has a password.
    pub has_password: bool,
    /// The name in its vanity URL.
    pub vanity_name: Option<String>,
    /// When it expires, as the caller wrote it.
    pub unshared_at: Option<String>,
    /// Whether the item may be downloaded.
    pub can_download: bool,
    /// Whether the item may be edited.
    pub can_edit: bool,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            access: "open",
            has_password: false,
            vanity_name: None,
            unshared_at: None,
            can_download: true,
            can_edit: false,
        }
    }
}
