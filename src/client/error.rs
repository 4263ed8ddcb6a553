//! Errors of calls to Box. They contain no token: URLs are redacted where the error is made. A
//! download URL grants access by itself, so that only its origin is kept.

use std::{fmt, time::Duration};

use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::retry::Ending;
use crate::domain::secret::{Secret, redact_url};

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {kind}{}", Attempts(*tries))]
pub struct BoxError {
    /// The method of the call.
    pub method: Method,
    /// Its URL, with every secret redacted.
    pub url: String,
    /// The number of attempts, from 1.
    pub tries: u32,
    /// Whether the call went to another host than the API: the one that serves the download.
    pub elsewhere: bool,
    /// Why it failed.
    pub kind: ErrorKind,
}

impl BoxError {
    /// An error of a call to the API.
    pub(crate) fn new(method: &Method, url: &Url, kind: ErrorKind) -> Self {
        Self {
            method: method.clone(),
            url: redact_url(url),
            tries: 1,
            elsewhere: false,
            kind,
        }
    }

    /// An error of a call to a host that Box named. Of the URL only the origin is kept: the rest
    /// of a download URL is a key.
    pub(crate) fn elsewhere(method: &Method, url: &Url, kind: ErrorKind) -> Self {
        Self {
            url: format!("{}/…", origin(url)),
            elsewhere: true,
            ..Self::new(method, url, kind)
        }
    }

    /// The status that Box answered with, where it answered.
    pub fn status(&self) -> Option<StatusCode> {
        match &self.kind {
            ErrorKind::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// What Box answered, where it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            ErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// How the retry policy sees it.
    pub fn ending(&self) -> Ending {
        match &self.kind {
            ErrorKind::Refused(refusal) => refusal.ending(),
            ErrorKind::NotReady { retry_after } => Ending::Pending {
                retry_after: *retry_after,
            },
            ErrorKind::Unreachable { own_machine, .. } if *own_machine => Ending::Final,
            ErrorKind::Unreachable { .. } | ErrorKind::Broken { .. } => Ending::Broken,
            ErrorKind::Untrusted { .. }
            | ErrorKind::Foreign { .. }
            | ErrorKind::TooLarge { .. }
            | ErrorKind::Redirect { .. }
            | ErrorKind::Representation { .. }
            | ErrorKind::Setup { .. } => Ending::Final,
        }
    }

    /// Whether the call certainly had no effect: it was never sent, or it was refused.
    pub fn had_no_effect(&self) -> bool {
        match &self.kind {
            ErrorKind::Refused(refusal) => matches!(refusal.status.as_u16(), 429 | 503),
            ErrorKind::Unreachable { .. } | ErrorKind::NotReady { .. } => true,
            _ => false,
        }
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// An error status.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// 202: Box has not finished it.
    #[error("Box is still preparing it (202)")]
    NotReady {
        /// The value of `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No connection could be made.
    #[error("no connection: {reason}")]
    Unreachable {
        /// The system's error.
        reason: String,
        /// Whether the host is this machine: nothing listens there, and a retry will not help.
        own_machine: bool,
    },
    /// The connection broke or stalled.
    #[error("the connection broke: {reason}")]
    Broken {
        /// What happened to it.
        reason: String,
    },
    /// The certificate is not trusted.
    #[error("its certificate is not trusted: {reason}")]
    Untrusted {
        /// What is wrong with it.
        reason: String,
    },
    /// An answer that Box did not send: the page of a captive portal, a proxy's error.
    #[error("the answer is {what}, not {wanted}")]
    Foreign {
        /// What was received, in a few words.
        what: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// An answer that is too large.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// A redirection that is not followed.
    #[error("{reason}")]
    Redirect {
        /// Where to, and why it is not followed.
        reason: String,
    },
    /// A representation that does not exist.
    #[error("{reason}")]
    Representation {
        /// Why.
        reason: String,
    },
    /// The client itself could not be set up.
    #[error("{reason}")]
    Setup {
        /// Why.
        reason: String,
    },
}

/// An answer with an error status, from any of Box's error envelopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Box's code: `not_found`, `tuple_already_exists`.
    pub code: Option<String>,
    /// Box's message.
    pub message: Option<String>,
    /// The number that Box's support asks for.
    pub request_id: Option<String>,
    /// `error` and `error_description` of `WWW-Authenticate`.
    pub challenge: Option<Challenge>,
    /// The value of `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Whether the body is an HTML page: then something between here and Box answered.
    pub page: bool,
}

/// What `WWW-Authenticate` says about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `invalid_token`, `insufficient_scope`.
    pub error: String,
    /// The description that follows it.
    pub description: Option<String>,
}

impl Refusal {
    fn ending(&self) -> Ending {
        let retry_after = self.retry_after;
        match self.status.as_u16() {
            429 => Ending::Limited { retry_after },
            408 | 500..=599 => Ending::ServerError { retry_after },
            _ => Ending::Final,
        }
    }

    /// Reads the body and the headers of an answer with an error status. Both of Box's envelopes
    /// have  `code`, `message` and `request_id`; OAuth's holds `error` and `error_description`. A
    /// token in any of them is redacted.
    pub(crate) fn read(
        status: StatusCode,
        headers: &http::HeaderMap,
        retry_after: Option<Duration>,
        body: &[u8],
        token: &Secret,
    ) -> Self {
        let envelope: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let member = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|name| envelope.get(name)?.as_str())
                .filter(|text| !text.is_empty())
                .map(|text| scrubbed(text, token))
        };
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status,
            code: member(["code", "error"]),
            message: member(["message", "error_description"]),
            request_id: member(["request_id", "request_id"])
                .or_else(|| header("box-request-id").map(str::to_owned)),
            challenge: header("www-authenticate").and_then(|value| challenge(value, token)),
            retry_after,
            page: is_page(headers),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", self.status.as_u16())?;
        if let Some(reason) = self.status.canonical_reason() {
            write!(to, " {reason}")?;
        }
        let challenge = self.challenge.as_ref();
        if let Some(code) = self
            .code
            .as_deref()
            .or(challenge.map(|challenge| challenge.error.as_str()))
        {
            write!(to, ", {code}")?;
        }
        if let Some(message) = self
            .message
            .as_deref()
            .or(challenge.and_then(|challenge| challenge.description.as_deref()))
        {
            write!(to, ": {}", message.trim_end_matches('.'))?;
        }
        if let Some(id) = &self.request_id {
            write!(to, " (request {id})")?;
        }
        if self.page {
            write!(to, " (an HTML page: not Box's own answer)")?;
        }
        Ok(())
    }
}

/// " (tried 6 times)", or nothing.
struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 | 1 => Ok(()),
            tries => write!(to, " (tried {tries} times)"),
        }
    }
}

