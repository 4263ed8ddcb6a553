//! `/oauth2/token` and `/oauth2/revoke`. Any client gets a token; which claims and scopes are checked is in
//! `jwt` and `token_exchange`.

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    endpoint::{BodyKind::InMemory, Endpoint, Handler::Write, row},
    jwt,
    token_exchange::{self, Wanted},
};
use crate::{
    domain::{operation::Operation, secret::Secret},
    mock_box::{
        auth::Access,
        context::{Context, Decision},
        http::{answer::Answer, envelope::Envelope, errors},
        model::{
            grant::{Grant, USER_LIFETIME_SECONDS},
            ids::Ids,
        },
        state::Change,
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST, "oauth2/token",  Operation::Token, InMemory, Write(grant)).with_access(Access::Open),
    row(Method::POST, "oauth2/revoke", Operation::Token, InMemory, Write(revoke)).with_access(Access::Open),
];

/// Grants a token. Any client id, secret, key and refresh token is accepted.
fn grant(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let form = Form::read(context.request.bytes());
    match form.required("grant_type")?.as_str() {
        "client_credentials" => {
            check_client(context, &form)?;
            let user_id = credentials_subject(&form)?;
            let grant = Grant::user(user_id.as_deref(), context.now);
            Ok(granted(context, ids, grant, &[]))
        }
        "refresh_token" => refresh(context, &form, ids),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            check_client(context, &form)?;
            let (assertion, origin) = (form.required("assertion")?, &context.request.head.origin);
            let client_id = form.get("client_id");
            let user_id = jwt::subject(&assertion, client_id.as_deref(), origin, context.now)?;
            let grant = Grant::user(user_id.as_deref(), context.now);
            Ok(granted(context, ids, grant, &[]))
        }
        "urn:ietf:params:oauth:grant-type:token-exchange" => exchange(context, &form, ids),
        "authorization_code" => Err(errors::not_played(
            Envelope::OAuth,
            "the authorization_code grant",
        )),
        _ => {
            let message = "Grant type is not supported";
            Err(errors::oauth("unsupported_grant_type", message))
        }
    }
}

/// The user that client credentials are for; `None` for the enterprise.
fn credentials_subject(form: &Form) -> Result<Option<String>, Answer> {
    match form.get("box_subject_type").as_deref() {
        None | Some("enterprise") => Ok(None),
        Some("user") => form.required("box_subject_id").map(Some),
        Some(_) => Err(errors::oauth(
            "invalid_request",
            "box_subject_type must be enterprise or user",
        )),
    }
}

/// A refresh token is valid once, whatever its origin; the answer has the next one.
fn refresh(context: &Context<'_>, form: &Form, ids: &mut Ids) -> Result<Decision, Answer> {
    check_client(context, form)?;
    let spent = Secret::new(form.required("refresh_token")?);
    if context.state.is_spent(&spent) {
        let message = "The refresh token was already used";
        return Err(errors::oauth("invalid_grant", message));
    }
    let next = ids.token();
    let members = [("refresh_token", json!(next.expose()))];
    let grant = Grant::user(None, context.now);
    let mut decision = granted(context, ids, grant, &members);
    decision.changes.push(Change::SpendRefreshToken(spent));
    Ok(decision)
}

/// A token with fewer rights. It has no refresh token.
fn exchange(context: &Context<'_>, form: &Form, ids: &mut Ids) -> Result<Decision, Answer> {
    const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    for unplayed in ["actor_token", "box_shared_link"] {
        if form.get(unplayed).is_some() {
            let what = format!("the parameter '{unplayed}' of token exchange");
            return Err(errors::not_played(Envelope::OAuth, &what));
        }
    }
    if form.required("subject_token_type")? != ACCESS_TOKEN {
        let message = format!("subject_token_type must be {ACCESS_TOKEN}");
        return Err(errors::oauth("invalid_request", message));
    }
    let (scope, resource) = (form.get("scope"), form.get("resource"));
    let wanted = Wanted {
        subject: Secret::new(form.required("subject_token")?),
        scope: scope.as_deref().unwrap_or_default(),
        resource: resource.as_deref(),
    };
    let grant = token_exchange::exchange(context, &wanted)?;
    let members = [("issued_token_type", json!(ACCESS_TOKEN))];
    Ok(granted(context, ids, grant, &members))
}

/// The answer with a new token for `grant`, and `members` in addition.
fn granted(
    context: &Context<'_>,
    ids: &mut Ids,
    grant: Grant,
    members: &[(&str, Value)],
) -> Decision {
    let token = ids.token();
    let seconds = grant.expires_at.as_second() - context.now.as_second();
    let mut answer = json!({
        "access_token": token.expose(),
        "expires_in": seconds.min(USER_LIFETIME_SECONDS),
        "restricted_to": token_exchange::restricted_to(&grant),
        "token_type": "bearer"
    });
    for (name, value) in members {
        answer[*name] = value.clone();
    }
    let answer = Answer::json(StatusCode::OK, &answer)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Decision {
        changes: vec![Change::PutToken(token, grant)],
        ..Decision::answer(answer)
    }
}

/// 200 without a body, also for an unknown token.
fn revoke(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let form = Form::read(context.request.bytes());
    let token = form.required("token")?;
    Ok(Decision {
        changes: vec![Change::RevokeToken(Secret::new(token))],
        ..Decision::answer(Answer::empty(StatusCode::OK))
    })
}

fn check_client(context: &Context<'_>, form: &Form) -> Result<(), Answer> {
    if form.get("client_id").is_some() || has_basic(context) {
        return Ok(());
    }
    let message = "The client credentials are invalid";
    Err(errors::oauth("invalid_client", message))
}

fn has_basic(context: &Context<'_>) -> bool {
    context
        .request
        .head
        .header(header::AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
}

/// The fields of a body: a form, or JSON, which some clients send.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(bytes: &[u8]) -> Self {
        if let Ok(Value::Object(members)) = serde_json::from_slice(bytes) {
            let texts = members.into_iter().filter_map(|(name, value)| match value {
                Value::String(text) => Some((name, text)),
                _ => None,
            });
            return Self(texts.collect());
        }
        let pairs = url::form_urlencoded::parse(bytes);
        Self(pairs.into_owned().collect())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// 400 where it is missing or empty.
    fn required(&self, name: &str) -> Result<String, Answer> {
        let missing = || {
            let message = format!("The {name} parameter is missing");
            errors::oauth("invalid_request", message)
        };
        self.get(name).ok_or_else(missing)
    }

    fn get(&self, name: &str) -> Option<String> {
        let field = self.0.iter().find(|(field, _)| field == name);
        field
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    }
}
