//! What an access token permits, and the token that wrote.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use crate::domain::{call::WriterToken, scope::Scope, token::TokenKind};

/// The lifetime of a user token, in seconds.
pub const USER_LIFETIME_SECONDS: i64 = 3600;

/// What a token permits, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The kind of token.
    pub kind: TokenKind,
    /// The one file or folder it is for; `None` for everything.
    pub resource: Option<Resource>,
    /// The scopes of a downscoped token; `None` for all that its kind permits.
    pub scopes: Option<Arc<[Scope]>>,
    /// The user it acts for; `None` for the mock's own user.
    pub user_id: Option<Arc<str>>,
    /// The event it came with.
    pub event_id: Option<Arc<str>>,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Grant {
    /// A user token, granted at `now`.
    pub fn user(user_id: Option<&str>, now: Timestamp) -> Self {
        let lifetime = USER_LIFETIME_SECONDS.seconds();
        Self {
            kind: TokenKind::User,
            resource: None,
            scopes: None,
            user_id: user_id.map(Arc::from),
            event_id: None,
            expires_at: now.saturating_add(lifetime).unwrap_or(now),
        }
    }
}

/// The one item that a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A file.
    File(String),
    /// A folder and what is in it.
    Folder(String),
}

/// The writer, as the record of a write names it; empty for writes of the admin API.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// The token.
    pub token: Option<WriterToken>,
    /// The event of the token.
    pub event_id: Option<Arc<str>>,
}
