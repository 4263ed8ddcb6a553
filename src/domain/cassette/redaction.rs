//! What is taken out of a call before it is written to a cassette, and before it is matched: tokens, keys
//! and signatures.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use super::{
    exchange::{Callback, Cassette, Entry, Exchange, Headers, ProviderAnswer, ProviderRequest},
    multipart::with_texts,
    values::EventValues,
};
use crate::domain::{
    secret::{holds_a_secret, is_secret_name, is_secret_parameter},
    secret_values::SecretValues,
};

/// The replacement of a secret. Skills send it on, in headers too, so it is plain ASCII.
pub(super) const REDACTED: &str = "REDACTED";

/// Headers that belong to one connection or to the length of a body.
const OF_THE_CONNECTION: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Takes the values of an event and secrets out of calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redactor<'a> {
    pub(super) values: &'a EventValues,
    pub(super) secrets: &'a SecretValues,
}

/// A cassette without secrets: those that have a name of their own, and the values in `secrets`.
pub fn redacted(cassette: &Cassette, secrets: &SecretValues) -> Cassette {
    let redactor = Redactor {
        values: &EventValues::default(),
        secrets,
    };
    let entries = cassette.entries.iter().map(|entry| match entry {
        Entry::Call(exchange) => Entry::Call(redactor.exchange(exchange)),
        Entry::Callback(callback) => Entry::Callback(Callback {
            request: redactor.request(&callback.request),
            ..callback.clone()
        }),
    });
    Cassette {
        entries: entries.collect(),
    }
}

impl Redactor<'_> {
    /// A call and its answer as a cassette holds them.
    pub(super) fn exchange(&self, exchange: &Exchange) -> Exchange {
        Exchange {
            request: self.request(&exchange.request),
            answer: self.answer(&exchange.answer),
            at: exchange.at.clone(),
            ms: exchange.ms,
        }
    }

    /// A call as a cassette holds it.
    pub(super) fn request(&self, request: &ProviderRequest) -> ProviderRequest {
        ProviderRequest {
            method: request.method.clone(),
            url: self.url(&request.url),
            headers: self.headers(&request.headers),
            body: match std::str::from_utf8(&request.body) {
                Ok(_) => self.body(&request.body, request.header("content-type")),
                Err(_) => self.bytes(&request.body, request.header("content-type")),
            },
        }
    }

    /// An answer as a cassette holds it.
    pub(super) fn answer(&self, answer: &ProviderAnswer) -> ProviderAnswer {
        ProviderAnswer {
            status: answer.status,
            headers: self.headers(&answer.headers),
            body: self.body(&answer.body, answer.header("content-type")),
        }
    }

    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.values.conceal(text) {
            Cow::Borrowed(text) => self.secrets.replace(text, REDACTED),
            Cow::Owned(text) => Cow::Owned(self.secrets.replace(&text, REDACTED).into_owned()),
        }
    }

    fn url(&self, url: &str) -> String {
        let url = self.text(url);
        // User and password.
        let url = match url.split_once("://") {
            Some((scheme, rest)) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                let host = authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host);
                format!("{scheme}://{host}{path}")
            }
            None => url.into_owned(),
        };
        match url.split_once('?') {
            Some((path, query)) => format!("{path}?{}", without_secrets(query)),
            None => url,
        }
    }

    fn headers(&self, headers: &Headers) -> Headers {
        let kept = headers.iter().filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !OF_THE_CONNECTION.contains(&name.as_str())
        });
        kept.map(|(name, value)| {
            let is_url = ["location", "content-location", "referer", "link"]
                .iter()
                .any(|it| name.eq_ignore_ascii_case(it));
            let value = if holds_a_secret(name) && !name.eq_ignore_ascii_case("x-amz-target") {
                REDACTED.to_owned()
            } else if is_url {
                self.url(value)
            } else {
                self.text(value).into_owned()
            };
            (name.clone(), value)
        })
        .collect()
    }

    /// The texts in a body that is not text as a whole. A request is only compared, so that lengths inside
    /// it need not fit.
    fn bytes(&self, body: &Bytes, content_type: Option<&str>) -> Bytes {
        if let Some(parts) = self.parts(body, content_type.unwrap_or_default()) {
            return parts.into();
        }
        let mut redacted = Vec::with_capacity(body.len());
        for chunk in body.utf8_chunks() {
            redacted.extend_from_slice(self.text(chunk.valid()).as_bytes());
            redacted.extend_from_slice(chunk.invalid());
        }
        redacted.into()
    }

    /// A multipart body without values and secrets; its fields are named.
    fn parts(&self, body: &[u8], content_type: &str) -> Option<Vec<u8>> {
        with_texts(body, content_type, |name, text| {
            let text = self.text(text);
            match name {
                Some(name) if is_secret_parameter(name) && !is_placeholder(&text) => {
                    REDACTED.to_owned()
                }
                _ => text.into_owned(),
            }
        })
    }

    /// A body of text without values and secrets. Other bodies stay as they are.
    fn body(&self, body: &Bytes, content_type: Option<&str>) -> Bytes {
        let content_type = content_type.unwrap_or_default();
        if let Some(parts) = self.parts(body, content_type) {
            return parts.into();
        }
        let Ok(text) = std::str::from_utf8(body) else {
            return body.clone();
        };
        let text = self.text(text);
        if content_type.starts_with("application/x-www-form-urlencoded") {
            return without_secrets(&text).into();
        }
        match redacted_text(&text) {
            Some(redacted) => redacted.into(),
            None if matches!(text, Cow::Borrowed(_)) => body.clone(),
            None => text.into_owned().into(),
        }
    }
}

