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
    /// Upload of a new file, and its preflight check.
    Upload,
    /// Upload of a new version of a file, and its preflight check.
    Version,
    /// The calls of an upload session.
    UploadSession,
    /// Copying, moving, renaming, deleting a file.
    File,
    /// Folders.
    Folder,
    /// Metadata of folders.
    FolderMetadata,
    /// Metadata templates.
    Template,
    /// Users.
    User,
    /// A call that Box has and the mock does not play.
    NotPlayed,
    /// A path that Box does not have.
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
            Self::Version => "version",
            Self::UploadSession => "upload-session",
            Self::File => "file",
            Self::Folder => "folder",
            Self::FolderMetadata => "folder-metadata",
            Self::Template => "template",
            Self::User => "user",
            Self::NotPlayed => "not-played",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
