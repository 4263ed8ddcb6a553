//! One call to Box as data: method, URL, headers, body, and whether it may be repeated.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

/// The media type of a body or an answer in JSON.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// When a call may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whenever the policy says so: sending it twice has the effect of sending it once.
    Freely,
    /// Only where the previous attempt certainly had no effect.
    WithoutEffect,
}

/// One call, which can be sent several times.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Bytes>,
    pub(super) repeat: Repeat,
    /// Whether Box named this URL itself in an answer, as one to be called with the token.
    pub(super) named_by_box: bool,
}

impl Call {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: vec![(header::ACCEPT, JSON)],
            body: None,
            repeat: Repeat::Freely,
            named_by_box: false,
        }
    }

    /// Adds a body of JSON.
    pub(super) fn body(mut self, media_type: HeaderValue, json: &Value) -> Self {
        self.headers.push((header::CONTENT_TYPE, media_type));
        self.body = Some(json.to_string().into());
        self
    }

    /// Marks the URL as one that Box itself gave for use with the token.
    pub(super) fn named_by_box(mut self) -> Self {
        self.named_by_box = true;
        self
    }
}
