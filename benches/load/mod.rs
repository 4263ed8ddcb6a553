//! Load for benchmarks of servers: keep-alive connections that ask one after the other, in turn to what is
//! measured and to a bare hyper server.

#![allow(dead_code, reason = "not every benchmark uses all of it")]
#![allow(clippy::print_stdout, reason = "the bare server prints its address")]

use std::{
    convert::Infallible,
    env,
    net::SocketAddr,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::processes::Process;

/// The variable that makes this program run as the bare server.
const BARE: &str = "BENCH_BARE_BODY";

pub(crate) fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// Serves as the bare server until the process is ended, if that is what this process is for.
pub(crate) fn serves_bare() -> bool {
    let body = env::var(BARE);
    if let Ok(body) = &body {
        runtime().block_on(bare(body.clone().into()));
    }
    body.is_ok()
}

/// Starts a bare server as a process of its own, which answers every request but a PUT with `body`.
pub(crate) fn start_bare(body: &str) -> (Process, SocketAddr) {
    let bare = Command::new(env::current_exe().expect("this program"))
        .env(BARE, body)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the bare server starts");
    let mut bare = Process(bare);
    let address = bare.first_line().parse().expect("an address");
    (bare, address)
}

/// The bare server: reads each request, and returns one body.
async fn bare(body: Bytes) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        socket.set_nodelay(true).expect("no delay");
        let body = body.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let body = body.clone();
                async move {
                    let is_put = request.method() == Method::PUT;
                    // As the mock must, to know what is written.
                    let _ = request.into_body().collect().await;
                    Ok::<_, Infallible>(bare_answer(if is_put { Bytes::new() } else { body }))
                }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            // A client that goes away is the end of it.
            let _ = connection.await;
        });
    }
}

/// With the headers of the mock's own answers.
fn bare_answer(body: Bytes) -> Response<Full<Bytes>> {
    let mut answer = Response::builder().header("box-request-id", "0123456789abcdef0001");
    if !body.is_empty() {
        answer = answer
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CACHE_CONTROL, "no-cache, no-store");
    }
    answer.body(Full::new(body)).expect("an answer")
}

/// One connection that asks and reads.
pub(crate) struct Client<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        }
    }

    /// Sends a whole request, and reads the whole answer; returns its body.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.expect("it is sent");
        self.stream.flush().await.expect("it is sent");
        self.buffer.clear();
        loop {
            let read = self
                .stream
                .read_buf(&mut self.buffer)
                .await
                .expect("an answer");
            assert!(read > 0, "the connection ended");
            let head = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n");
            let Some(head) = head else {
                continue;
            };
            let end = head + 4 + length(&self.buffer[..head]);
            if self.buffer.len() >= end {
                assert!(self.buffer.starts_with(b"HTTP/1.1 2"), "it is refused");
                return &self.buffer[head + 4..end];
            }
        }
    }
}

fn length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let start = head.windows(NAME.len()).position(|window| window == NAME);
    let digits = &head[start.expect("a length") + NAME.len()..];
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// The server that a round of requests is sent to.
#[derive(Clone)]
pub(crate) enum Target {
    Clear(SocketAddr),
    Tls(SocketAddr, tokio_rustls::TlsConnector),
}

impl Target {
    pub(crate) fn tls(address: SocketAddr, certificate: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        let der = CertificateDer::from_pem_slice(certificate.as_bytes());
        roots.add(der.expect("a certificate")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::Tls(address, Arc::new(config).into())
    }
}

/// Requests in a second, over all connections.
pub(crate) async fn rate(way: &Target, requests: &[Bytes], round: Duration) -> f64 {
    let done = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    let (start, started) = watch::channel(None);
    let (warm, mut warmed) = mpsc::channel::<()>(1);
    for request in requests {
        let (way, request, done) = (way.clone(), request.clone(), Arc::clone(&done));
        let (warm, started) = (warm.clone(), started.clone());
        clients.spawn(async move {
            match way {
                Target::Clear(address) => {
                    let stream = connect(address).await;
                    load(Client::new(stream), &request, warm, started, &done).await;
                }
                Target::Tls(address, connector) => {
                    let name = ServerName::try_from("api.box.com").expect("a name");
                    let stream = connect(address).await;
                    let stream = connector
                        .connect(name, stream)
                        .await
                        .expect("it is trusted");
                    load(Client::new(stream), &request, warm, started, &done).await;
                }
            }
        });
    }
    // All of them have let go of their end.
    drop(warm);
    let _ = warmed.recv().await;
    start.send_replace(Some(Instant::now() + round));
    while clients.join_next().await.is_some() {}
    #[allow(clippy::cast_precision_loss, reason = "they are few")]
    let requests = done.load(Ordering::Relaxed) as f64;
    requests / round.as_secs_f64()
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("it accepts");
    stream.set_nodelay(true).expect("no delay");
    stream
}

async fn load<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: Client<S>,
    request: &[u8],
    warm: mpsc::Sender<()>,
    mut started: watch::Receiver<Option<Instant>>,
    done: &AtomicU64,
) {
    // Warm, so that no handshake and no first touch is counted.
    client.ask(request).await;
    drop(warm);
    let until = started.wait_for(Option::is_some).await;
    let until = until.ok().and_then(|until| *until).expect("it starts");
    let mut own = 0;
    while Instant::now() < until {
        client.ask(request).await;
        own += 1;
    }
    done.fetch_add(own, Ordering::Relaxed);
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
