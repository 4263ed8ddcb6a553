//! `/oauth2/token` and `/oauth2/revoke`. Any client id gets a user's token; the grants that the mock
//! does not play are refused by name.

use http::{HeaderValue, Method, StatusCode, header};
use jiff::ToSpan;
use serde_json::{Value, json};

use super::endpoint::{BodyKind::InMemory, Endpoint, Handler::Write, row};
use crate::{
    domain::{operation::Operation, secret::Secret, token::TokenKind},
    mock_box::{
        auth::Access,
        context::{Context, Decision},
        http::{answer::Answer, errors},
        model::{grant::Grant, ids::Ids},
        state::Change,
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST, "oauth2/token",  Operation::Token, InMemory, Write(grant)).with_access(Access::Open),
    row(Method::POST, "oauth2/revoke", Operation::Token, InMemory, Write(revoke)).with_access(Access::Open),
];

/// The lifetime of a token, in seconds.
const LIFETIME_SECONDS: i64 = 3600;

/// A token, for any client id; 501 for the grants that the mock does not play.
fn grant(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let form = Form::read(context.request.bytes());
    let grant_type = form
        .get("grant_type")
        .ok_or_else(|| errors::oauth("invalid_request", "The grant_type parameter is missing"))?;
    match grant_type.as_str() {
        "client_credentials" => {}
        "refresh_token" => return Err(errors::not_played("the refresh_token grant")),
        "authorization_code" => return Err(errors::not_played("the authorization_code grant")),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            return Err(errors::not_played("the JWT grant"));
        }
        "urn:ietf:params:oauth:grant-type:token-exchange" => {
            return Err(errors::not_played("token exchange"));
        }
        _ => {
            let message = "Grant type is not supported";
            return Err(errors::oauth("unsupported_grant_type", message));
        }
    }
    if form.get("client_id").is_none() && !has_basic(context) {
        let message = "The client credentials are invalid";
        return Err(errors::oauth("invalid_client", message));
    }
    if form
        .get("box_subject_type")
        .is_some_and(|subject| subject != "enterprise" && subject != "user")
    {
        let message = "box_subject_type must be enterprise or user";
        return Err(errors::oauth("invalid_request", message));
    }
    let token = ids.token();
    let answer = json!({
        "access_token": token.expose(),
        "expires_in": LIFETIME_SECONDS,
        "restricted_to": [],
        "token_type": "bearer"
    });
    let grant = Grant {
        kind: TokenKind::User,
        file_id: None,
        event_id: None,
        expires_at: context
            .now
            .saturating_add(LIFETIME_SECONDS.seconds())
            .unwrap_or(context.now),
    };
    Ok(Decision {
        changes: vec![Change::PutToken(token, grant)],
        ..Decision::answer(secret_answer(&answer))
    })
}

/// 200 without a body, also for an unknown token.
fn revoke(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let form = Form::read(context.request.bytes());
    let token = form
        .get("token")
        .ok_or_else(|| errors::oauth("invalid_request", "The token parameter is missing"))?;
    Ok(Decision {
        changes: vec![Change::RevokeToken(Secret::new(token))],
        ..Decision::answer(Answer::empty(StatusCode::OK))
    })
}

fn secret_answer(value: &Value) -> Answer {
    Answer::json(StatusCode::OK, value)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
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

    fn get(&self, name: &str) -> Option<String> {
        let field = self.0.iter().find(|(field, _)| field == name);
        field
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    }
}