/// A text without secrets, by their names; `None` where it holds none: JSON, lines of JSON, XML, and signed
/// URLs in anything else.
fn redacted_text(text: &str) -> Option<String> {
    let redacted = match redacted_json(text) {
        Some(json) => json,
        None => redacted_lines(text).unwrap_or_else(|| redacted_markup(text)),
    };
    match redacted {
        Cow::Borrowed(_) => None,
        Cow::Owned(redacted) => Some(redacted),
    }
}

/// JSON without secrets; borrowed where it holds none, `None` for a text that is not JSON.
fn redacted_json(text: &str) -> Option<Cow<'_, str>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut value = serde_json::from_str::<Value>(text).ok()?;
    Some(if redact_members(&mut value) {
        Cow::Owned(value.to_string())
    } else {
        Cow::Borrowed(text)
    })
}

/// Lines of JSON without secrets; borrowed where they hold none, `None` for other texts.
fn redacted_lines(text: &str) -> Option<Cow<'_, str>> {
    let (first, _) = text.split_once('\n')?;
    if !is_json(first) {
        return None;
    }
    let redacted = |line| redacted_json(line).unwrap_or_else(|| redacted_markup(line));
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(redacted).collect();
    let is_changed = lines.iter().any(|line| matches!(line, Cow::Owned(_)));
    Some(if is_changed {
        Cow::Owned(lines.join("\n"))
    } else {
        Cow::Borrowed(text)
    })
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// A text without secrets in XML elements, and in the queries of URLs.
fn redacted_markup(text: &str) -> Cow<'_, str> {
    let elements = without_secret_elements(text);
    let parameters = without_secret_parameters(elements.as_deref().unwrap_or(text));
    parameters
        .or(elements)
        .map_or(Cow::Borrowed(text), Cow::Owned)
}

