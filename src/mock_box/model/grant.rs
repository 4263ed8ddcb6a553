//! What an access token permits.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::token::TokenKind;

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
