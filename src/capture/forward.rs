//! The skill behind the endpoint: forwards requests to it unchanged, and returns its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Method, Response, header, request::Parts};
use url::Url;

use crate::{
    client::{Connections, Http},
    domain::text::innermost_cause,
    server::body::ResponseBody,
};

/// How long the skill may take: Box waits for 10 s.
pub const REPLY_TIMEOUT: Duration = Duration::from_millis(9_500);
/// The largest answer that is passed on, in bytes.
const MAX_ANSWER: usize = 8 << 20;
/// Headers that belong to one connection.
const OF_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A skill that requests are forwarded to.
pub struct Forward {
    http: Http,
    url: Url,
}

impl Forward {
    /// The skill whose invocation URL is `url`.
    pub fn new(connections: Connections, url: Url) -> Self {
        Self {
            http: Http::new(connections),
            url,
        }
    }

    /// Delivers an event with its own headers and its exact bytes.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn event(
        &self,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<ResponseBody>, String> {
        self.send(Method::POST, self.url.clone(), headers, body)
            .await
    }

    /// Forwards another request to its own path.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub(super) async fn request(
        &self,
        request: &Parts,
        body: Bytes,
    ) -> Result<Response<ResponseBody>, String> {
        let mut url = self.url.clone();
        url.set_path(request.uri.path());
        url.set_query(request.uri.query());
        self.send(request.method.clone(), url, &request.headers, body)
            .await
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<ResponseBody>, String> {
        let client = self.http.client(&url).map_err(|error| error.to_string())?;
        let sent = client
            .request(method, url)
            .headers(end_to_end(headers))
            .body(body)
            .timeout(REPLY_TIMEOUT)
            .send();
        let mut answer = sent.await.map_err(reason)?;
        let mut response = Response::builder().status(answer.status());
        if let Some(passed) = response.headers_mut() {
            *passed = end_to_end(answer.headers());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(reason)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(format!("its answer is larger than {MAX_ANSWER} bytes"));
            }
        }
        response
            .body(ResponseBody::bytes(body.freeze()))
            .map_err(|error| error.to_string())
    }
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| !OF_CONNECTION.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no reply within {} s", REPLY_TIMEOUT.as_secs_f64());
    }
    innermost_cause(&error.without_url())
}
