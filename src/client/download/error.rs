//! Why a download did not end well.

use std::io;

use super::partial_file::{PartError, PartialFile};
use crate::client::{error::BoxError, retry::Ending};

/// A download that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Box, or the way there.
    #[error("{0}")]
    Box(#[from] BoxError),
    /// The answer was not what had been asked for.
    #[error("the answer does not match the request: {0}")]
    Odd(&'static str),
    /// A page came in place of the file.
    #[error("received an HTML page instead of the file")]
    Page,
    /// The bytes ended before the file did, or after it.
    #[error("the file has {expected} bytes, but {got} were received")]
    WrongLength {
        /// What Box says.
        expected: u64,
        /// What was received.
        got: u64,
    },
    /// The bytes are not the file's.
    #[error("the file's SHA-1 is {expected}, but the downloaded bytes have {got}")]
    WrongHash {
        /// What Box says.
        expected: String,
        /// What was received.
        got: String,
    },
    /// The file changed when part of it had been streamed already.
    #[error(
        "download interrupted after {0} bytes; cannot resume because the file may have changed"
    )]
    Changed(u64),
    /// The partial file.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The stream takes no more.
    #[error("cannot write: {0}")]
    Stream(io::Error),
}

impl DownloadError {
    /// What it means for a retry.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Box(error) => error.ending(),
            Self::Odd(_) | Self::WrongLength { .. } => Ending::Broken,
            Self::Page
            | Self::WrongHash { .. }
            | Self::Changed(_)
            | Self::Part(_)
            | Self::Stream(_) => Ending::Final,
        }
    }

    /// The same after this many attempts.
    pub(super) fn with_tries(self, tries: u32) -> Self {
        match self {
            Self::Box(error) => Self::Box(BoxError { tries, ..error }),
            other => other,
        }
    }
}

/// A failure to write to the partial file.
pub(super) fn cannot_write(part: &PartialFile, error: io::Error) -> DownloadError {
    DownloadError::Part(PartError::Io {
        doing: "cannot write",
        path: part.path().to_owned(),
        error,
    })
}
