//! The assertion of the JWT grant. Any key is accepted: the mock knows no app's public key. The claims are
//! checked as Box checks them.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::mock_box::http::{answer::Answer, errors};

/// base64url, with or without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The most seconds between the call and the expiry of its assertion.
const MAX_LIFETIME: i64 = 60;
/// The audience of Box.
const AUDIENCE: &str = "https://api.box.com/oauth2/token";

/// Checks an assertion, and returns the id of the user it is for, if it is for a user and not for the
/// enterprise.
///
/// # Errors
/// 400 `invalid_grant`, with the claim that is wrong.
pub(super) fn subject(
    assertion: &str,
    client_id: Option<&str>,
    origin: &str,
    now: Timestamp,
) -> Result<Option<String>, Answer> {
    let parts: Vec<&str> = assertion.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        return Err(invalid("The assertion is not a JWT"));
    };
    let (Some(head), Some(claims)) = (decoded(head), decoded(claims)) else {
        return Err(invalid("The assertion is not a JWT"));
    };
    let algorithm = head.get("alg").and_then(Value::as_str).unwrap_or_default();
    if !matches!(algorithm, "RS256" | "RS384" | "RS512") || signature.is_empty() {
        return Err(invalid(
            "The assertion must be signed with RS256, RS384 or RS512",
        ));
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("iss").is_empty() || client_id.is_some_and(|id| id != text("iss")) {
        return Err(invalid(
            "Please check the 'iss' claim: it must be the client id",
        ));
    }
    if text("sub").is_empty() {
        return Err(invalid("Please check the 'sub' claim"));
    }
    if !is_audience(text("aud"), origin) {
        let message = format!("Please check the 'aud' claim: it must be {AUDIENCE}");
        return Err(invalid(&message));
    }
    if !(16..=128).contains(&text("jti").len()) {
        return Err(invalid(
            "Please check the 'jti' claim: it must have 16 to 128 characters",
        ));
    }
    #[allow(clippy::cast_possible_truncation, reason = "a time in seconds")]
    let expires = claims
        .get("exp")
        .and_then(Value::as_f64)
        .unwrap_or_default() as i64;
    if !(1..=MAX_LIFETIME).contains(&(expires - now.as_second())) {
        return Err(invalid(
            "Please check the 'exp' claim: it must be at most 60 seconds in the future",
        ));
    }
    match text("box_sub_type") {
        "enterprise" => Ok(None),
        "user" => Ok(Some(text("sub").to_owned())),
        _ => Err(invalid(
            "Please check the 'box_sub_type' claim: it must be 'enterprise' or 'user'",
        )),
    }
}

/// Box's own token URL, or that of the mock for an SDK with a base URL.
fn is_audience(audience: &str, origin: &str) -> bool {
    audience == AUDIENCE
        || audience
            .strip_prefix(origin)
            .is_some_and(|path| path.ends_with("/oauth2/token"))
}

fn decoded(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()
}

fn invalid(message: &str) -> Answer {
    errors::oauth("invalid_grant", message)
}
