//! The one port: bound, then served until shutdown. Whoever answers the requests is plugged in as
//! a [`Handler`]; here is what it is given and what it gives back.

use std::{fmt, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch as channel,
    task::JoinSet,
    time::timeout,
};

pub use super::watch::Timeouts;
use super::{
    authority::Authority,
    connection::drive,
    egress::Egress,
    wire::{RequestBody, WireBody},
    workers::Workers,
};
use crate::domain::hosts::HostPort;

/// Whoever answers the requests that arrive on the port.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. It is called when the head is in and before any of the body is read;
    /// its target is in origin form, whatever form it came in. Delivery advice
    /// ([`crate::mock_box::wire_faults::WireFaults`]) goes into the answer's extensions.
    fn call(self: &Arc<Self>, origin: Origin, request: Request<RequestBody>) -> Reply;

    /// The answer to something that is refused before it is a request to Box: a malformed head,
    /// another host under `--no-egress`.
    fn refuse(&self, status: StatusCode, reason: &str) -> Response<Bytes>;

    /// Something happened on a connection that no request tells about.
    fn note(&self, note: ConnectionNote);
}

/// An answer, or the making of it. Most answers need nothing to be waited for, and then there is
/// no future, which would be the largest thing that a call allocates.
#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and boxing it is what this spares"
)]
pub enum Reply {
    /// It is there.
    Now(Response<WireBody>),
    /// It is being made. The future is dropped when the client goes away.
    Later(Pin<Box<dyn Future<Output = Response<WireBody>> + Send>>),
}

impl Reply {
    /// An answer that is being made.
    pub fn later(making: impl Future<Output = Response<WireBody>> + Send + 'static) -> Self {
        Self::Later(Box::pin(making))
    }

    /// The answer, once it is made.
    pub async fn made(self) -> Response<WireBody> {
        match self {
            Self::Now(answer) => answer,
            Self::Later(making) => making.await,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(answer) => write!(formatter, "Now({})", answer.status()),
            Self::Later(_) => formatter.write_str("Later"),
        }
    }
}

/// Where a request came from and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub peer: SocketAddr,
    /// In clear or over TLS.
    pub scheme: Scheme,
    /// The host that the client meant: of the absolute form, else the Host header, else the
    /// CONNECT target or the SNI name. None where an HTTP/1.0 client named none.
    pub authority: Option<HostPort>,
    /// Whether the client took the port for a proxy (CONNECT or absolute form).
    pub via_proxy: bool,
}

/// In clear or over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Clear,
    /// `https`
    Tls,
}

impl Scheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "http",
            Self::Tls => "https",
        }
    }
}

/// One line for the log about a connection, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionNote {
    /// The client's address; none for the port itself.
    pub peer: Option<SocketAddr>,
    /// What happened.
    pub kind: NoteKind,
    /// The host that the client meant, where it got so far.
    pub host: Option<String>,
    /// What happened and why, in a sentence without a full stop.
    pub text: String,
}

/// What happened on a connection, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// A TLS handshake failed: the client does not trust the certificate, broke off, sent
    /// garbage, or wants a host that is not Box's.
    TlsFailed,
    /// What came is not HTTP, or a head that is broken or too large.
    Malformed,
    /// A head, a handshake or an answer was not finished in time.
    TimedOut,
    /// A client reached another host through the proxy.
    OtherHost,
    /// A client wanted another host and was refused.
    EgressRefused,
    /// Another host could not be reached.
    EgressFailed,
    /// The port could not take a connection for a moment (too many open files).
    AcceptFailed,
}

impl NoteKind {
    /// Its name in the stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsFailed => "tls-failed",
            Self::Malformed => "malformed",
            Self::TimedOut => "timed-out",
            Self::OtherHost => "other-host",
            Self::EgressRefused => "egress-refused",
            Self::EgressFailed => "egress-failed",
            Self::AcceptFailed => "accept-failed",
        }
    }
}

/// How the port behaves.
#[derive(Clone, Debug)]
pub struct PortOptions {
    /// Makes the certificates.
    pub authority: Arc<Authority>,
    /// How hosts that are not Box's are reached, if at all.
    pub egress: Egress,
    /// Limits in time.
    pub timeouts: Timeouts,
    /// The longest head in bytes.
    pub max_head: usize,
    /// How many threads serve connections, at the most, each with a runtime of its own. With none
    /// they are served on the runtime on which [`serve`] runs.
    pub threads: usize,
}

