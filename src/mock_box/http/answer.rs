//! One of Box's answers, before it is sent.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{envelope::ErrorBody, wire_faults::WireFaults};
use crate::mock_box::model::content::Content;

/// An answer: status, headers, body, and what the log says about it. It is moved many times, so
/// the parts that few answers have are boxed.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers other than Content-Length and BOX-REQUEST-ID.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: AnswerBody,
    /// A note for the log: the closest route, the cards that were written.
    pub note: Option<String>,
    /// How the connection misbehaves, where a fault says so.
    pub wire: Option<Box<WireFaults>>,
    /// The fault that applied, as its rule is written.
    pub fault: Option<Arc<str>>,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerBody {
    /// None.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// One of Box's error envelopes; the id of the request is added when it is sent.
    Error(Box<ErrorBody>),
    /// Content of a file, or a range of it.
    Content(Box<ContentRange>),
    /// The text of a .docx, extracted from its content while it is sent.
    DocumentText(Box<Content>),
    /// A picture that is made from another one while it is sent.
    Picture(Box<PictureOf>),
}

/// A range of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The content.
    pub content: Content,
    /// The first byte.
    pub start: u64,
    /// The byte after the last one.
    pub end: u64,
}

/// A picture to be made from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureOf {
    /// The original.
    pub content: Content,
    /// The greatest width, in pixels.
    pub width: u32,
    /// The greatest height, in pixels.
    pub height: u32,
    /// Whether to make a PNG instead of a JPEG.
    pub is_png: bool,
    /// What is sent where the original cannot be read as a picture.
    pub otherwise: Content,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: AnswerBody::Empty,
            note: None,
            wire: None,
            fault: None,
        }
    }

    /// An answer with JSON that is already serialised.
    pub fn json_bytes(status: StatusCode, bytes: impl Into<Bytes>) -> Self {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        Self {
            body: AnswerBody::Bytes(bytes.into()),
            ..Self::empty(status).header(header::CONTENT_TYPE, JSON)
        }
    }

    /// An answer with `value` as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).expect("answers are plain JSON values");
        Self::json_bytes(status, bytes)
    }

    /// The answer with one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer with one more header, whose text comes from outside. Text that is not valid in a
    /// header is left out.
    #[must_use]
    pub fn header_text(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.header(name, value),
            Err(_) => self,
        }
    }

    /// The answer with a note for the log.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Box's code and message, where this is a refusal.
    pub fn refusal(&self) -> Option<(&str, &str)> {
        match &self.body {
            AnswerBody::Error(error) => Some((error.code, &error.message)),
            AnswerBody::Empty if self.status == StatusCode::UNAUTHORIZED => {
                Some(("invalid_token", "The access token provided is invalid."))
            }
            AnswerBody::Empty if self.status == StatusCode::FORBIDDEN => Some((
                "insufficient_scope",
                "The request requires higher privileges than provided by the access token.",
            )),
            _ => None,
        }
    }
}
