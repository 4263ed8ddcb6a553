//! Why a record file cannot be used.

use std::{io, path::PathBuf};

/// Why a record file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be opened, read or written.
    #[error("cannot use the record file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a device, a pipe.
    #[error("cannot use {path} as a record file: it is not a regular file")]
    NoFile {
        /// What was named.
        path: PathBuf,
    },
    /// Another mock appends to it.
    #[error("cannot use the record file {path}: another mock is recording to it")]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A line in its middle is not a record.
    #[error("{path}:{line}: this line is not a write record: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}
