//! How a mock is set up. Settings never change while it runs.

use crate::domain::{card::validate::Schema, secret::Secret};

/// The settings of a mock.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether tokens are checked.
    pub tokens: TokenMode,
    /// Which rules cards must satisfy.
    pub schema: Schema,
    /// A user token that never expires.
    pub user_token: Option<Secret>,
    /// The largest body that is read into memory, JSON or a form, in bytes.
    pub max_json: u64,
    /// The largest upload, in bytes: `--max-body`.
    pub max_upload: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens: TokenMode::Strict,
            schema: Schema::Box,
            user_token: None,
            max_json: 8 * 1024 * 1024,
            max_upload: 100 * 1024 * 1024,
        }
    }
}

/// Whether tokens are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// A token permits its own operations on its one file, until it expires or is revoked.
    Strict,
    /// Any bearer token permits everything.
    Any,
}
