//! A call as the state machine sees it: its head, and its body once that was read.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Method, header, uri::PathAndQuery};
use percent_encoding::percent_decode_str;
use smol_str::SmolStr;

use crate::{
    domain::{hosts, secret::Secret},
    mock_box::model::content::Spooled,
};

/// The head of a call.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Scheme and authority as the client named them: `https://api.box.com` or
    /// `http://127.0.0.1:7269`. Links in answers start with it.
    pub origin: SmolStr,
    /// Path and query, as they were sent.
    pub target: PathAndQuery,
    /// The headers.
    pub headers: HeaderMap,
}

impl Head {
    /// The segments of the path, decoded; empty ones are dropped.
    pub fn segments(&self) -> Vec<Cow<'_, str>> {
        let path = self.target.path();
        // Segments are short, so a loop over the bytes is faster than a search for slashes.
        let is_slash = |(at, byte): (usize, u8)| (byte == b'/').then_some(at);
        let slashes = path.bytes().enumerate().filter_map(is_slash);
        let mut segments = Vec::with_capacity(8);
        let mut start = 0;
        for end in slashes.chain([path.len()]) {
            if start < end {
                segments.push(decode(&path[start..end]));
            }
            start = end + 1;
        }
        segments
    }

    /// The first query parameter `name`, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.target.query()?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key) == name).then(|| decode(&value.replace('+', " ")).into_owned())
        })
    }

    /// The header `name`, where it is text.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The length that the client announces for the body, in bytes.
    pub fn content_length(&self) -> Option<u64> {
        self.header(header::CONTENT_LENGTH)?.trim().parse().ok()
    }

    /// The bearer token, from the header, or else from `?access_token=`.
    pub fn token(&self) -> Option<Secret> {
        let in_header = self
            .header(header::AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned());
        in_header
            .or_else(|| self.query("access_token"))
            .map(Secret::new)
    }

    /// The host of [`Head::origin`], without port.
    pub fn host(&self) -> &str {
        let mut schemes = ["https://", "http://"].into_iter();
        let authority = schemes
            .find_map(|scheme| self.origin.strip_prefix(scheme))
            .unwrap_or(&self.origin);
        let digits = authority.bytes().rev().take_while(u8::is_ascii_digit);
        let port = authority.len() - digits.count();
        authority[..port].strip_suffix(':').unwrap_or(authority)
    }

    /// Whether the client addressed one of Box's own hosts and was intercepted.
    pub fn is_for_box(&self) -> bool {
        hosts::is_box(self.host())
    }

    /// The origin of upload URLs: Box's upload host for clients that address Box's own hosts, else the
    /// origin that the client named.
    pub fn upload_origin(&self) -> &str {
        if self.is_for_box() {
            "https://upload.box.com"
        } else {
            &self.origin
        }
    }

    /// The origin of download URLs: Box's download host for clients that address Box's own hosts,
    /// else the origin that the client named.
    pub fn download_origin(&self) -> &str {
        if self.is_for_box() {
            "https://dl.boxcloud.com"
        } else {
            &self.origin
        }
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%') {
        return Cow::Borrowed(text);
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// A multipart body, spooled to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The `attributes` part, as sent.
    pub attributes: Option<Bytes>,
    /// Whether `attributes` followed the file, which Box refuses.
    pub attributes_late: bool,
    /// The file part, if any.
    pub file: Option<Spooled>,
}

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// None was read.
    #[default]
    None,
    /// Read into memory.
    Memory(Bytes),
    /// Spooled to disk.
    Upload(Upload),
    /// A part of a file, spooled to disk.
    Part(Spooled),
    /// JSON with the joined parts of an upload session.
    Joined(Joined),
}

/// The body of a commit, and the file that it commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The body.
    pub json: Bytes,
    /// The parts of the session, joined; `None` where a part is missing.
    pub content: Option<Spooled>,
}

/// A whole call.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its head.
    pub head: Head,
    /// Its body.
    pub body: Body,
}

impl Request {
    /// The body in memory; empty where there is none.
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Memory(bytes) => bytes,
            _ => &[],
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A head as a test writes it: `GET /2.0/files/1?fields=name`, with a token.
    pub(crate) fn head(line: &str, token: Option<&Secret>) -> Head {
        let (method, target) = line.split_once(' ').expect("METHOD TARGET");
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let value = format!("Bearer {}", token.expose());
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
        }
        Head {
            method: method.parse().expect("a method"),
            origin: "http://127.0.0.1:7269".into(),
            target: target.parse().expect("a path and a query"),
            headers,
        }
    }

    #[test]
    fn tokens_are_read_from_header_or_query() {
        let by_query = head("GET /2.0/files/1/content?access_token=a%2Bb", None);
        assert_eq!(by_query.token(), Some(Secret::new("a+b")));
        let both = head("GET /x?access_token=query", Some(&Secret::new("header")));
        assert_eq!(both.token(), Some(Secret::new("header")));
        assert_eq!(head("GET /x", None).token(), None);
    }

    #[test]
    fn hosts_of_box_are_known() {
        let mut head = head("GET /", None);
        assert!(!head.is_for_box());
        assert_eq!(head.host(), "127.0.0.1");
        head.origin = "https://dl.boxcloud.com".into();
        assert!(head.is_for_box());
        head.origin = "https://notbox.com".into();
        assert!(!head.is_for_box());
    }
}
