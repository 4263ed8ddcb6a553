//! Tokens and keys, and the one redactor, which keeps them out of all output.
//!
//! A [`Secret`] has neither `Display` nor `Serialize`. Plain text (request targets, headers, event
//! bodies) is redacted by the functions here before it is logged, recorded or printed. What counts as a secret is in `HOLD_SECRETS`,
//! `is_secret_name`, `is_secret_parameter` and `has_the_form_of_a_token`. `event redact` adds names,
//! ids and addresses, in `event::redaction`.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

/// A token or a signing key. Shown only as `[redacted …last4]`; [`Secret::expose`] is for the
/// wire.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// A secret with this value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for a header, a signature or a comparison. Never for output.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its last four characters, which distinguish two tokens; empty for a secret so
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
    const MIN_LENGTH_TO_SHOW: usize = 12;
    let mut from_behind = secret.char_indices().rev().map(|(index, _)| index);
    match (from_behind.nth(3), from_behind.nth(MIN_LENGTH_TO_SHOW - 5)) {
        (Some(start), Some(_)) => &secret[start..],
        _ => "",
    }
}

/// `secret` as it may be shown: `[redacted …last4]`, or `[redacted]` for a short one.
pub fn redact(secret: &str) -> String {
    match last4(secret) {
        "" => "[redacted]".to_owned(),
        end => format!("[redacted …{end}]"),
    }
}

/// A request target (path and query) with the values of `access_token` and similar parameters redacted.
pub fn redact_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_secret_parameter(name) => {
                format!("{name}={}", redact(value))
            }
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

/// A URL as it may be shown: without its user and password, which a proxy's or a skill's may
/// have, and its query as [`redact_target`] leaves it.
pub fn redact_url(url: &Url) -> String {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}{}", url.scheme(), redact_target(&target))
}

/// The value of a header as it may be shown.
pub fn redact_header(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, credentials)) => format!("{scheme} {}", redact(credentials)),
            None => redact(value),
        },
        "boxapi" => redact(value),
        "location" | "content-location" | "link" | "referer" => redact_target(value),
        _ if holds_a_secret(&name) => redact(value),
        _ => value.to_owned(),
    }
}

/// Whether a header or a variable of this name holds a secret, judged by the parts of the name:
/// cookies, `x-api-key`, `x-amz-security-token`, `OPENAI_API_KEY`.
pub(crate) fn holds_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HOLD_SECRETS.iter().any(|part| name.contains(part))
}

/// Parts of the names of headers and variables that hold a secret.
const HOLD_SECRETS: [&str; 7] = [
    "authorization",
    "cookie",
    "credential",
    "key",
    "password",
    "secret",
    "token",
];

/// Replaces every token and key inside a JSON value by its redacted form, in place: members that
/// are named like secrets at any depth, URLs that carry an access token, and JSON inside a text,
/// as the body of an API Gateway event is.
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
        Value::String(text) => *text = redact_text(text),
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
        _ => replace_secrets(text, redact),
    }
}

/// Source text for an error message: every secret becomes stars of the same length, so that columns do
/// not move.
pub fn mask(source: &str) -> String {
    replace_secrets(source, |secret| "*".repeat(secret.len()))
}

/// The output of a program, redacted like [`redact_text`], and in addition every word that has the form
/// of a Box token.
pub fn redact_output(line: &str) -> String {
    let is_of_a_token = |character: char| character.is_ascii_alphanumeric() || character == '!';
    let text = redact_text(line);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_of_a_token) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_of_a_token(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        shown.push_str(before);
        if has_the_form_of_a_token(word) {
            shown.push_str(&redact(word));
        } else {
            shown.push_str(word);
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// 32 letters of both cases and digits, or one of the longer ones that begin with `1!`.
fn has_the_form_of_a_token(word: &str) -> bool {
    const LENGTH: usize = 32;
    if word.starts_with("1!") {
        return word.len() >= LENGTH;
    }
    let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
    word.len() == LENGTH
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && !word.contains('!')
}

/// Replaces every secret in a text, without parsing it: a value after the name of a secret and a colon
/// or equals sign, and the credentials after `Bearer` and `Basic`.
pub fn replace_secrets(text: &str, new: impl Fn(&str) -> String) -> String {
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
        let Some((gap, secret)) = credentials(name, after).or_else(|| named_value(name, after))
        else {
            continue;
        };
        shown.push_str(gap);
        shown.push_str(&new(secret));
        rest = &after[gap.len() + secret.len()..];
    }
    shown.push_str(rest);
    shown
}

/// What is between a secret's name and its value, and the value.
fn named_value<'a>(name: &str, after: &'a str) -> Option<(&'a str, &'a str)> {
    if !is_secret_name(name) {
        return None;
    }
    let value = after.trim_start_matches(['"', '\'', '\\', ' ', '\t', '\r', '\n']);
    let value = value.strip_prefix([':', '='])?;
    let value = value.trim_start_matches(['"', '\'', '\\', ' ', '\t']);
    let gap = &after[..after.len() - value.len()];
    let secret = up_to_its_end(value);
    (!secret.is_empty() && !secret.starts_with(['{', '['])).then_some((gap, secret))
}