impl PortOptions {
    /// The limits of design §2, without threads.
    pub fn new(authority: Arc<Authority>, egress: Egress) -> Self {
        const HEAD: usize = 64 * 1024;
        Self {
            authority,
            egress,
            timeouts: Timeouts::default(),
            max_head: HEAD,
            threads: 0,
        }
    }
}

/// A port that is bound and listens: a client's connection waits until it is served.
#[derive(Debug)]
pub struct BoundPort {
    listener: TcpListener,
    address: SocketAddr,
}

impl BoundPort {
    /// Binds `address`; port 0 takes a free one. Must be called inside a Tokio runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        const BACKLOG: u32 = 1024;
        /// What the system holds of an answer that its client has not taken, in bytes. It would
        /// hold megabytes, filled at once, for every client that reads slowly.
        const UNREAD: u32 = 128 * 1024;
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        // Every connection has it of the listener.
        socket.set_send_buffer_size(UNREAD)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address it listens on, with the port that was really taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

/// What every connection shares.
pub(super) struct Shared<H> {
    pub(super) handler: Arc<H>,
    pub(super) options: PortOptions,
    pub(super) address: SocketAddr,
}

impl<H: Handler> Shared<H> {
    pub(super) fn note(
        &self,
        peer: SocketAddr,
        kind: NoteKind,
        host: Option<&str>,
        text: impl Into<String>,
    ) {
        self.handler.note(ConnectionNote {
            peer: Some(peer),
            kind,
            host: host.map(str::to_owned),
            text: text.into(),
        });
    }
}

/// Serves the port until `shutdown` is ready; then takes no more connections, gives what is in
/// flight [`Timeouts::grace`], and ends the rest.
pub async fn serve<H: Handler>(
    port: BoundPort,
    handler: Arc<H>,
    mut options: PortOptions,
    shutdown: impl Future<Output = ()>,
) {
    allow_many_connections();
    options.egress = options.egress.not_through_own_port(port.address.port());
    let grace = options.timeouts.grace;
    let shared = Arc::new(Shared {
        handler,
        options,
        address: port.address,
    });
    let (stop, stopping) = channel::channel(false);
    let workers = Workers::start(shared.options.threads);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // Ended connections are taken out as they end, so that the set stays as small as
            // what is open. A handler that panicked has said so itself.
            Some(_) = connections.join_next() => {}
            accepted = port.listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    let (shared, stopping) = (Arc::clone(&shared), stopping.clone());
                    match workers.least_busy() {
                        None => connections.spawn(drive(shared, socket, peer, stopping)),
                        Some(runtime) => connections
                            .spawn_on(brought_here(shared, socket, peer, stopping), runtime),
                    };
                }
                Err(error) => breathe(&shared, &error).await,
            },
        }
    }
    drop(port.listener);
    drop(stopping);
    // No receiver is left to hear it where no connection is open.
    let _ = stop.send(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    // What is still open after the grace is ended with the set.
    let _ = timeout(grace, rest).await;
}

/// Serves a connection that was taken on one runtime on that which this runs on.
async fn brought_here<H: Handler>(
    shared: Arc<Shared<H>>,
    socket: TcpStream,
    peer: SocketAddr,
    stopping: channel::Receiver<bool>,
) {
    match socket.into_std().and_then(TcpStream::from_std) {
        Ok(socket) => drive(shared, socket, peer, stopping).await,
        Err(error) => {
            let text = format!("could not serve a connection: {error}");
            shared.note(peer, NoteKind::AcceptFailed, None, text);
        }
    }
}

/// After a failed accept. A connection that went away in between is nothing; without file handles
/// the next try would fail at once too, so it waits until some have been given back.
async fn breathe<H: Handler>(shared: &Shared<H>, error: &io::Error) {
    const BACK_OFF: Duration = Duration::from_millis(50);
    let gone = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if gone {
        return;
    }
    shared.handler.note(ConnectionNote {
        peer: None,
        kind: NoteKind::AcceptFailed,
        host: None,
        text: format!("could not take a connection for a moment: {error}"),
    });
    tokio::time::sleep(BACK_OFF).await;
}

/// Raises the soft limit of open files as far as the hard one allows: macOS starts with 256.
fn allow_many_connections() {
    const ENOUGH: u64 = 16 * 1024;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
    if limit.current.is_some_and(|soft| soft < wanted) {
        // Without it fewer connections can be open, and accepting says so when it comes to that.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum: limit.maximum,
            },
        );
    }
}

/// Ends a socket so that the peer sees a reset.
pub(super) fn reset(socket: &TcpStream) {
    // A socket that is closed already has nothing left to reset.
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}
