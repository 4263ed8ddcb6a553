//! The transport of the Box client: sends one call, retries it by the policy, and reads its answer
//! within limits. Only this file decides where the token may go.

use std::{fmt, time::Duration};

use http::{HeaderMap, Method, StatusCode, header};
use jiff::{SignedDuration, fmt::rfc2822};
use reqwest::Response;
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    backoff::Backoff,
    call::{Call, Repeat},
    connection_error::connection_error,
    error::{BoxError, ErrorKind, Refusal, is_page, origin},
    http::{Connections, Http},
    retry::{Ending, Tries},
};
use crate::{
    domain::{hosts::is_box, secret::Secret},
    env::{Clock, Environment, wall_clock},
};

/// The most that is read of an answer in JSON, in bytes: twice what Box accepts.
const MAX_ANSWER: usize = 16 << 20;
/// The most that is read of an answer with an error status, in bytes.
const MAX_ERROR_BODY: usize = 64 << 10;
/// Redirections that a download follows.
const MAX_REDIRECTS: usize = 10;

/// How a client sends its calls.
#[derive(Clone)]
pub struct Options {
    /// Proxies, certificates and time limits.
    pub connections: Connections,
    /// When a call is retried.
    pub backoff: Backoff,
    /// The current time, for a `Retry-After` that names a date.
    pub clock: Clock,
}

impl Options {
    /// The default policy and limits, with the proxies of `environment`; retries are not reported.
    pub fn new(environment: &Environment) -> Self {
        Self {
            connections: Connections::new(environment),
            backoff: Backoff::default(),
            clock: wall_clock(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Options")
            .field("connections", &self.connections)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// Sends calls to one root with one token.
#[derive(Debug)]
pub(super) struct Transport {
    http: Http,
    root: Url,
    token: Secret,
    options: Options,
}

impl Transport {
    pub(super) fn new(root: Url, token: Secret, options: Options) -> Self {
        Self {
            http: Http::new(options.connections.clone()),
            root,
            token,
            options,
        }
    }

    /// The root of the API, without `/2.0`.
    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// When calls are retried.
    pub(super) fn backoff(&self) -> &Backoff {
        &self.options.backoff
    }

    /// Sends a call and parses its answer; `wanted` names what the answer should be.
    pub(super) async fn typed<T: DeserializeOwned>(
        &self,
        call: &Call,
        wanted: &'static str,
    ) -> Result<T, BoxError> {
        let (headers, body) = self.retried(call).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let what = match (is_page(&headers), body.is_empty()) {
                (true, _) => "an HTML page (a captive portal, or a proxy's error?)".to_owned(),
                (_, true) => "empty".to_owned(),
                _ => format!("something else ({error})"),
            };
            self.error(call, &call.url, ErrorKind::Foreign { what, wanted })
        })
    }

    /// Sends a call of whose answer only the status matters.
    pub(super) async fn done(&self, call: &Call) -> Result<(), BoxError> {
        self.retried(call).await.map(drop)
    }

    /// Sends a call until it is answered or the policy gives up.
    async fn retried(&self, call: &Call) -> Result<(HeaderMap, Vec<u8>), BoxError> {
        let mut tries = Tries::default();
        loop {
            let error = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let may = call.repeat == Repeat::Freely || error.had_no_effect();
            let ending = if may { error.ending() } else { Ending::Final };
            tries = self
                .options
                .backoff
                .pause(tries, error, ending)
                .await
                .map_err(|(error, tries)| BoxError { tries, ..error })?;
        }
    }

    async fn attempt(&self, call: &Call) -> Result<(HeaderMap, Vec<u8>), BoxError> {
        let response = self.send(call, &call.url).await?;
        let status = response.status();
        if status.is_success() {
            let headers = response.headers().clone();
            let body = read(response, MAX_ANSWER)
                .await
                .map_err(|kind| self.error(call, &call.url, kind))?;
            return Ok((headers, body));
        }
        Err(self.refused(call, &call.url, response).await)
    }

    /// Opens the bytes at the URL of `call` and returns an answer of 200, 206 or 416. Follows
    /// redirections itself, so that the token goes to Box alone.
    pub(super) async fn opened(&self, call: &Call) -> Result<Response, BoxError> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(call, &url).await?;
            match response.status() {
                StatusCode::OK
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::RANGE_NOT_SATISFIABLE => {
                    return Ok(response);
                }
                StatusCode::ACCEPTED => {
                    let retry_after = self.retry_after(response.headers());
                    return Err(self.error(call, &url, ErrorKind::NotReady { retry_after }));
                }
                status if is_redirection(status) => {
                    url = self.next_hop(call, &url, &response)?;
                }
                _ => return Err(self.refused(call, &url, response).await),
            }
        }
        let reason = format!("it was redirected more than {MAX_REDIRECTS} times");
        Err(self.error(call, &call.url, ErrorKind::Redirect { reason }))
    }

