//! The handler of the mock: a call to Box's API goes to the store, a path below `/_mock/` to the
//! admin API. Requests are read and responses made here; what they mean is decided elsewhere.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use smol_str::{SmolStr, format_smolstr};

use super::{
    admin::{self, Admin},
    body::{RequestBody, ResponseBody},
    guard::Guard,
    handler::{ConnectionReport, Origin, RequestHandler},
    limit::{ReadError, collect},
    multipart, raw_part,
    respond::{REQUEST_ID, respond},
};
use crate::{
    domain::{
        call::EventIds,
        hosts::{HostPort, is_box},
        notice::Connection,
    },
    mock_box::{
        AcceptedBody, Answer, Body, Envelope, ErrorBody, Head, Joined, Request as BoxRequest,
        errors,
    },
    store::{OpenCall, Store},
};

/// The mock Box as the handler of a listener.
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
            Ok(admitted) => (admitted.accepts.clone(), admitted.is_read()),
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

impl RequestHandler for App {
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

    fn report(&self, report: ConnectionReport) {
        self.store.publish_on_connection(Connection {
            kind: report.kind.as_str().to_owned(),
            host: report.host,
            text: report.text,
            provider: report.provider,
            events: EventIds::new(report.event_id, None),
            ..Connection::default()
        });
    }
}

impl App {
    /// Reads as much of a body as the call accepts.
    async fn read(
        &self,
        wanted: AcceptedBody,
        head: &Head,
        body: RequestBody,
    ) -> Result<Body, Answer> {
        match wanted {
            AcceptedBody::Nothing => Ok(Body::None),
            AcceptedBody::Memory(limit) => {
                let read = collect(body, limit).await.map_err(body_refusal)?;
                Ok(Body::Memory(read))
            }
            AcceptedBody::Part(limit) => {
                let part = Box::pin(raw_part::read(body, limit, self.store.spool()));
                part.await.map(Body::Part)
            }
            AcceptedBody::Joined(limit, session) => {
                let json = collect(body, limit).await.map_err(body_refusal)?;
                let content =
                    self.store.join_parts(&session).await.map_err(|error| {
                        errors::internal(format!("cannot join the parts: {error}"))
                    })?;
                Ok(Body::Joined(Joined { json, content }))
            }
            AcceptedBody::Upload(limit) => {
                // Boxed to keep the future of the other calls small.
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

/// The answer where a body was not read whole.
fn body_refusal(error: ReadError) -> Answer {
    match error {
        ReadError::TooLarge(limit) => errors::too_large(limit),
        ReadError::Body(error) => errors::bad_request(error.to_string()),
    }
}
