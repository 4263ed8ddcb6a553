//! What an access token permits, and the token that wrote.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{call::WriterToken, token::TokenKind};

/// What a token permits, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The kind of token.
    pub kind: TokenKind,
    /// The one file it is for; `None` for a user's token.
    pub file_id: Option<String>,
    /// The event it came with.
    pub event_id: Option<Arc<str>>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The writer, as the record of a write names it; empty for writes of the admin API.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// The token.
    pub token: Option<WriterToken>,
    /// The event of the token.
    pub event_id: Option<Arc<str>>,
}
