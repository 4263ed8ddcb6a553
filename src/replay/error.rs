//! Why a run was aborted.

use std::path::PathBuf;

use super::{mock::MockError, plan::PlanError};

/// Why a run was aborted.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The mock failed.
    #[error(transparent)]
    Mock(#[from] MockError),
    /// The content file of a case cannot be read.
    #[error("cannot read {path}: {source}")]
    Content {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A fixture changed since it was checked.
    #[error("a fixture changed during the run")]
    Changed(Box<PlanError>),
}
