//! Token exchange: a token for fewer scopes, or for one file or folder.

use std::sync::Arc;

use crate::{
    domain::{scope::Scope, secret::Secret, token::TokenKind},
    mock_box::{
        auth::{covers_file, covers_folder},
        context::Context,
        http::{answer::Answer, errors},
        model::{
            grant::{Grant, Resource},
            settings::TokenMode,
        },
        state::State,
    },
};

/// What a token is exchanged for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The token.
    pub subject: Secret,
    /// The scopes, separated by blanks.
    pub scope: &'a str,
    /// The URL of a file or folder.
    pub resource: Option<&'a str>,
}

/// What the new token permits.
///
/// # Errors
/// 400 for an unknown token, and for scopes or a resource that it does not have.
pub(super) fn exchange(context: &Context<'_>, wanted: &Wanted<'_>) -> Result<Grant, Answer> {
    let state = context.state;
    let parent = parent(context, &wanted.subject)?;
    let mut scopes = Vec::new();
    for name in wanted.scope.split_ascii_whitespace() {
        let scope = Scope::parse(name).filter(|scope| has_scope(&parent, *scope));
        scopes.push(scope.ok_or_else(|| {
            errors::oauth(
                "invalid_scope",
                format!("The token does not have the scope '{name}'"),
            )
        })?);
    }
    if scopes.is_empty() {
        return Err(errors::oauth(
            "invalid_request",
            "The scope parameter is missing",
        ));
    }
    let resource = match wanted.resource {
        None => parent.resource.clone(),
        Some(url) => {
            let resource = resource(state, url)
                .filter(|resource| has_resource(state, &parent, resource))
                .ok_or_else(|| {
                    let message = "The resource is not a file or folder of the token";
                    errors::oauth("invalid_resource", message)
                })?;
            Some(resource)
        }
    };
    Ok(Grant {
        resource,
        scopes: Some(scopes.into()),
        ..parent
    })
}

fn parent(context: &Context<'_>, subject: &Secret) -> Result<Grant, Answer> {
    let state = context.state;
    let user = Grant::user(None, context.now);
    if state.settings.user_token.as_ref() == Some(subject) {
        return Ok(user);
    }
    match state.grant(subject) {
        Some(grant) if grant.expires_at > context.now => Ok(Grant::clone(grant)),
        _ if state.settings.tokens == TokenMode::Any => Ok(user),
        _ => Err(errors::oauth(
            "invalid_grant",
            "The subject_token is unknown or expired",
        )),
    }
}

fn has_scope(parent: &Grant, scope: Scope) -> bool {
    match &parent.scopes {
        Some(scopes) => scopes.contains(&scope) || scopes.contains(&Scope::RootReadwrite),
        None => scope.is_within(parent.kind),
    }
}

fn has_resource(state: &State, parent: &Grant, resource: &Resource) -> bool {
    parent.kind == TokenKind::User && parent.resource.is_none()
        || match resource {
            Resource::File(id) => covers_file(parent, state, id),
            Resource::Folder(id) => covers_folder(parent, state, id),
        }
}

/// The file or folder of a URL, if it exists.
fn resource(state: &State, url: &str) -> Option<Resource> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (rest, id) = path.trim_end_matches('/').rsplit_once('/')?;
    match rest.rsplit('/').next()? {
        "files" if state.file(id).is_some() => Some(Resource::File(id.to_owned())),
        "folders" if state.folder(id).is_some() => Some(Resource::Folder(id.to_owned())),
        _ => None,
    }
}

/// `restricted_to` of an answer.
pub(super) fn restricted_to(grant: &Grant) -> serde_json::Value {
    use serde_json::json;
    let scopes: Arc<[Scope]> = grant.scopes.clone().unwrap_or_default();
    let object = grant.resource.as_ref().map(|resource| match resource {
        Resource::File(id) => json!({"type": "file", "id": id}),
        Resource::Folder(id) => json!({"type": "folder", "id": id}),
    });
    let entry = |scope: &Scope| match &object {
        Some(object) => json!({"scope": scope.as_str(), "object": object}),
        None => json!({"scope": scope.as_str()}),
    };
    scopes.iter().map(entry).collect()
}