/// What follows the name of a scheme; not a word as short as those of running text.
fn credentials<'a>(name: &str, after: &'a str) -> Option<(&'a str, &'a str)> {
    const SHORTEST: usize = 8;
    let is_scheme = ["bearer", "basic"].contains(&name.to_ascii_lowercase().as_str());
    let value = after.strip_prefix(' ').filter(|_| is_scheme)?;
    let secret = up_to_its_end(value);
    (secret.len() >= SHORTEST).then_some((&after[..1], secret))
}

fn up_to_its_end(value: &str) -> &str {
    let end = value
        .find(['"', '\'', '\\', '&', ',', ';', '}', ' ', '\r', '\n'])
        .unwrap_or(value.len());
    &value[..end]
}

/// Whether a member of this name holds a secret; `clientSecret` is `client_secret`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    matches!(
        plain.as_str(),
        "accesstoken"
            | "refreshtoken"
            | "apikey"
            | "clientid"
            | "clientsecret"
            | "token"
            | "uploadtoken"
            | "subjecttoken"
            | "actortoken"
            | "assertion"
            | "password"
            | "passphrase"
            | "privatekey"
            | "primarykey"
            | "secondarykey"
            | "boxsharedlinkpassword"
            | "idtoken"
            | "secretaccesskey"
            | "sessiontoken"
    )
}

/// Whether a query parameter of this name, however it is escaped, holds a secret: some that are
/// harmless as members are keys in a URL, as the `code` of a function or of a login.
pub(crate) fn is_secret_parameter(name: &str) -> bool {
    let name = percent_decode_str(name).decode_utf8_lossy();
    is_secret_name(&name)
        || ["code", "key", "sig", "signature"].contains(&name.to_ascii_lowercase().as_str())
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
        assert_eq!(last4("éééééééé89ab"), "89ab");
        assert_eq!(last4("ééééééé89ab"), "");
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
    fn an_escaped_name_hides_no_token() {
        assert_eq!(
            redact_target("/2.0/files/1?access%5Ftoken=0123456789abcdef&code=0123456789abcdef"),
            "/2.0/files/1?access%5Ftoken=[redacted …cdef]&code=[redacted …cdef]"
        );
    }

    #[test]
    fn a_url_loses_its_user_and_password() {
        let shown = |text| redact_url(&Url::parse(text).expect("a URL"));
        assert_eq!(
            shown("https://me:pw@h:8443/2.0/x?a=1&access_token=0123456789abcdef"),
            "https://h:8443/2.0/x?a=1&access_token=[redacted …cdef]"
        );
        assert_eq!(shown("http://[::1]:80"), "http://[::1]/");
    }

    #[test]
    fn what_a_program_prints_loses_what_has_the_form_of_a_token() {
        let token = "aB3456789012345678901234567890cD";
        assert_eq!(
            redact_output(&format!("got {token}, or Bearer 0123456789abcdef")),
            "got [redacted …90cD], or Bearer [redacted …cdef]"
        );
        let long = format!("1!{token}{token}");
        assert_eq!(redact_output(&long), "[redacted …90cD]");
        for harmless in [
            "d41d8cd98f00b204e9800998ecf8427e",
            "listening on 127.0.0.1:8080",
            "a bearer of good news",
        ] {
            assert_eq!(redact_output(harmless), harmless);
        }
    }

    #[test]
    fn a_masked_source_keeps_its_length() {
        let source = r#"{"api_key":"0123456789abcdef","a":1,"#;
        let masked = mask(source);
        assert_eq!(masked, r#"{"api_key":"****************","a":1,"#);
        assert_eq!(mask(&masked), masked);
    }

    #[test]
    fn headers_keep_the_scheme() {
        assert_eq!(
            redact_header("Authorization", "Bearer 0123456789abcdef"),
            "Bearer [redacted …cdef]"
        );
        for name in [
            "X-Api-Key",
            "Cookie",
            "X-Amz-Security-Token",
            "X-Their-Authorization",
        ] {
            let shown = redact_header(name, "0123456789abcdef");
            assert_eq!(shown, "[redacted …cdef]", "{name}");
        }
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
            "link": "https://api.box.com/2.0/files/1/content?access_token=0123456789abcdef",
            "body": "{\"token\":{\"read\":{\"access_token\":\"0123456789abcdef\"}}}",
            "text": "at 10:30, he said: hello"
        });
        redact_json(&mut body);
        assert_eq!(
            body,
            json!({
                "skill": {"api_key": "[redacted …9r8n]"},
                "token": {"read": {"access_token": "[redacted …cdef]"}},
                "link": "https://api.box.com/2.0/files/1/content?access_token=[redacted …cdef]",
                "body": "{\"token\":{\"read\":{\"access_token\":\"[redacted …cdef]\"}}}",
                "text": "at 10:30, he said: hello"
            })
        );
    }
}