/// Scheme, host and port of a URL.
pub(crate) fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// Whether an answer is an HTML page, which Box's API never sends.
pub(crate) fn is_page(headers: &http::HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html")
        })
}

/// At most 500 characters of a text from outside, without the token.
fn scrubbed(text: &str, token: &Secret) -> String {
    const ENOUGH: usize = 500;
    let clean = match token.expose() {
        "" => text.to_owned(),
        secret => text.replace(secret, &token.redacted()),
    };
    clean.chars().take(ENOUGH).collect()
}

/// Reads `Bearer realm="Service", error="invalid_token", error_description="…"`.
fn challenge(header: &str, token: &Secret) -> Option<Challenge> {
    let parameter = |name: &str| {
        let at = header.find(&format!("{name}=\""))? + name.len() + 2;
        let value = &header[at..];
        Some(scrubbed(&value[..value.find('"')?], token))
    };
    Some(Challenge {
        error: parameter("error")?,
        description: parameter("error_description"),
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn read(status: u16, header: Option<(&'static str, &'static str)>, body: &str) -> Refusal {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Refusal::read(
            StatusCode::from_u16(status).expect("a status"),
            &headers,
            None,
            body.as_bytes(),
            &Secret::new("0123456789abcdef"),
        )
    }

    #[test]
    fn both_envelopes_are_read() {
        let long = r#"{"type":"error","status":404,"code":"not_found","help_url":"h","message":"Not Found","request_id":"abc"}"#;
        let short = r#"{"message":"Not Found","code":"not_found","request_id":"abc"}"#;
        assert_eq!(read(404, None, long), read(404, None, short));
        assert_eq!(
            read(404, None, short).to_string(),
            "404 Not Found, not_found: Not Found (request abc)"
        );
    }

    #[test]
    fn an_empty_401_is_explained_by_its_challenge() {
        let refusal = read(
            401,
            Some((
                "www-authenticate",
                r#"Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid.""#,
            )),
            "",
        );
        assert_eq!(
            refusal.to_string(),
            "401 Unauthorized, invalid_token: The access token provided is invalid"
        );
    }

    #[test]
    fn the_request_id_is_taken_from_the_header_where_the_body_has_none() {
        let refusal = read(500, Some(("box-request-id", "r1")), "<html>");
        assert_eq!(refusal.request_id.as_deref(), Some("r1"));
    }

    #[test]
    fn a_token_that_comes_back_in_a_message_is_redacted() {
        let refusal = read(
            400,
            None,
            r#"{"message":"bad token 0123456789abcdef","code":"bad_request"}"#,
        );
        assert_eq!(
            refusal.message.as_deref(),
            Some("bad token [redacted …cdef]")
        );
    }

    #[test]
    fn garbage_for_a_body_leaves_the_status() {
        assert_eq!(read(502, None, "\u{1}[{").to_string(), "502 Bad Gateway");
    }

    #[test]
    fn statuses_are_final_or_not() {
        let ending = |status| read(status, None, "").ending();
        let retry_after = None;
        assert_eq!(ending(429), Ending::Limited { retry_after });
        assert_eq!(ending(500), Ending::ServerError { retry_after });
        assert_eq!(ending(503), Ending::ServerError { retry_after });
        for last in [400, 401, 403, 404, 405, 409, 412, 416] {
            assert_eq!(ending(last), Ending::Final, "{last}");
        }
    }
}
