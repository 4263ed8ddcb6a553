//! Who makes a call, and whether it is permitted: 401 and 403 as Box answers them.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;

use super::{
    http::{answer::Answer, envelope::Envelope, errors, request::Head},
    model::{
        grant::{Grant, Writer},
        settings::TokenMode,
    },
    state::State,
};
use crate::domain::{
    call::{TokenSeen, WriterToken},
    operation::Operation,
    secret::{Secret, last4},
    token::TokenKind,
};

/// What a call must present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A token that permits the operation, on the file that the call names.
    Token,
    /// Nothing: the call asks for a token or returns one.
    Open,
    /// Nothing but the URL itself, which the mock signed. Some SDKs drop the token when they follow
    /// a redirect to it.
    SignedUrl,
}

/// What a call asks to do.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What it must present.
    pub access: Access,
    /// The operation.
    pub operation: Operation,
    /// The file that its path names.
    pub file_id: Option<&'a str>,
}

/// The maker of a call, as far as its token says.
#[derive(Clone, Debug)]
pub struct Caller {
    token: Option<Secret>,
    grant: Option<Arc<Grant>>,
}

impl Caller {
    /// The maker of the call with this head.
    pub fn from_head(state: &State, head: &Head) -> Self {
        let token = head.token();
        let grant = token.as_ref().and_then(|token| grant_of(state, token));
        Self { token, grant }
    }

    /// Looks the token up once more: between the head of a call and the end of its body it may
    /// have been revoked, or retired with its event.
    pub fn renew(&mut self, state: &State) {
        self.grant = self.token.as_ref().and_then(|token| grant_of(state, token));
    }

    /// The token as the log may show it.
    pub fn seen(&self) -> Option<TokenSeen> {
        self.token.as_ref().map(|token| TokenSeen {
            kind: self.grant.as_ref().map(|grant| grant.kind),
            last4: last4(token.expose()).into(),
        })
    }

    /// The caller as a record of a write names it.
    pub fn writer(&self) -> Writer {
        let kind = self.grant.as_ref().map(|grant| grant.kind.as_str());
        Writer {
            token: self.token.as_ref().map(|token| WriterToken {
                kind: kind.unwrap_or("any").into(),
                last4: last4(token.expose()).into(),
            }),
            event_id: self.event_id().cloned(),
        }
    }

    /// The event of the token.
    pub fn event_id(&self) -> Option<&Arc<str>> {
        self.grant.as_ref()?.event_id.as_ref()
    }

    /// Whether the caller may make this call.
    ///
    /// # Errors
    /// The 401 or 403 that Box would answer.
    pub fn check(&self, state: &State, asked: Asked<'_>, now: Timestamp) -> Result<(), Answer> {
        if asked.access != Access::Token {
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
                if !grant.kind.permits(asked.operation) {
                    return Err(errors::insufficient_scope());
                }
                match asked.file_id {
                    Some(file_id) => self.check_file(state, file_id, asked.operation),
                    None => Ok(()),
                }
            }
        }
    }

    /// Whether the caller's token is for this file.
    ///
    /// # Errors
    /// The 403 that Box would answer.
    pub fn check_file(
        &self,
        state: &State,
        file_id: &str,
        operation: Operation,
    ) -> Result<(), Answer> {
        let only = self.grant.as_ref().and_then(|grant| grant.file_id.as_ref());
        if state.settings.tokens == TokenMode::Any || only.is_none_or(|only| only == file_id) {
            return Ok(());
        }
        Err(errors::error(
            Envelope::for_operation(operation),
            StatusCode::FORBIDDEN,
            "access_denied_insufficient_permissions",
            "Access denied - insufficient permission",
        ))
    }
}

fn grant_of(state: &State, token: &Secret) -> Option<Arc<Grant>> {
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
