//! A server whose handler echoes requests, and clients for it.

use std::{
    io,
    net::SocketAddr,
    num::NonZeroU64,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use skillctl::{
    mock_box::wire_faults::{Cut, CutPoint, End, WireFaults},
    server::{
        body::{RequestBody, ResponseBody},
        certificate_authority::CertificateAuthority,
        handler::{ConnectionReport, Origin, ReportKind, RequestHandler},
        listener::{Listener, serve},
        options::ListenerOptions,
        proxy::egress::Egress,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::{JoinHandle, coop},
};
use tokio_rustls::TlsConnector;

/// Echoes requests.
#[derive(Default)]
pub(crate) struct Echo {
    reports: Mutex<Vec<ConnectionReport>>,
    noted: Notify,
    pub(crate) calls: std::sync::atomic::AtomicUsize,
}

impl Echo {
    /// Waits until a report of this kind is there.
    pub(crate) async fn report(&self, kind: ReportKind) -> ConnectionReport {
        let find = || {
            let reports = self.reports.lock().expect("no test panics with it");
            reports.iter().find(|report| report.kind == kind).cloned()
        };
        let waiting = async {
            loop {
                let noted = self.noted.notified();
                if let Some(report) = find() {
                    return report;
                }
                noted.await;
            }
        };
        tokio::time::timeout(TIMEOUT, waiting)
            .await
            .unwrap_or_else(|_| panic!("no report of {kind:?} among {:?}", self.reports))
    }

    /// Waits until the handler was called this often.
    pub(crate) async fn called(&self, times: usize) {
        let waiting = async {
            while self.calls.load(std::sync::atomic::Ordering::Relaxed) < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, waiting)
            .await
            .unwrap_or_else(|_| panic!("the handler was not called {times} times"));
    }

    pub(crate) fn reports(&self) -> Vec<ConnectionReport> {
        self.reports.lock().expect("no test panics with it").clone()
    }
}

/// Long enough for a busy machine; no test waits for it to pass.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

impl Echo {
    async fn answer(
        self: Arc<Self>,
        origin: Origin,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        self.calls
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default().to_owned();
        match path.as_str() {
            // Answered from the head alone.
            "/refused" => {
                let mut answer = Response::new(ResponseBody::bytes("too large"));
                *answer.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                return answer;
            }
            "/length" => {
                return match body.collect().await {
                    Ok(body) => {
                        Response::new(ResponseBody::bytes(body.to_bytes().len().to_string()))
                    }
                    Err(error) => {
                        let mut answer = Response::new(ResponseBody::bytes(error.to_string()));
                        *answer.status_mut() = StatusCode::BAD_REQUEST;
                        answer
                    }
                };
            }
            "/never" => std::future::pending::<()>().await,
            // Uses up the coop budget that the runtime gives a task.
            "/greedy" => {
                while coop::has_budget_remaining() {
                    coop::consume_budget().await;
                }
            }
            "/bytes" => {
                let length = query.parse().unwrap_or(0);
                return Response::new(ResponseBody::bytes(vec![b'x'; length]));
            }
            "/fault" => {
                let mut answer = Response::new(ResponseBody::bytes(vec![b'x'; 1000]));
                answer.extensions_mut().insert(delivery(&query));
                return answer;
            }
            _ => {}
        }
        let authority = origin
            .authority
            .map_or_else(|| "-".to_owned(), |authority| authority.to_string());
        let text = format!(
            "{} {} {} {} proxy={}\n",
            head.method,
            origin.scheme.as_str(),
            authority,
            head.uri,
            origin.via_proxy
        );
        Response::new(ResponseBody::bytes(text))
    }
}

impl RequestHandler for Echo {
    async fn call(
        self: Arc<Self>,
        origin: Origin,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        self.answer(origin, request).await
    }

    fn refuse(&self, status: StatusCode, reason: &str) -> Response<Bytes> {
        let mut answer = Response::new(Bytes::from(format!("refused: {reason}")));
        *answer.status_mut() = status;
        answer
            .headers_mut()
            .insert("box-request-id", http::HeaderValue::from_static("r1"));
        answer
    }

    fn report(&self, report: ConnectionReport) {
        self.reports
            .lock()
            .expect("no test panics with it")
            .push(report);
        self.noted.notify_waiters();
    }
}

fn delivery(query: &str) -> WireFaults {
    let mut delivery = WireFaults::default();
    for part in query.split('&') {
        let end = |at, end| Some(Cut { at, end });
        match part.split_once('=') {
            Some(("delay", milliseconds)) => {
                let milliseconds = milliseconds.parse().expect("a number");
                delivery.delay = Some(Duration::from_millis(milliseconds));
            }
            Some(("rate", rate)) => {
                delivery.rate = NonZeroU64::new(rate.parse().expect("a number"));
            }
            _ if part == "truncate" => delivery.cut = end(CutPoint::Half, End::Close),
            _ if part == "reset" => delivery.cut = end(CutPoint::Half, End::Reset),
            _ if part == "reset-at-once" => {
                delivery.cut = end(CutPoint::BeforeHead, End::Reset);
            }
            _ if part == "close-at-once" => {
                delivery.cut = end(CutPoint::BeforeHead, End::Close);
            }
            _ => panic!("unknown fault {part}"),
        }
    }
    delivery
}

/// A server that is ended when it is dropped.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) handler: Arc<Echo>,
    pub(crate) authority: Arc<CertificateAuthority>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut ListenerOptions)) -> Self {
        Self::with_address(|options, _| change(options))
    }

    /// With options that depend on the address that it has.
    pub(crate) fn with_address(change: impl FnOnce(&mut ListenerOptions, SocketAddr)) -> Self {
        let authority = Arc::new(
            CertificateAuthority::in_memory(Timestamp::now()).expect("an authority is made"),
        );
        let mut options = ListenerOptions::new(Arc::clone(&authority), Egress::direct());
        let bound = Listener::bind(([127, 0, 0, 1], 0).into()).expect("a free port is there");
        let address = bound.local_addr();
        change(&mut options, address);
        let handler = Arc::new(Echo::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(bound, Arc::clone(&handler), options, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            handler,
            authority,
            stop: Some(stop),
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("the server accepts")
    }

    /// Sends these bytes and reads until the server ends the connection.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.expect("it is sent");
        let answer = read_to_end(&mut stream).await.expect("no reset");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks for shutdown and waits for the server to end.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        tokio::time::timeout(TIMEOUT, &mut self.serving)
            .await
            .expect("it ends")
            .expect("it does not panic");
    }
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    tokio::time::timeout(TIMEOUT, stream.read_to_end(&mut answer))
        .await
        .expect("the connection ends")?;
    Ok(answer)
}

