//! The kinds of call to Box. Faults, permissions, logs and checks use these names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// The file object.
    Info,
    /// The content of a file: the API call that answers 302, and the bytes behind it.
    Download,
    /// Representations: their list, their info, their content.
    Representation,
    /// Reading metadata.
    CardsRead,
    /// Writing metadata.
    Cards,
    /// `PUT /skill_invocations/{id}`.
    Invocation,
    /// Tokens: `/oauth2/token` and `/oauth2/revoke`.
    Token,
    /// A new file or a new version of one.
    Upload,
    /// Copying, moving, renaming, deleting a file.
    File,
    /// Folders.
    Folder,
    /// Users.
    User,
    /// A path that the mock does not implement.
    Unknown,
}

impl Operation {
    /// Its name in faults, logs and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Download => "download",
            Self::Representation => "representation",
            Self::CardsRead => "cards-read",
            Self::Cards => "cards",
            Self::Invocation => "invocation",
            Self::Token => "token",
            Self::Upload => "upload",
            Self::File => "file",
            Self::Folder => "folder",
            Self::User => "user",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