/// XML with the content of those elements replaced that are named like secrets; `None` where there is none.
/// AWS's token service answers so.
fn without_secret_elements(text: &str) -> Option<String> {
    let mut redacted = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices('<') {
        let tag = &text[at + 1..];
        let name = &tag[..tag.find(|it: char| !is_of_a_name(it)).unwrap_or(tag.len())];
        let Some(rest) = tag[name.len()..].strip_prefix('>') else {
            continue;
        };
        if at < copied || name.is_empty() || !is_secret_name(name) {
            continue;
        }
        let content = &rest[..rest.find('<').unwrap_or(rest.len())];
        if content.trim().is_empty() || is_placeholder(content) {
            continue;
        }
        let start = at + 1 + name.len() + 1;
        redacted.push_str(&text[copied..start]);
        redacted.push_str(REDACTED);
        copied = start + content.len();
    }
    (copied > 0).then(|| redacted + &text[copied..])
}

/// A text with the secret parameters of URLs in it replaced; `None` where there is none. A parameter
/// follows `?`, `&` or, in XML, `&amp;`.
fn without_secret_parameters(text: &str) -> Option<String> {
    let mut redacted = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices('=') {
        let before = &text[..at];
        let name = &before[before.trim_end_matches(is_of_a_name).len()..];
        let is_parameter = before[..at - name.len()].ends_with(['?', '&', ';']);
        if at < copied || !is_parameter || !(is_secret_parameter(name) || is_signature(name)) {
            continue;
        }
        let value = &text[at + 1..];
        let is_end = |it: char| it.is_whitespace() || "&\"'<>\\#,;)".contains(it);
        let value = &value[..value.find(is_end).unwrap_or(value.len())];
        if value.is_empty() || is_placeholder(value) {
            continue;
        }
        redacted.push_str(&text[copied..=at]);
        redacted.push_str(REDACTED);
        copied = at + 1 + value.len();
    }
    (copied > 0).then(|| redacted + &text[copied..])
}

fn is_of_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':' | '%')
}

/// A query, or a form, with secrets replaced. Placeholders stay: they say which token it was.
fn without_secrets(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_secret_parameter(name) && !is_placeholder(value) => {
            format!("{name}={REDACTED}")
        }
        Some((name, _)) if is_signature(name) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn is_signature(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "x-amz-signature",
        "x-amz-credential",
        "x-amz-security-token",
    ]
    .contains(&name.as_str())
        || ["x-goog-signature", "x-goog-credential"].contains(&name.as_str())
}

fn is_placeholder(value: &str) -> bool {
    value.starts_with("{{") && value.ends_with("}}")
}