    fn next_hop(&self, call: &Call, from: &Url, answer: &Response) -> Result<Url, BoxError> {
        let refuse = |reason: &str| {
            let reason = reason.to_owned();
            self.error(call, from, ErrorKind::Redirect { reason })
        };
        let location = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| refuse("it is a redirection without a Location"))?;
        let to = from
            .join(location)
            .map_err(|_| refuse("it redirects to a Location that is not a URL"))?;
        match (from.scheme(), to.scheme()) {
            ("http", "http" | "https") | ("https", "https") => Ok(to),
            ("https", "http") => Err(refuse(
                "it is a redirection from https to http, which is not followed",
            )),
            _ => Err(refuse(
                "it redirects to a URL that is neither http nor https",
            )),
        }
    }

    /// Sends a call once, to `url`: its own, or one that it was redirected to.
    async fn send(&self, call: &Call, url: &Url) -> Result<Response, BoxError> {
        let client = self
            .http
            .client(url)
            .map_err(|kind| self.error(call, url, kind))?;
        let mut request = client.request(call.method.clone(), url.clone());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if self.carries_token(call, url) {
            request = request.bearer_auth(self.token.expose());
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        request
            .send()
            .await
            .map_err(|error| self.error(call, url, connection_error(error, url)))
    }

    /// The token goes to the host of the root. A URL that Box gives for a representation may be on
    /// another Box host, which needs the token too.
    fn carries_token(&self, call: &Call, url: &Url) -> bool {
        is_same_origin(url, &self.root)
            || (call.named_by_box
                && *url == call.url
                && is_box_over_tls(url)
                && is_box_over_tls(&self.root))
    }

    /// An error of a `GET` at `url`.
    pub(super) fn error_at(&self, url: &Url, kind: ErrorKind) -> BoxError {
        self.error_of(&Method::GET, url, kind)
    }

    fn error(&self, call: &Call, url: &Url, kind: ErrorKind) -> BoxError {
        self.error_of(&call.method, url, kind)
    }

    /// An error of a call at `url`; the URL is shown in full only where it belongs to the API.
    fn error_of(&self, method: &Method, url: &Url, kind: ErrorKind) -> BoxError {
        if is_same_origin(url, &self.root) {
            BoxError::new(method, url, kind)
        } else {
            BoxError::elsewhere(method, url, kind)
        }
    }

    async fn refused(&self, call: &Call, url: &Url, response: Response) -> BoxError {
        let status = response.status();
        if is_redirection(status) {
            let to = response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|location| url.join(location).ok());
            let reason = format!(
                "it was redirected{}, which Box's API never does: a captive portal or proxy \
                 answered",
                to.map_or_else(String::new, |to| format!(" to {}", origin(&to)))
            );
            return self.error(call, url, ErrorKind::Redirect { reason });
        }
        let headers = response.headers().clone();
        let retry_after = self.retry_after(&headers);
        // The status counts even when the body ends early or is too large.
        let body = read(response, MAX_ERROR_BODY).await.unwrap_or_default();
        let refusal = Refusal::read(status, &headers, retry_after, &body, &self.token);
        self.error(call, url, ErrorKind::Refused(Box::new(refusal)))
    }

    /// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
    fn retry_after(&self, headers: &HeaderMap) -> Option<Duration> {
        let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = rfc2822::parse(value).ok()?.timestamp();
        let ahead: SignedDuration = at.duration_since((self.options.clock)());
        Some(Duration::try_from(ahead).unwrap_or(Duration::ZERO))
    }
}

fn is_redirection(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn is_box_over_tls(url: &Url) -> bool {
    url.scheme() == "https" && url.host_str().is_some_and(is_box)
}

/// Reads a body of at most `limit` bytes.
async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, ErrorKind> {
    let mut body = Vec::new();
    let url = response.url().clone();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                return Err(ErrorKind::TooLarge { limit });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(connection_error(error, &url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderValue;
    use jiff::Timestamp;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn transport(root: &str) -> Transport {
        let now: Timestamp = "2015-10-21T07:28:00Z".parse().expect("a time");
        let options = Options {
            connections: Connections::new(&Environment::read()),
            backoff: Backoff::default(),
            clock: Arc::new(move || now),
        };
        Transport::new(url(root), Secret::new("0123456789abcdef"), options)
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
            transport("http://127.0.0.1:1").retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            read("Wed, 21 Oct 2015 07:28:09 GMT"),
            Some(Duration::from_secs(9))
        );
        assert_eq!(
            read("Wed, 21 Oct 2015 07:20:00 GMT"),
            Some(Duration::ZERO),
            "a date in the past is now"
        );
        assert_eq!(read("soon"), None);
        assert_eq!(read("-1"), None);
    }

    #[test]
    fn the_token_goes_to_the_root_and_to_no_host_it_redirects_to() {
        let transport = transport("https://api.box.com");
        let call = Call::new(Method::GET, url("https://api.box.com/2.0/files/1/content"));
        assert!(transport.carries_token(&call, &call.url));
        for other in [
            "https://dl.boxcloud.com/x",
            "http://api.box.com/x",
            "https://api.box.com:8443/x",
            "https://evil.example/x",
        ] {
            assert!(!transport.carries_token(&call, &url(other)), "{other}");
        }
    }

    #[test]
    fn a_representation_on_another_host_of_boxs_gets_the_token_and_no_other_host_does() {
        let box_itself = transport("https://api.box.com");
        let may = |transport: &Transport, text: &str| {
            let call = Call::new(Method::GET, url(text)).named_by_box();
            transport.carries_token(&call, &call.url)
        };
        assert!(may(&box_itself, "https://dl.boxcloud.com/api/2.0/x"));
        for other in [
            "http://dl.boxcloud.com/x",
            "https://evilboxcloud.com/x",
            "https://boxcloud.com.evil.example/x",
        ] {
            assert!(!may(&box_itself, other), "{other}");
        }
        assert!(!may(
            &transport("http://127.0.0.1:7269"),
            "https://dl.boxcloud.com/api/2.0/x"
        ));
    }

    #[test]
    fn errors_elsewhere_show_the_host_alone() {
        let transport = transport("https://api.box.com");
        let call = Call::new(Method::GET, url("https://api.box.com/2.0/files/1/content"));
        let error = transport.error(
            &call,
            &url("https://dl.boxcloud.com/d/1/b1!key/download?sig=2"),
            ErrorKind::NotReady { retry_after: None },
        );
        assert!(error.elsewhere);
        assert_eq!(error.url, "https://dl.boxcloud.com/…");
    }
}
