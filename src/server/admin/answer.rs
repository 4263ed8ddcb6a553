//! Answers and refusals of the admin API, and how its bodies are read.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::server::{
    body::{RequestBody, ResponseBody},
    limit::{ReadError, collect},
};

/// An answer of the admin API, or its refusal.
pub(in crate::server) type Answered = Result<Response<ResponseBody>, Refused>;

/// The status and the reason.
pub(in crate::server) struct Refused(
    pub(in crate::server) StatusCode,
    pub(in crate::server) String,
);

/// Runs work that takes a while off the threads that serve, where other connections would wait.
pub(in crate::server) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let failed = |error| Refused(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}"));
    spawn_blocking(work).await.map_err(failed)?
}

/// The refusal where the disk fails.
pub(in crate::server) fn failed(error: &std::io::Error) -> Refused {
    Refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("the disk does not keep contents: {error}"),
    )
}

/// The whole of a body of at most `limit` bytes.
pub(in crate::server) async fn read_body(body: RequestBody, limit: u64) -> Result<Bytes, Refused> {
    Ok(collect(body, limit).await?)
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        let status = match error {
            ReadError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ReadError::Body(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

/// An answer of plain JSON values.
pub(in crate::server) fn json_response(
    value: &(impl Serialize + ?Sized),
) -> Response<ResponseBody> {
    json_text(serde_json::to_string(value).expect("plain JSON values can be written"))
}

/// An answer of this JSON text.
pub(in crate::server) fn json_text(text: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::bytes(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
