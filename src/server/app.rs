//! What answers on the port: a call of Box's goes to the store, a path below `/_mock/` to the
//! admin API. Here heads and bodies meet sockets; what they mean is decided elsewhere.

use std::{fmt::Display, net::SocketAddr, pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use smol_str::{SmolStr, format_smolstr};

use super::{
    admin::{self, Admin},
    body::{RequestBody, ResponseBody},
    guard::Guard,
    handler::{ConnectionNote, Handler, Origin},
    multipart,
    respond::{REQUEST_ID, respond},
};
use crate::{
    domain::hosts::{HostPort, is_box},
    mock_box::{
        AcceptedBody, Answer, Body, Envelope, ErrorBody, Head, Request as BoxRequest, errors,
    },
    store::{OpenCall, Store},
};

/// The mock Box, as the port's handler.
#[derive(Debug)]
pub struct App {
    store: Arc<Store>,
    admin: Admin,
    guard: Guard,
    address: SocketAddr,
}

impl App {
    /// The app of a store that listens on `address`.
    pub fn new(store: Arc<Store>, admin: Admin, address: SocketAddr) -> Self {
        Self {
            store,
            admin,
            guard: Guard::default(),
            address,
        }
    }

    /// The same behind another guard.
    #[must_use]
    pub fn behind(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    async fn box_call(&self, head: Head, body: RequestBody) -> Response<ResponseBody> {
        let mut call = self.store.open(&head);
        let (wanted, is_read) = match call.admitted() {
            Ok(admitted) => (admitted.accepts, admitted.is_read()),
            Err(refusal) => return refused(call, &head, *refusal).await,
        };
        let mut request = BoxRequest {
            head,
            body: Body::None,
        };
        if wanted == AcceptedBody::Nothing {
            if is_read {
                return self.answer_read(call, &request).await;
            }
            call.publish_open();
        } else {
            let read = {
                let mut read = pin!(self.read(wanted, &request.head, body));
                if let Some(read) = (&mut read).now_or_never() {
                    read
                } else {
                    // A body that is not here yet may take its time.
                    call.publish_open();
                    read.await
                }
            };
            match read {
                Err(refusal) => return refused(call, &request.head, refusal).await,
                Ok(body) => request.body = body,
            }
        }
        // Boxed to keep the future of the other calls small.
        Box::pin(self.execute(call, Box::new(request))).await
    }

    async fn answer_read(
        &self,
        mut call: Box<OpenCall>,
        request: &BoxRequest,
    ) -> Response<ResponseBody> {
        let answer = self.store.answer_read(&mut call, request);
        call.capture_request(&request.head.headers, &request.body);
        respond(call, answer, request.head.method == Method::HEAD).await
    }

    async fn execute(
        &self,
        call: Box<OpenCall>,
        request: Box<BoxRequest>,
    ) -> Response<ResponseBody> {
        let (call, answer) = self.store.execute(call, request).await;
        respond(call, answer, false).await
    }
}

async fn refused(mut call: Box<OpenCall>, head: &Head, refusal: Answer) -> Response<ResponseBody> {
    call.capture_request(&head.headers, &Body::None);
    respond(call, refusal, head.method == Method::HEAD).await
}

impl Handler for App {
    async fn call(
        self: Arc<Self>,
        origin: Origin,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        let (parts, body) = request.into_parts();
        if let Some(reason) = self.guard.refuses(&origin, &parts.headers) {
            let named = origin.authority.map(|meant| meant.host.into());
            self.store
                .publish_connection("browser-refused", named, reason.clone());
            let refusal = self.refuse(StatusCode::FORBIDDEN, &reason);
            return refusal.map(ResponseBody::from);
        }
        let for_box = origin
            .authority
            .as_ref()
            .is_some_and(|meant| is_box(&meant.host));
        if !for_box && parts.uri.path().starts_with("/_mock/") {
            // Boxed to keep the future of Box's calls small.
            let answer = admin::answer(&self.store, &self.admin, &origin, &parts, body);
            return Box::pin(answer).await;
        }
        let head = Head {
            origin: self.origin_of(&origin),
            target: target_of(parts.uri),
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
        self.store
            .publish_connection(note.kind.as_str(), note.host, note.text);
    }
}

impl App {
    /// Reads as much of a body as is wanted.
    async fn read(
        &self,
        wanted: AcceptedBody,
        head: &Head,
        body: RequestBody,
    ) -> Result<Body, Answer> {
        match wanted {
            AcceptedBody::Nothing => Ok(Body::None),
            AcceptedBody::Memory(limit) => collect(body, limit).await.map(Body::Memory),
            AcceptedBody::Upload(limit) => {
                // Boxed, so that the other calls, which are many, need no room for it.
                let upload = Box::pin(multipart::read(head, body, limit, self.store.spool()));
                upload.await.map(Body::Upload)
            }
        }
    }

    /// Scheme and authority as the client named them; a client that named none gets the address.
    fn origin_of(&self, origin: &Origin) -> SmolStr {
        let scheme = origin.scheme.as_str();
        match &origin.authority {
            Some(HostPort { host, port })
                if is_box(host) && port.is_none_or(|port| port == 443) =>
            {
                // As most calls name it, and each of them asks.
                [scheme, "://", host].into_iter().collect()
            }
            Some(authority) => format_smolstr!("{scheme}://{authority}"),
            None => format_smolstr!("{scheme}://{}", self.address),
        }
    }
}

/// Path and query, whatever form the target came in.
fn target_of(uri: Uri) -> PathAndQuery {
    let target = uri.into_parts().path_and_query;
    target.unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// The whole of a body. Most come in one piece, which is taken as it is.
async fn collect<B>(mut body: B, limit: u64) -> Result<Bytes, Answer>
where
    B: HttpBody<Data = Bytes, Error: Display> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| errors::bad_request(error.to_string()))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        let so_far = first.len().max(all.len());
        if (so_far + piece.len()) as u64 > limit {
            return Err(errors::too_large(limit));
        }
        if so_far == 0 {
            first = piece;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_body_is_whole_up_to_its_limit_however_it_comes() {
        let frames = |pieces: &[&'static str]| {
            let frame =
                |piece: &&'static str| Ok(Frame::data(Bytes::from_static(piece.as_bytes())));
            let frames: Vec<Result<_, Infallible>> = pieces.iter().map(frame).collect();
            StreamBody::new(stream::iter(frames))
        };
        for pieces in [&["abcd"][..], &["", "ab", "", "c", "d"], &["abc", "d"], &[]] {
            let whole = pieces.concat();
            let read = collect(frames(pieces), 4).await.expect("it fits");
            assert_eq!(read, whole);
            if let Some(less) = (whole.len() as u64).checked_sub(1) {
                let refused = collect(frames(pieces), less).await.expect_err("too much");
                assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
            }
        }
    }
}
