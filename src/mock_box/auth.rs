//! Who makes a call, and whether it is permitted: 401 and 403 as Box answers them.

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;

use super::{
    http::{answer::Answer, envelope::Envelope, errors, request::Head},
    model::{
        grant::{Grant, Resource, Writer},
        settings::TokenMode,
    },
    state::State,
};
use crate::domain::{
    call::{TokenSeen, WriterToken},
    operation::Operation,
    scope::Scope,
    secret::{Secret, last4},
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
    /// The method.
    pub method: &'a Method,
    /// The file that its path names.
    pub file_id: Option<&'a str>,
    /// The folder that its path names.
    pub folder_id: Option<&'a str>,
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
                let in_scope = |scope: &Scope| scope.permits(asked.method, asked.operation);
                let scopes = grant.scopes.as_deref();
                if !grant.kind.permits(asked.operation)
                    || !scopes.is_none_or(|scopes| scopes.iter().any(in_scope))
                {
                    return Err(errors::insufficient_scope());
                }
                match (asked.file_id, asked.folder_id) {
                    (Some(id), _) => self.check_file(state, id, asked.operation),
                    (None, Some(id)) => self.check_folder(state, id, asked.operation),
                    (None, None) => Ok(()),
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
        self.check_resource(state, operation, |grant| covers_file(grant, state, file_id))
    }

    /// Whether the caller's token is for this folder.
    ///
    /// # Errors
    /// The 403 that Box would answer.
    pub fn check_folder(
        &self,
        state: &State,
        folder_id: &str,
        operation: Operation,
    ) -> Result<(), Answer> {
        self.check_resource(state, operation, |grant| {
            covers_folder(grant, state, folder_id)
        })
    }

    fn check_resource(
        &self,
        state: &State,
        operation: Operation,
        covers: impl FnOnce(&Grant) -> bool,
    ) -> Result<(), Answer> {
        if state.settings.tokens == TokenMode::Any || self.grant.as_deref().is_none_or(covers) {
            return Ok(());
        }
        Err(errors::error(
            Envelope::for_operation(operation),
            StatusCode::FORBIDDEN,
            "access_denied_insufficient_permissions",
            "Access denied - insufficient permission",
        ))
    }

    /// Whether the scopes of the caller's token permit a `PUT` to change these members.
    ///
    /// # Errors
    /// The 403 that Box would answer.
    pub fn check_changes<'m>(
        &self,
        state: &State,
        mut members: impl Iterator<Item = &'m str>,
    ) -> Result<(), Answer> {
        let scopes = self
            .grant
            .as_deref()
            .and_then(|grant| grant.scopes.as_deref());
        let permits = |member: &str| {
            scopes.is_none_or(|scopes| scopes.iter().any(|scope| scope.permits_change(member)))
        };
        if state.settings.tokens == TokenMode::Any || members.all(permits) {
            return Ok(());
        }
        Err(errors::insufficient_scope())
    }

    /// The user that the caller acts for; `None` for the mock's own user.
    pub fn user_id(&self) -> Option<&str> {
        self.grant.as_ref()?.user_id.as_deref()
    }
}

fn grant_of(state: &State, token: &Secret) -> Option<Arc<Grant>> {
    if state.settings.user_token.as_ref() == Some(token) {
        return Some(Arc::new(Grant {
            expires_at: Timestamp::MAX,
            ..Grant::user(None, Timestamp::UNIX_EPOCH)
        }));
    }
    state.grant(token).cloned()
}

/// Whether a grant is for this file.
pub(crate) fn covers_file(grant: &Grant, state: &State, file_id: &str) -> bool {
    match &grant.resource {
        None => true,
        Some(Resource::File(id)) => id == file_id,
        Some(Resource::Folder(_)) => state
            .file(file_id)
            .is_some_and(|file| covers_folder(grant, state, &file.parent_id)),
    }
}

/// Whether a grant is for this folder.
pub(crate) fn covers_folder(grant: &Grant, state: &State, folder_id: &str) -> bool {
    match &grant.resource {
        None => true,
        Some(Resource::File(_)) => false,
        Some(Resource::Folder(id)) => {
            let path = state.path_to(Some(folder_id));
            path.iter().any(|folder| folder.id == *id)
        }
    }
}
