//! Tokens and keys, and the one redactor: how a secret is kept from ever being shown.
//!
//! A [`Secret`] has neither `Display` nor `Serialize`, so it is redacted where it is made. What
//! comes as plain text (request targets, headers, event bodies) goes through the functions here
//! before it is logged, recorded or printed.

use std::fmt;

use serde_json::Value;

/// A token or a signing key. Shown only as `[redacted …last4]`; [`Secret::expose`] is for the
/// wire.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for a header, a signature or a comparison. Never for a person.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its last four characters, by which people tell two tokens apart; empty for a secret so
    /// short that four characters would give it away.
    pub fn last4(&self) -> &str {
        last4(&self.0)
    }

    /// As it may be shown: `[redacted …last4]`.
    pub fn redacted(&self) -> String {
        redact(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.redacted())
    }
}

/// The last four characters of `secret`, or nothing where it has fewer than twelve.
pub fn last4(secret: &str) -> &str {
    const SHORTEST_TO_SHOW: usize = 12;
    if secret.chars().count() < SHORTEST_TO_SHOW {
        return "";
    }
    let start = secret
        .char_indices()
        .rev()
        .nth(3)
        .map_or(0, |(index, _)| index);
    &secret[start..]
}

/// `secret` as it may be shown: `[redacted …last4]`, or `[redacted]` for a short one.
pub fn redact(secret: &str) -> String {
    match last4(secret) {
        "" => "[redacted]".to_owned(),
        end => format!("[redacted …{end}]"),
    }
}

/// A request target (path and query) with the values of `access_token` and its like redacted.
pub fn redact_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_secret_name(name) => {
                format!("{name}={}", redact(value))
            }
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

/// The value of a header as it may be shown.
pub fn redact_header(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, credentials)) => format!("{scheme} {}", redact(credentials)),
            None => redact(value),
        },
        "cookie" | "set-cookie" | "boxapi" => redact(value),
        "location" => redact_target(value),
        _ => value.to_owned(),
    }
}

/// Replaces every token and key inside a JSON value by its redacted form, in place: members that
/// are named like secrets at any depth, and URLs that carry an access token.
pub fn redact_json(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if is_secret_name(name) => *text = redact(text),
                    other => redact_json(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_json),
        Value::String(text) if text.contains("access_token=") => *text = redact_target(text),
        _ => {}
    }
}

/// A body as it may be shown: what is named like a secret is redacted in JSON, in a form, and in
/// either when it is cut off somewhere.
pub fn redact_text(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() || value.is_array() => {
            let mut redacted = value.clone();
            redact_json(&mut redacted);
            // A text without secrets stays as it was written.
            if redacted == value {
                text.to_owned()
            } else {
                redacted.to_string()
            }
        }
        _ => redact_loosely(text),
    }
}

/// Goes by the letters alone: a secret's name, a colon or an equals sign, and a value.
fn redact_loosely(text: &str) -> String {
    let is_of_a_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_a_name) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_of_a_name(c)).unwrap_or(from.len());
        let (name, after) = from.split_at(end);
        shown.push_str(before);
        shown.push_str(name);
        rest = after;
        if !is_secret_name(name) {
            continue;
        }
        let value = after.trim_start_matches(['"', '\'', '\\', ' ', '\t', '\r', '\n']);
        let Some(value) = value.strip_prefix([':', '=']) else {
            continue;
        };
        let value = value.trim_start_matches(['"', '\'', '\\', ' ', '\t']);
        let end = value
            .find(['"', '\'', '\\', '&', ',', ';', '}', ' ', '\r', '\n'])
            .unwrap_or(value.len());
        let (secret, after) = value.split_at(end);
        if secret.is_empty() || secret.starts_with(['{', '[']) {
            continue;
        }
        shown.push_str(&rest[..rest.len() - value.len()]);
        shown.push_str(&redact(secret));
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Whether a member or query parameter of this name holds a secret.
fn is_secret_name(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "access_token"
            | "refresh_token"
            | "api_key"
            | "client_secret"
            | "token"
            | "upload_token"
            | "subject_token"
            | "actor_token"
            | "assertion"
            | "box_shared_link_password"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_shows_only_its_end() {
        let secret = Secret::new("abcdefghijklmnopWXYZ");
        assert_eq!(format!("{secret:?}"), "[redacted …WXYZ]");
        assert_eq!(Secret::new("short").redacted(), "[redacted]");
    }

    #[test]
    fn last4_counts_characters_not_bytes() {
        assert_eq!(last4("ééééééééééééé"), "éééé");
    }

    #[test]
    fn targets_lose_their_access_token_and_keep_the_rest() {
        assert_eq!(
            redact_target("/2.0/files/1/content?a=b&access_token=0123456789abcdef&c"),
            "/2.0/files/1/content?a=b&access_token=[redacted …cdef]&c"
        );
        assert_eq!(redact_target("/2.0/files/1"), "/2.0/files/1");
    }

    #[test]
    fn headers_keep_the_scheme() {
        assert_eq!(
            redact_header("Authorization", "Bearer 0123456789abcdef"),
            "Bearer [redacted …cdef]"
        );
        assert_eq!(redact_header("Range", "bytes=0-"), "bytes=0-");
    }

    #[test]
    fn bodies_lose_their_secrets_whole_or_cut_off() {
        for (body, shown) in [
            (
                "grant_type=client_credentials&client_secret=0123456789abcdef&x=1",
                "grant_type=client_credentials&client_secret=[redacted …cdef]&x=1",
            ),
            (
                r#"{"token": {"access_token": "0123456789abcdef"}, "cut": "of"#,
                r#"{"token": {"access_token": "[redacted …cdef]"}, "cut": "of"#,
            ),
            (
                r#"{"client_secret":"0123456789ab"#,
                r#"{"client_secret":"[redacted …89ab]"#,
            ),
            (
                r#"{ "spaces": "stay",  "a":1 }"#,
                r#"{ "spaces": "stay",  "a":1 }"#,
            ),
            ("a token of gratitude, token", "a token of gratitude, token"),
            ("<html>é</html>", "<html>é</html>"),
        ] {
            assert_eq!(redact_text(body), shown);
        }
    }

    #[test]
    fn event_bodies_lose_tokens_and_keys_at_any_depth() {
        let mut body = json!({
            "skill": {"api_key": "hxel2s12wd2h9r8n"},
            "token": {"read": {"access_token": "0123456789abcdef"}},
            "link": "https://api.box.com/2.0/files/1/content?access_token=0123456789abcdef"
        });
        redact_json(&mut body);
        assert_eq!(
            body,
            json!({
                "skill": {"api_key": "[redacted …9r8n]"},
                "token": {"read": {"access_token": "[redacted …cdef]"}},
                "link": "https://api.box.com/2.0/files/1/content?access_token=[redacted …cdef]"
            })
        );
    }
}