/// Reads one answer with a Content-Length from a connection that stays open.
pub(crate) async fn read_answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().expect("a number"));
                if body.len() >= length {
                    return text.into_owned();
                }
            }
            bytes.push(stream.read_u8().await.expect("the answer goes on"));
        }
    };
    tokio::time::timeout(TIMEOUT, reading)
        .await
        .expect("an answer comes")
}

/// What a client sees at the end of a TLS connection.
pub(crate) type Secure = tokio_rustls::client::TlsStream<TcpStream>;

/// Opens TLS for `name` on a stream, trusting `authority` alone, or nothing.
pub(crate) async fn open_tls(
    stream: TcpStream,
    authority: Option<&CertificateAuthority>,
    name: &str,
) -> io::Result<Secure> {
    let mut roots = RootCertStore::empty();
    if let Some(authority) = authority {
        let pem = authority.certificate_pem().as_bytes();
        let certificate = CertificateDer::from_pem_slice(pem).expect("it is PEM");
        roots.add(certificate).expect("it is a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Gets `path` of `host` over a stream and reads to its end: the head and the body together.
pub(crate) async fn get(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: &str,
    path: &str,
) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let end = tokio::time::timeout(TIMEOUT, stream.read_to_end(&mut answer))
        .await
        .expect("the connection ends");
    end.map(|_| String::from_utf8_lossy(&answer).into_owned())
        .map_err(|error| io::Error::new(error.kind(), String::from_utf8_lossy(&answer)))
}

/// Opens a tunnel to `target` through the server.
pub(crate) async fn connect_through(server: &TestServer, target: &str) -> TcpStream {
    let mut stream = server.connect().await;
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is sent");
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stream
}
