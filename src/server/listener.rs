//! The listener: one port for HTTP in clear, HTTP over TLS and proxy requests, bound and then served
//! until shutdown. What a connection does is for `connection`; what is answered is for a [`Handler`].

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::{
    connection::{context::Context, drive},
    handler::{ConnectionNote, Handler, NoteKind},
    options::ListenerOptions,
    workers::Workers,
};

/// A bound port: connections wait until they are served.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 takes a free one. Must be called inside a Tokio runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        const BACKLOG: u32 = 1024;
        /// Bytes of an answer that the system holds while its client does not read. The default
        /// would let every slow client fill megabytes.
        const SEND_BUFFER: u32 = 128 * 1024;
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        // Accepted sockets inherit it.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self {
            socket: listener,
            address,
        })
    }

    /// The address it listens on, with the actual port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

/// Serves the listener until `shutdown` is ready; then takes no more connections, gives what is in
/// flight `Timeouts::grace`, and ends the rest.
pub async fn serve<H: Handler>(
    listener: Listener,
    handler: Arc<H>,
    mut options: ListenerOptions,
    shutdown: impl Future<Output = ()>,
) {
    allow_many_connections();
    options.egress = options.egress.not_through_own_port(listener.address.port());
    let grace = options.timeouts.grace;
    let context = Arc::new(Context {
        handler,
        options,
        address: listener.address,
    });
    let (stop, stopping) = watch::channel(false);
    let workers = Workers::start(context.options.threads);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // Ended connections are removed, so that the set stays as small as the number of open
            // ones. A handler that panicked has reported it itself.
            Some(_) = connections.join_next() => {}
            accepted = listener.socket.accept() => match accepted {
                Ok((socket, peer)) => {
                    let (context, stopping) = (Arc::clone(&context), stopping.clone());
                    match workers.least_busy() {
                        None => connections.spawn(drive(context, socket, peer, stopping)),
                        Some(runtime) => connections
                            .spawn_on(drive_on_worker(context, socket, peer, stopping), runtime),
                    };
                }
                Err(error) => back_off(&context, &error).await,
            },
        }
    }
    drop(listener.socket);
    drop(stopping);
    // Without an open connection there is no receiver.
    let _ = stop.send(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    // What is still open after the grace is ended with the set.
    let _ = timeout(grace, rest).await;
}

/// Serves a connection that was accepted on another runtime.
async fn drive_on_worker<H: Handler>(
    context: Arc<Context<H>>,
    socket: TcpStream,
    peer: SocketAddr,
    stopping: watch::Receiver<bool>,
) {
    match socket.into_std().and_then(TcpStream::from_std) {
        Ok(socket) => drive(context, socket, peer, stopping).await,
        Err(error) => {
            let text = format!("could not serve a connection: {error}");
            context.note(peer, NoteKind::AcceptFailed, None, text);
        }
    }
}

/// Waits after a failed accept: without file handles the next one would fail at once too. A
/// connection that went away before it was accepted is no reason to wait.
async fn back_off<H: Handler>(context: &Context<H>, error: &io::Error) {
    const BACK_OFF: Duration = Duration::from_millis(50);
    let gone = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if gone {
        return;
    }
    context.handler.note(ConnectionNote {
        peer: None,
        kind: NoteKind::AcceptFailed,
        host: None,
        text: format!("could not accept a connection for a moment: {error}"),
    });
    tokio::time::sleep(BACK_OFF).await;
}

/// Raises the soft limit of open files as far as the hard one allows: macOS starts with 256.
fn allow_many_connections() {
    const WANTED: u64 = 16 * 1024;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |hard| hard.min(WANTED));
    if limit.current.is_some_and(|soft| soft < wanted) {
        // Without it fewer connections can be open, and a failed accept reports it.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum: limit.maximum,
            },
        );
    }
}
