//! The answers of faults: Box's own code and message for each status, and representations that are
//! not ready yet.

use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::{
    domain::operation::Operation,
    mock_box::http::{
        answer::{Answer, AnswerBody},
        envelope::Envelope,
        errors,
    },
};

/// What Box answers with this status.
pub(super) fn refusal(
    status: StatusCode,
    retry_after: Option<u64>,
    operation: Operation,
) -> Answer {
    let (code, message) = match status {
        StatusCode::UNAUTHORIZED => return errors::unauthorised(),
        StatusCode::BAD_REQUEST => ("bad_request", "Bad Request"),
        StatusCode::FORBIDDEN => (
            "access_denied_insufficient_permissions",
            "Access denied - insufficient permission",
        ),
        StatusCode::NOT_FOUND => ("not_found", "Not Found"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "Method Not Allowed"),
        StatusCode::CONFLICT if operation == Operation::Cards => {
            ("tuple_already_exists", "Tuple already exists")
        }
        StatusCode::CONFLICT => ("conflict", "A resource with this value already exists"),
        StatusCode::PRECONDITION_FAILED => (
            "precondition_failed",
            "The resource has been modified. Please retrieve the resource again and retry",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            "rate_limit_exceeded",
            "Request rate limit exceeded, please try again later",
        ),
        StatusCode::INTERNAL_SERVER_ERROR => ("internal_server_error", "Internal Server Error"),
        StatusCode::BAD_GATEWAY => ("bad_gateway", "Bad Gateway"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Service Unavailable"),
        StatusCode::GATEWAY_TIMEOUT => ("gateway_timeout", "Gateway Timeout"),
        status if status.is_client_error() => ("bad_request", "Bad Request"),
        status if status.is_server_error() => ("internal_server_error", "Internal Server Error"),
        status => return with_retry_after(Answer::empty(status), retry_after),
    };
    let answer = errors::error(Envelope::for_operation(operation), status, code, message);
    // Each of Box's 429s says when to retry.
    let default = (status == StatusCode::TOO_MANY_REQUESTS).then_some(1);
    with_retry_after(answer, retry_after.or(default))
}

fn with_retry_after(answer: Answer, seconds: Option<u64>) -> Answer {
    match seconds {
        None => answer,
        Some(seconds) => answer.header(header::RETRY_AFTER, HeaderValue::from(seconds)),
    }
}

/// 202 with Retry-After: 1.
pub(super) fn not_ready() -> Answer {
    with_retry_after(Answer::empty(StatusCode::ACCEPTED), Some(1))
}

/// An answer about representations while they are still being made.
pub(super) fn pending(mut answer: Answer) -> Answer {
    if !answer.status.is_success() && !answer.status.is_redirection() {
        return answer;
    }
    let read = match &answer.body {
        AnswerBody::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
        _ => None,
    };
    let Some(mut value): Option<Value> = read else {
        return not_ready();
    };
    let entries = value
        .pointer_mut("/representations/entries")
        .and_then(Value::as_array_mut);
    match entries {
        Some(entries) => entries.iter_mut().for_each(set_pending),
        None => set_pending(&mut value),
    }
    answer.body = AnswerBody::Bytes(value.to_string().into());
    answer
}

fn set_pending(entry: &mut Value) {
    if let Some(state) = entry.pointer_mut("/status/state") {
        *state = Value::from("pending");
    }
}