/// Replaces the values of members that are named like secrets, and secrets inside other strings, which may
/// be JSON or URLs themselves; whether there was one.
fn redact_members(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |any, (name, member)| {
            let redacted = match member {
                Value::String(text) if is_secret_name(name) && !is_placeholder(text) => {
                    REDACTED.clone_into(text);
                    true
                }
                member => redact_members(member),
            };
            any | redacted
        }),
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |any, item| any | redact_members(item)),
        Value::String(text) => match redacted_text(text) {
            Some(redacted) => {
                *text = redacted;
                true
            }
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted_request(request: &ProviderRequest) -> ProviderRequest {
        let secrets = [("ML_API_KEY", "planted-by-value")];
        let secrets = SecretValues::from_variables(secrets.into_iter());
        Redactor {
            values: &EventValues::default(),
            secrets: &secrets,
        }
        .request(request)
    }

    fn request(url: &str, headers: &[(&str, &str)], body: &'static str) -> ProviderRequest {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ProviderRequest {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(pair).collect(),
            body: body.into(),
        }
    }

    #[test]
    fn no_planted_secret_is_left() {
        let found = redacted_request(&request(
            "https://me:planted@ml.example/planted-by-value/a?key=planted&sig=planted&X-Amz-Signature=planted&b=1",
            &[
                ("Authorization", "Bearer planted"),
                ("Cookie", "a=planted"),
                ("x-api-key", "planted"),
                ("Ocp-Apim-Subscription-Key", "planted"),
                ("X-Note", "it is planted-by-value"),
                ("Content-Type", "application/json"),
                ("Host", "ml.example"),
            ],
            r#"{"client_secret": "planted", "deep": [{"apiKey": "planted"}], "text": "planted-by-value"}"#,
        ));
        let shown = format!("{found:?}");
        assert!(!shown.contains("planted"), "{shown}");
        assert!(found.url.ends_with("&b=1"), "{}", found.url);
        assert_eq!(found.header("host"), None);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let form = redacted_request(&request(
            "https://ml.example/token",
            &form,
            "grant_type=client_credentials&client_secret=planted",
        ));
        assert_eq!(
            form.body,
            "grant_type=client_credentials&client_secret=REDACTED"
        );
    }

    #[test]
    fn the_fields_of_a_form_with_bytes_are_redacted() {
        let head = |name| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        let body = |secret: &str, note: &str| {
            let mut body = format!("{}{secret}\r\n{}{note}\r\n", head("api_key"), head("note"));
            body.push_str(&head("file"));
            let mut body = body.into_bytes();
            body.extend_from_slice(b"\xff\xfe\r\n--b--\r\n");
            body
        };
        let mut request = request(
            "https://ml.example/",
            &[("content-type", "multipart/form-data; boundary=b")],
            "",
        );
        request.body = body("planted", "it is planted-by-value").into();
        assert_eq!(
            redacted_request(&request).body,
            body("REDACTED", "it is REDACTED")
        );
    }

    #[test]
    fn texts_between_bytes_are_redacted() {
        let mut request = request("https://ml.example/", &[], "");
        request.body = Bytes::from_static(b"\xffkey planted-by-value\xff");
        assert_eq!(
            &redacted_request(&request).body[..],
            b"\xffkey REDACTED\xff"
        );
    }

    #[test]
    fn secrets_in_answers_go_wherever_they_are_named() {
        for (body, expected) in [
            (
                r#"{"access_token":"planted","id_token":"planted","expires_in":3600}"#,
                r#"{"access_token":"REDACTED","id_token":"REDACTED","expires_in":3600}"#,
            ),
            (
                r#"{"uri":"https://b.example/a?X-Amz-Date=1&X-Amz-Signature=planted&X-Amz-Security-Token=planted&n=1"}"#,
                r#"{"uri":"https://b.example/a?X-Amz-Date=1&X-Amz-Signature=REDACTED&X-Amz-Security-Token=REDACTED&n=1"}"#,
            ),
            (
                r#"{"SecretString":"{\"password\":\"planted\",\"user\":\"a\"}"}"#,
                r#"{"SecretString":"{\"password\":\"REDACTED\",\"user\":\"a\"}"}"#,
            ),
            (
                "{\"token\":\"planted\"}\n{ \"a\": 1 }\n",
                "{\"token\":\"REDACTED\"}\n{ \"a\": 1 }\n",
            ),
            (
                "<R><SecretAccessKey>planted</SecretAccessKey><SessionToken>planted</SessionToken><N>1</N></R>",
                "<R><SecretAccessKey>REDACTED</SecretAccessKey><SessionToken>REDACTED</SessionToken><N>1</N></R>",
            ),
            (
                "<Url>https://a.example/b?se=1&amp;sig=planted&amp;sp=r</Url>",
                "<Url>https://a.example/b?se=1&amp;sig=REDACTED&amp;sp=r</Url>",
            ),
            (
                "a token: of thanks, x=1 key=2",
                "a token: of thanks, x=1 key=2",
            ),
            (
                r#"{"next":"/done?token={{write_token}}"}"#,
                r#"{"next":"/done?token={{write_token}}"}"#,
            ),
        ] {
            let found = redacted_text(body).unwrap_or_else(|| body.to_owned());
            assert_eq!(found, expected);
            assert_eq!(
                redacted_text(&found).unwrap_or_else(|| found.clone()),
                found
            );
        }
    }

    #[test]
    fn a_body_without_secrets_stays_as_it_was() {
        let body = "{ \"a\":  1 }";
        let found = redacted_request(&request("https://ml.example/", &[], body));
        assert_eq!(found.body, body);
    }
}
