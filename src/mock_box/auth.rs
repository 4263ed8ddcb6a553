//! Who makes a call, and whether it is permitted: 401 and 403 as Box answers them.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;

use super::{
    http::{answer::Answer, errors, request::Head, route::Route},
    model::{grant::Grant, settings::TokenMode},
    state::State,
};
use crate::domain::{
    call::{TokenSeen, WriterToken},
    secret::{Secret, last4},
    token::TokenKind,
};

/// Whoever makes a call, as far as the mock can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    token: Option<Secret>,
    grant: Option<Arc<Grant>>,
}

impl Caller {
    /// Looks at the token of a call.
    pub fn of(state: &State, head: &Head) -> Self {
        let token = head.token();
        let grant = token.as_ref().and_then(|token| known(state, token));
        Self { token, grant }
    }

    /// Looks the token up once more: between the head of a call and the end of its body it may
    /// have been revoked, or have expired with its event.
    pub fn renew(&mut self, state: &State) {
        self.grant = self.token.as_ref().and_then(|token| known(state, token));
    }

    /// Whoever steers the mock: without a token, and past every check.
    pub fn nobody() -> Self {
        Self {
            token: None,
            grant: None,
        }
    }

    /// The token as it may be told.
    pub fn seen(&self) -> Option<TokenSeen> {
        self.token.as_ref().map(|token| TokenSeen {
            kind: self.grant.as_ref().map(|grant| grant.kind),
            last4: last4(token.expose()).into(),
        })
    }

    /// The token as it is recorded with a write.
    pub fn writer(&self) -> Option<WriterToken> {
        self.token.as_ref().map(|token| WriterToken {
            kind: self
                .grant
                .as_ref()
                .map_or("any", |grant| grant.kind.as_str())
                .into(),
            last4: last4(token.expose()).into(),
        })
    }

    /// The event of the token.
    pub fn event_id(&self) -> Option<&Arc<str>> {
        self.grant.as_ref()?.event_id.as_ref()
    }

    /// Whether the caller may make this call.
    ///
    /// # Errors
    /// The 401 or 403 that Box would answer.
    pub fn check(&self, state: &State, route: &Route, now: Timestamp) -> Result<(), Answer> {
        // The download URL is its own permission: some SDKs drop the token on the way. And who asks
        // for a token has none.
        if matches!(
            route,
            Route::Bytes(_) | Route::TokenGrant | Route::TokenRevoke
        ) {
            return Ok(());
        }
        if let Some(fault) = self.token.as_ref().and_then(|token| state.expired(token)) {
            return Err(Answer {
                fault: Some(Arc::clone(fault)),
                ..errors::unauthorised()
            });
        }
        match (state.settings.tokens, &self.token, self.grant.as_deref()) {
            (_, None, _) | (TokenMode::Strict, _, None) => Err(errors::unauthorised()),
            (TokenMode::Any, Some(_), _) => Ok(()),
            (TokenMode::Strict, Some(_), Some(grant)) if grant.expires_at <= now => {
                Err(errors::unauthorised())
            }
            (TokenMode::Strict, Some(_), Some(grant)) => {
                if !grant.kind.permits(route.operation()) {
                    return Err(errors::insufficient_scope());
                }
                match route.file_id() {
                    Some(file_id) => self.check_file(state, file_id, route.is_metadata()),
                    None => Ok(()),
                }
            }
        }
    }

    /// Whether the caller's token is for this file.
    ///
    /// # Errors
    /// The 403 that Box would answer.
    pub fn check_file(&self, state: &State, file_id: &str, metadata: bool) -> Result<(), Answer> {
        let only = self.grant.as_ref().and_then(|grant| grant.file_id.as_ref());
        if state.settings.tokens == TokenMode::Any || only.is_none_or(|only| only == file_id) {
            return Ok(());
        }
        let refuse = if metadata {
            errors::metadata
        } else {
            errors::client
        };
        Err(refuse(
            StatusCode::FORBIDDEN,
            "access_denied_insufficient_permissions",
            "Access denied - insufficient permission",
        ))
    }
}

fn known(state: &State, token: &Secret) -> Option<Arc<Grant>> {
    if state.settings.user_token.as_ref() == Some(token) {
        return Some(Arc::new(Grant {
            kind: TokenKind::User,
            file_id: None,
            event_id: None,
            expires_at: Timestamp::MAX,
        }));
    }
    state.grant(token).cloned()
}
