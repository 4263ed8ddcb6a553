//! The listener of a function: each request becomes an API Gateway event, its result the reply.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use uuid::Uuid;

use super::{channel::Invocation, pool::Pool, sandbox::Invoked};
use crate::{
    domain::event::gateway::{GatewayReply, GatewayRequest, proxy_event, reply},
    skill::{
        error::SkillError,
        output::Output,
        process::{OutputMode, SkillCommand},
        runtimes::handler::Handler,
    },
};

/// Bytes of the largest body: the limit of API Gateway.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Connections that are open at once.
const MAX_CONNECTIONS: usize = 1024;
/// How long a client may take to send a head, and a body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How a function is run.
#[derive(Clone, Debug)]
pub struct FunctionOptions {
    /// The port at 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The most events in progress at once, each in a sandbox of its own.
    pub sandboxes: usize,
    /// How long the function may take to load.
    pub load_limit: Duration,
    /// How long it may take to answer an event; then its sandbox is killed.
    pub run_limit: Duration,
    /// Variables of the sandboxes, in addition to those of skillctl.
    pub variables: Vec<(String, String)>,
}

/// A function that listens. Dropping it kills its sandboxes.
#[derive(Debug)]
pub struct Function {
    address: SocketAddr,
    pool: Arc<Pool>,
    _serving: JoinSet<()>,
}

impl Function {
    /// Loads the function and listens. The adapter is written to `folder`, and what the sandboxes
    /// print is captured by `output`. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`SkillError::PortTaken`], and where the function cannot be loaded.
    pub async fn start(
        handler: &Handler,
        folder: &Path,
        output: Output,
        options: FunctionOptions,
    ) -> Result<Self, SkillError> {
        let (listener, port) = listen(options.port).await?;
        let mut variables = options.variables;
        variables.push(("PORT".to_owned(), port.port().to_string()));
        let failed = |error| SkillError::Start {
            command: handler.to_string(),
            error,
        };
        let command = SkillCommand {
            words: handler.prepare(folder).map_err(failed)?,
            folder: None,
            variables,
            output: OutputMode::Captured(output.clone()),
        };
        let pool = Pool::start(
            command,
            options.sandboxes,
            options.load_limit,
            options.run_limit,
        );
        let pool = Arc::new(pool.await?);
        let shared = Arc::new(Shared {
            pool: Arc::clone(&pool),
            output,
            run_limit: options.run_limit,
        });
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, shared));
        Ok(Self {
            address: port,
            pool,
            _serving: serving,
        })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.pool.clear();
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), SkillError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
    match bound {
        Ok((address, listener)) => Ok((listener, address)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(SkillError::PortTaken(format!("127.0.0.1:{port}")))
        }
        Err(error) => Err(SkillError::Listen {
            address: format!("127.0.0.1:{port}"),
            error,
        }),
    }
}

/// What the connections share.
#[derive(Debug)]
struct Shared {
    pool: Arc<Pool>,
    output: Output,
    run_limit: Duration,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // Nobody closes the semaphore.
        let permit = Arc::clone(&permits).acquire_owned().await;
        match listener.accept().await {
            Ok((socket, peer)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    serve(socket, peer, shared).await;
                    drop(permit);
                });
            }
            // Too many open files, for example.
            Err(_) => tokio::time::sleep(PAUSE_AFTER_ERROR).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(socket: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    // Without it small replies wait for the acknowledgement of the one before.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.respond(request, peer).await) }
    });
    // The client sees an error of its connection; there is nobody else to report it to.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

type Reply = Response<Full<Bytes>>;

impl Shared {
    /// Runs the function with a request. The future is dropped when the client goes away.
    async fn respond(&self, request: Request<Incoming>, peer: SocketAddr) -> Reply {
        let (head, body) = request.into_parts();
        let body = match timeout(READ_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return plain(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body is larger than API Gateway allows",
                );
            }
            Ok(Err(_)) | Err(_) => {
                return plain(StatusCode::REQUEST_TIMEOUT, "the body did not arrive");
            }
        };
        let now = Timestamp::now();
        let id = Uuid::new_v4().to_string();
        let headers = header_pairs(&head.headers);
        let event = proxy_event(&GatewayRequest {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query(),
            headers: &headers,
            body: &body,
            source_ip: &peer.ip().to_string(),
            request_id: &id,
            received_ms: now.as_millisecond(),
        });
        let limit = SignedDuration::try_from(self.run_limit).unwrap_or(SignedDuration::MAX);
        let deadline = now.checked_add(limit).unwrap_or(Timestamp::MAX);
        let invocation = Invocation {
            id,
            deadline_ms: deadline.as_millisecond(),
            event,
        };
        let reply = match self.pool.invoke(invocation).await {
            Invoked::Returned { result, open } => {
                self.note_open(event_id(&body), &open);
                reply(&result).map_err(|reason| {
                    let reason = format!("{reason}; API Gateway replies 502");
                    self.output.note(&reason);
                    reason
                })
            }
            Invoked::Failed { error, open } => {
                self.note_open(event_id(&body), &open);
                Err(format!("the handler failed: {error}"))
            }
            Invoked::Ended(reason) => {
                self.output.note(&reason);
                Err(reason)
            }
        };
        reply.map_or_else(|reason| bad_gateway(&reason), into_response)
    }

    /// Keeps what an event left open when its sandbox was stopped, by the names of the runtime: shown
    /// where a case fails.
    fn note_open(&self, event_id: Option<String>, open: &[String]) {
        if !open.is_empty() {
            let event = event_id.map_or_else(String::new, |id| format!(" after event {id}"));
            let open = open.join(", ");
            self.output
                .note_quietly(&format!("(stopped{event}, with these still open: {open})"));
        }
    }
}

/// The id of the event in a body, for people.
fn event_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct WithId {
        id: Value,
    }
    let event: WithId = serde_json::from_slice(body).ok()?;
    match event.id {
        Value::String(id) => Some(id),
        other => Some(other.to_string()),
    }
}

/// Names and values as text; bytes that are not UTF-8 are replaced.
fn header_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    };
    headers.iter().map(pair).collect()
}

fn into_response(reply: GatewayReply) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in reply.headers {
        // A line break in a value would be a header of its own.
        let value = value.split(['\r', '\n']).collect::<Vec<_>>().join(" ");
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn bad_gateway(reason: &str) -> Reply {
    let body = json!({ "message": "Internal server error", "reason": reason }).to_string();
    let mut response = plain(StatusCode::BAD_GATEWAY, &body);
    let json = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}

fn plain(status: StatusCode, text: &str) -> Reply {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response
}
