//! The JSON envelopes of Box's errors.

use http::StatusCode;
use serde_json::{Value, json};

use crate::domain::operation::Operation;

/// An error that still lacks the id of the request it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorBody {
    /// The status, which the common envelope repeats.
    pub status: StatusCode,
    /// Which envelope.
    pub envelope: Envelope,
    /// Box's code: `not_found`.
    pub code: &'static str,
    /// Box's message.
    pub message: String,
    /// `context_info`, where Box sends one.
    pub context: Option<Value>,
}

/// The forms of Box's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// `{"type":"error","status":…}`.
    Client,
    /// Of the metadata endpoints: message, code, request_id alone.
    Metadata,
    /// Of OAuth: error and error_description alone.
    OAuth,
}

impl Envelope {
    /// The form of the errors of an operation's endpoints.
    pub fn for_operation(operation: Operation) -> Self {
        match operation {
            Operation::Cards | Operation::CardsRead | Operation::FolderMetadata => Self::Metadata,
            Operation::Token => Self::OAuth,
            _ => Self::Client,
        }
    }
}

impl ErrorBody {
    /// The envelope as it is sent.
    pub fn to_json(&self, request_id: &str) -> Value {
        match self.envelope {
            Envelope::Metadata => json!({
                "message": self.message, "code": self.code, "request_id": request_id
            }),
            Envelope::OAuth => json!({"error": self.code, "error_description": self.message}),
            Envelope::Client => {
                let mut value = json!({
                    "type": "error",
                    "status": self.status.as_u16(),
                    "code": self.code,
                    "help_url": "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/",
                    "message": self.message,
                    "request_id": request_id
                });
                if let Some(context) = &self.context {
                    value["context_info"] = context.clone();
                }
                value
            }
        }
    }
}
