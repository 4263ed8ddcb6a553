//! What is taken out of a call before it is written to a cassette, and before it is matched: tokens, keys
//! and signatures.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use super::{
    exchange::{Headers, ProviderAnswer, ProviderRequest},
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

impl Redactor<'_> {
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
        if text.trim_start().starts_with(['{', '['])
            && let Ok(mut value) = serde_json::from_str::<Value>(&text)
            && redact_members(&mut value)
        {
            return value.to_string().into();
        }
        match text {
            Cow::Borrowed(_) => body.clone(),
            Cow::Owned(text) => text.into(),
        }
    }
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

/// Replaces the values of members that are named like secrets; whether there was one.
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
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(request: &ProviderRequest) -> ProviderRequest {
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
        let found = redacted(&request(
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
        let form = redacted(&request(
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
        assert_eq!(redacted(&request).body, body("REDACTED", "it is REDACTED"));
    }

    #[test]
    fn texts_between_bytes_are_redacted() {
        let mut request = request("https://ml.example/", &[], "");
        request.body = Bytes::from_static(b"\xffkey planted-by-value\xff");
        assert_eq!(&redacted(&request).body[..], b"\xffkey REDACTED\xff");
    }

    #[test]
    fn a_body_without_secrets_stays_as_it_was() {
        let body = "{ \"a\":  1 }";
        let found = redacted(&request("https://ml.example/", &[], body));
        assert_eq!(found.body, body);
    }
}
