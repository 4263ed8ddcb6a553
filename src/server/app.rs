//! What answers on the port: a call of Box's goes to the host, a path below `/_mock/` to the
//! admin API. Here heads and bodies meet sockets; what they mean is decided elsewhere.

use std::{
    io::{self, SeekFrom},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{io::AsyncSeekExt, sync::Semaphore};

use super::{
    admin::{self, Admin},
    multipart,
    port::{ConnectionNote, Handler, Origin},
    wire::{RequestBody, WireBody},
};
use crate::{
    domain::hosts::{HostPort, is_box},
    host::{Host, call::OpenCall, docx, picture},
    mock_box::{
        Answer, Body, Head, Request as BoxRequest,
        admit::Wanted,
        answer::{AnswerBody, PictureOf},
        content::Source,
        errors::{self, Envelope, ErrorBody},
    },
};

/// The header that every answer of Box's carries.
const REQUEST_ID: HeaderName = HeaderName::from_static("box-request-id");

/// The mock Box, as the port's handler.
#[derive(Debug)]
pub struct App {
    host: Arc<Host>,
    admin: Admin,
    address: SocketAddr,
}

impl App {
    /// The app of a host that listens on `address`.
    pub fn new(host: Arc<Host>, admin: Admin, address: SocketAddr) -> Self {
        Self {
            host,
            admin,
            address,
        }
    }

    async fn box_call(&self, head: Head, body: RequestBody) -> Response<WireBody> {
        let mut call = self.host.open(&head);
        let without_body = head.method == Method::HEAD;
        let body = match call.admitted() {
            Err(refusal) => Err(*refusal),
            Ok(wanted) => self.read(wanted, &head, body).await,
        };
        let answer = match body {
            Err(refusal) => {
                call.asked(head.headers, &Body::None);
                refusal
            }
            Ok(body) => {
                let request = BoxRequest { head, body };
                let answer = self.host.perform(&mut call, &request).await;
                call.asked(request.head.headers, &request.body);
                answer
            }
        };
        call.answered(&answer);
        respond(call, answer, without_body).await
    }
}

impl Handler for App {
    async fn call(
        self: Arc<Self>,
        origin: Origin,
        request: Request<RequestBody>,
    ) -> Response<WireBody> {
        let (parts, body) = request.into_parts();
        let for_box = origin
            .authority
            .as_ref()
            .is_some_and(|meant| is_box(&meant.host));
        if !for_box && parts.uri.path().starts_with("/_mock/") {
            return admin::answer(&self.host, &self.admin, &origin, &parts, body).await;
        }
        let head = Head {
            origin: self.origin_of(&origin),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            method: parts.method,
            headers: parts.headers,
        };
        self.box_call(head, body).await
    }

    fn refuse(&self, status: StatusCode, reason: &str) -> Response<Bytes> {
        let error = ErrorBody {
            status,
            envelope: Envelope::Client,
            code: "bad_request",
            message: reason.to_owned(),
            context: None,
        };
        let mut response = Response::new(Bytes::from(error.to_json("0").to_string()));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
            .headers_mut()
            .insert(REQUEST_ID, HeaderValue::from_static("0"));
        response
    }

    fn note(&self, note: ConnectionNote) {
        self.host
            .tell_connection(note.kind.as_str(), note.host, note.text);
    }
}

impl App {
    /// Reads as much of a body as is wanted.
    async fn read(&self, wanted: Wanted, head: &Head, body: RequestBody) -> Result<Body, Answer> {
        match wanted {
            Wanted::Nothing => Ok(Body::None),
            Wanted::Memory(limit) => collect(body, limit).await.map(Body::Memory),
            Wanted::Upload(limit) => {
                let upload = multipart::read(head, body, limit, &self.host.spool).await;
                upload.map(Body::Upload)
            }
        }
    }

    /// Scheme and authority as the client named them; a client that named none gets the address.
    fn origin_of(&self, origin: &Origin) -> String {
        let scheme = origin.scheme.as_str();
        match &origin.authority {
            Some(HostPort { host, port })
                if is_box(host) && port.is_none_or(|port| port == 443) =>
            {
                format!("{scheme}://{host}")
            }
            Some(authority) => format!("{scheme}://{authority}"),
            None => format!("{scheme}://{}", self.address),
        }
    }
}

async fn collect(body: RequestBody, limit: u64) -> Result<Bytes, Answer> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(errors::too_large(limit)),
        Err(error) => Err(errors::bad_request(error.to_string())),
    }
}

