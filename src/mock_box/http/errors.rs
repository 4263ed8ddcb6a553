//! Box's errors: the envelopes, and the codes and messages that several endpoints answer, with the
//! empty 401 and 403 (`docs/box/errors.md`). The messages of one endpoint are in its file in `api`.

use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::domain::call::NOT_PLAYED;

use super::{
    answer::{Answer, AnswerBody},
    envelope::{Envelope, ErrorBody},
};

/// An error in an envelope.
pub fn error(
    envelope: Envelope,
    status: StatusCode,
    code: &'static str,
    message: impl Into<String>,
) -> Answer {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    Answer {
        body: AnswerBody::Error(Box::new(ErrorBody {
            status,
            envelope,
            code,
            message: message.into(),
            context: None,
        })),
        ..Answer::empty(status).header(header::CONTENT_TYPE, JSON)
    }
}

/// An error in the common envelope.
pub fn client(status: StatusCode, code: &'static str, message: impl Into<String>) -> Answer {
    error(Envelope::Client, status, code, message)
}

/// An error of a metadata endpoint.
pub fn metadata(status: StatusCode, code: &'static str, message: impl Into<String>) -> Answer {
    error(Envelope::Metadata, status, code, message)
}

/// A 400 of `/oauth2/token`.
pub fn oauth(code: &'static str, message: impl Into<String>) -> Answer {
    error(Envelope::OAuth, StatusCode::BAD_REQUEST, code, message)
}

/// The same error with `context_info`: what it is about.
pub fn with_context(mut answer: Answer, context: Value) -> Answer {
    if let AnswerBody::Error(error) = &mut answer.body {
        error.context = Some(context);
    }
    answer
}

/// 405 for a call that Box has and the mock does not play. SDKs retry a 501 for half a minute, and read a
/// 404 as "does not exist".
pub fn not_played(envelope: Envelope, what: &str) -> Answer {
    error(
        envelope,
        StatusCode::METHOD_NOT_ALLOWED,
        NOT_PLAYED,
        format!("Box has this call, the mock does not play it: {what}"),
    )
}

/// 401 for an unknown or expired token. The body is **empty**, which the Node SDK understands as
/// an expired token.
pub fn unauthorised() -> Answer {
    Answer::empty(StatusCode::UNAUTHORIZED).header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(
            "Bearer realm=\"Service\", error=\"invalid_token\", error_description=\"The access token provided is invalid.\"",
        ),
    )
}

/// 403 for a token whose scope does not cover the call; empty as well.
pub fn insufficient_scope() -> Answer {
    Answer::empty(StatusCode::FORBIDDEN).header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(
            "Bearer realm=\"Service\", error=\"insufficient_scope\", error_description=\"The request requires higher privileges than provided by the access token.\"",
        ),
    )
}

/// 404 of the files API.
pub fn not_found() -> Answer {
    client(StatusCode::NOT_FOUND, "not_found", "Not Found")
}

/// 400 of the common kind.
pub fn bad_request(message: impl Into<String>) -> Answer {
    client(StatusCode::BAD_REQUEST, "bad_request", message)
}

/// 405: the path has no such method, or its file id is malformed.
pub fn method_not_allowed(envelope: Envelope) -> Answer {
    error(
        envelope,
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method Not Allowed",
    )
}

/// 413 for a body larger than `limit` bytes.
pub fn too_large(limit: u64) -> Answer {
    client(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request_entity_too_large",
        format!("The request body is larger than the limit of {limit} bytes"),
    )
}

/// 412 of an If-Match that does not match.
pub fn precondition_failed() -> Answer {
    client(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "The resource has been modified. Please retrieve the resource again and retry",
    )
}

/// 404 of a metadata endpoint: no instance of the template on the file.
pub fn instance_not_found() -> Answer {
    metadata(
        StatusCode::NOT_FOUND,
        "instance_not_found",
        "Instance is not found",
    )
}

/// 500 where the mock itself failed.
pub fn internal(message: impl Into<String>) -> Answer {
    client(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_server_error",
        message,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(answer: &Answer) -> Value {
        match &answer.body {
            AnswerBody::Error(error) => error.to_json("abc"),
            other => panic!("no error: {other:?}"),
        }
    }

    #[test]
    fn metadata_errors_have_three_keys_only() {
        assert_eq!(
            body(&instance_not_found()),
            json!({"message": "Instance is not found", "code": "instance_not_found", "request_id": "abc"})
        );
    }

    #[test]
    fn client_errors_have_the_common_envelope() {
        let envelope = body(&not_found());
        assert_eq!(envelope["type"], "error");
        assert_eq!(envelope["status"], 404);
        assert_eq!(envelope["request_id"], "abc");
        assert!(envelope.get("context_info").is_none());
    }

    #[test]
    fn refused_tokens_get_an_empty_body() {
        assert_eq!(unauthorised().body, AnswerBody::Empty);
        assert_eq!(insufficient_scope().body, AnswerBody::Empty);
    }
}
