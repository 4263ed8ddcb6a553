//! An answer of Box's, before it meets a socket.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{advice::Delivery, content::Content, errors::ErrorBody};

/// An answer: status, headers, body, and what the log should say about it. It is handed on many
/// times, so what few answers have is kept elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers beside Content-Length and BOX-REQUEST-ID.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: AnswerBody,
    /// A word for the log: the closest route, the cards that were written.
    pub note: Option<String>,
    /// How it travels, where that is not as usual.
    pub delivery: Option<Box<Delivery>>,
    /// The fault that struck, as it was written.
    pub fault: Option<Arc<str>>,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerBody {
    /// None.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// One of Box's error envelopes; it is completed by the id of the request.
    Error(Box<ErrorBody>),
    /// A part of a file's content.
    Content(Box<Part>),
    /// The words of a .docx, taken out of its content as it goes out.
    DocumentText(Box<Content>),
    /// A picture made from another as it goes out.
    Picture(Box<PictureOf>),
}

/// The bytes of a content from `start` to before `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The content.
    pub content: Content,
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// A picture to be made from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureOf {
    /// The other.
    pub content: Content,
    /// How wide it may be, in pixels.
    pub width: u32,
    /// How high it may be, in pixels.
    pub height: u32,
    /// Whether it is to be a PNG; else it is a JPEG.
    pub is_png: bool,
    /// What is served where the other is no picture.
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
            delivery: None,
            fault: None,
        }
    }

    /// An answer with JSON that is already written.
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

    /// The answer with one more header, whose text comes from outside; text that no header can
    /// carry is left out.
    #[must_use]
    pub fn header_text(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.header(name, value),
            Err(_) => self,
        }
    }

    /// The answer with a word for the log.
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
