//! From an answer to a response: the head, and a body from memory, from disk, or made on demand (the
//! text of a document, a thumbnail). A call stays open until its answer has left.

use std::{
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{io::AsyncSeekExt, sync::Semaphore};

use super::body::ResponseBody;
use crate::{
    mock_box::{Answer, AnswerBody, PictureOf, Source, errors},
    store::{
        OpenCall,
        content::{docx, file as contents, picture},
    },
};

/// The header that each of Box's answers has.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("box-request-id");

/// Turns an answer into a response; `without_body` for a HEAD.
pub(super) async fn respond(
    call: Box<OpenCall>,
    answer: Answer,
    without_body: bool,
) -> Response<ResponseBody> {
    let (mut outgoing, body) = Outgoing::new(call, answer, without_body);
    let body = match body {
        AnswerBody::Empty => Ok(ResponseBody::empty()),
        AnswerBody::Bytes(bytes) => Ok(ResponseBody::bytes(bytes)),
        other => {
            outgoing.call.publish_open();
            // Boxed to keep the future of the other answers small.
            Box::pin(made(other)).await
        }
    };
    match body {
        Ok(body) => outgoing.with(body),
        Err(error) => {
            let lost = errors::internal(format!("the content cannot be read: {error}"));
            let (outgoing, body) = Outgoing::new(outgoing.call, lost, without_body);
            outgoing.with(match body {
                AnswerBody::Bytes(bytes) => ResponseBody::bytes(bytes),
                _ => ResponseBody::empty(),
            })
        }
    }
}

/// An answer that lacks its body.
struct Outgoing {
    call: Box<OpenCall>,
    response: Response<ResponseBody>,
    /// Whether it goes out as it is, neither slowed down nor cut.
    is_plain: bool,
    without_body: bool,
}

impl Outgoing {
    /// The head of an answer, and its body apart; that of an error is written here.
    fn new(mut call: Box<OpenCall>, mut answer: Answer, without_body: bool) -> (Self, AnswerBody) {
        call.set_answer(&mut answer);
        let request_id = call.request_id();
        let body = match answer.body {
            AnswerBody::Error(error) => {
                AnswerBody::Bytes(error.to_json(&request_id).to_string().into())
            }
            other => other,
        };
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = answer.status;
        let is_plain = answer.wire.is_none();
        if let Some(wire) = answer.wire {
            response.extensions_mut().insert(*wire);
        }
        let headers = response.headers_mut();
        headers.reserve(answer.headers.len() + 1);
        headers.extend(answer.headers);
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert(REQUEST_ID, value);
        }
        let outgoing = Self {
            call,
            response,
            is_plain,
            without_body,
        };
        (outgoing, body)
    }

    fn with(self, body: ResponseBody) -> Response<ResponseBody> {
        let Self {
            mut call,
            mut response,
            is_plain,
            without_body,
        } = self;
        call.capture_head(response.headers());
        if without_body {
            if let Some(length) = body.length() {
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, length.into());
            }
            return response;
        }
        *response.body_mut() = match body.into_bytes() {
            // A body in memory is sent in one piece: the call ends here.
            Ok(bytes) if is_plain => {
                call.capture_body(&bytes);
                ResponseBody::bytes(bytes)
            }
            Ok(bytes) => Held::body(ResponseBody::bytes(bytes), call),
            Err(body) => Held::body(body, call),
        };
        response
    }
}

/// A body that is not in memory.
async fn made(body: AnswerBody) -> io::Result<ResponseBody> {
    match body {
        AnswerBody::DocumentText(content) => Ok(document_text(content.source).await),
        AnswerBody::Picture(picture) => picture_body(*picture).await,
        AnswerBody::Content(part) => open_content(&part.content.source, part.start, part.end).await,
        AnswerBody::Empty | AnswerBody::Bytes(_) | AnswerBody::Error(_) => {
            Ok(ResponseBody::empty())
        }
    }
}

/// Documents and pictures that are unpacked at once: each may take much memory for a moment.
static UNPACKING: Semaphore = Semaphore::const_new(2);

/// Runs work that takes a while off the threads that serve.
async fn unpack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = UNPACKING.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}

/// The picture; a small valid one if the original is not a picture.
async fn picture_body(wanted: PictureOf) -> io::Result<ResponseBody> {
    let otherwise = wanted.otherwise.clone();
    match unpack(move || picture::make(&wanted)).await {
        Some(Ok(bytes)) => Ok(ResponseBody::bytes(bytes)),
        _ => open_content(&otherwise.source, 0, otherwise.size).await,
    }
}

/// The text of a document; where it has none, a text that says so.
async fn document_text(source: Source) -> ResponseBody {
    let read = unpack(move || docx::text(&source)).await;
    ResponseBody::bytes(match read {
        Some(Ok(text)) => text,
        Some(Err(error)) => format!("The mock Box found no text in this document: {error}.\n"),
        None => "The mock Box failed to read this document.\n".to_owned(),
    })
}

/// Contents of up to this size are read at once and in place, not as the client takes them.
const AT_ONCE: u64 = 64 * 1024;

pub(super) async fn open_content(
    source: &Source,
    start: u64,
    end: u64,
) -> io::Result<ResponseBody> {
    match source {
        Source::Static(bytes) => {
            let range = usize::try_from(start).unwrap_or(usize::MAX)
                ..usize::try_from(end).unwrap_or(usize::MAX);
            Ok(ResponseBody::bytes(Bytes::from_static(
                bytes.get(range).unwrap_or_default(),
            )))
        }
        // The spool is in the temporary folder: a small read takes less time than the hand-over to
        // another thread.
        Source::Spooled(path) if end - start <= AT_ONCE => {
            contents::read(path, start, end - start).map(ResponseBody::bytes)
        }
        Source::Spooled(path) | Source::Disk(path) => {
            let options = tokio::fs::OpenOptions::from(contents::reading());
            let mut file = options.open(path).await?;
            file.seek(SeekFrom::Start(start)).await?;
            Ok(ResponseBody::file(file, end - start))
        }
    }
}

/// A body that keeps its call open while it is sent.
struct Held {
    body: ResponseBody,
    call: Box<OpenCall>,
}

impl Held {
    fn body(body: ResponseBody, mut call: Box<OpenCall>) -> ResponseBody {
        call.publish_open();
        ResponseBody::streaming(Self { body, call })
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.call.capture_part(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