/// Turns an answer into what goes out. The call stays open until its content has left.
async fn respond(mut call: OpenCall, answer: Answer, without_body: bool) -> Response<WireBody> {
    let request_id = call.request_id();
    let mut response = Response::new(WireBody::empty());
    *response.status_mut() = answer.status;
    if !answer.delivery.is_plain() {
        response.extensions_mut().insert(answer.delivery);
    }
    let headers = response.headers_mut();
    headers.extend(answer.headers);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    let body = match answer.body {
        AnswerBody::Empty => WireBody::empty(),
        AnswerBody::Bytes(bytes) => WireBody::bytes(bytes),
        AnswerBody::Error(error) => WireBody::bytes(error.to_json(&request_id).to_string()),
        AnswerBody::DocumentText(content) => document_text(content.source).await,
        AnswerBody::Picture(picture) => match picture_body(*picture).await {
            Ok(body) => body,
            Err(error) => return content_lost(call, &error, &request_id),
        },
        AnswerBody::Content {
            content,
            start,
            end,
        } => match open_content(&content.source, start, end).await {
            Ok(body) => body,
            Err(error) => return content_lost(call, &error, &request_id),
        },
    };
    call.headed(response.headers());
    if without_body {
        if let Some(length) = body.length() {
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length.into());
        }
        return response;
    }
    *response.body_mut() = WireBody::streaming(Held { body, call });
    response
}

/// Documents and pictures that are unpacked at once: each may take much memory for a moment.
static UNPACKING: Semaphore = Semaphore::const_new(2);

/// Does work that takes a while, beside the sockets.
async fn unpack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = UNPACKING.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}

/// The picture; where the other is none, a small valid one.
async fn picture_body(wanted: PictureOf) -> io::Result<WireBody> {
    let otherwise = wanted.otherwise.clone();
    match unpack(move || picture::make(&wanted)).await {
        Some(Ok(bytes)) => Ok(WireBody::bytes(bytes)),
        _ => open_content(&otherwise.source, 0, otherwise.size).await,
    }
}

/// The words of a document; where there are none to be had, that is what the text says.
async fn document_text(source: Source) -> WireBody {
    let read = unpack(move || docx::text(&source)).await;
    WireBody::bytes(match read {
        Some(Ok(text)) => text,
        Some(Err(error)) => format!("The mock Box found no text in this document: {error}.\n"),
        None => "The mock Box failed to read this document.\n".to_owned(),
    })
}

pub(super) async fn open_content(source: &Source, start: u64, end: u64) -> io::Result<WireBody> {
    match source {
        Source::Static(bytes) => {
            let range = usize::try_from(start).unwrap_or(usize::MAX)
                ..usize::try_from(end).unwrap_or(usize::MAX);
            Ok(WireBody::bytes(Bytes::from_static(
                bytes.get(range).unwrap_or_default(),
            )))
        }
        Source::Disk(path) => {
            let mut file = tokio::fs::File::open(path).await?;
            file.seek(SeekFrom::Start(start)).await?;
            Ok(WireBody::file(file, end - start))
        }
    }
}

fn content_lost(mut call: OpenCall, error: &io::Error, request_id: &str) -> Response<WireBody> {
    let answer = errors::internal(format!("the content cannot be read: {error}"));
    call.answered(&answer);
    let mut response = Response::new(WireBody::empty());
    *response.status_mut() = answer.status;
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let AnswerBody::Error(body) = answer.body {
        *response.body_mut() = WireBody::bytes(body.to_json(request_id).to_string());
    }
    response
}

/// A body that keeps its call open while it goes out.
struct Held {
    body: WireBody,
    call: OpenCall,
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
            self.call.sent(data);
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
