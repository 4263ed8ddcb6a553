//! The listener: one port for HTTP in clear, HTTP over TLS and proxy requests, bound and then served
//! until shutdown. What a connection does is for `connection`; what is answered is for a [`RequestHandler`].

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::{
    connection::{context::Context, drive},
    handler::{ConnectionReport, ReportKind, RequestHandler},
    options::ListenerOptions,
};

/// A bound port: connections wait until they are served.
#[derive(Debug)]
pub struct Listener {
    socket: std::net::TcpListener,
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
        // It may be served on another runtime.
        let listener = socket.listen(BACKLOG)?.into_std()?;
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
pub async fn serve<H: RequestHandler>(
    listener: Listener,
    handler: Arc<H>,
    mut options: ListenerOptions,
    shutdown: impl Future<Output = ()>,
) {
    allow_many_connections();
    let socket = match TcpListener::from_std(listener.socket) {
        Ok(socket) => socket,
        Err(error) => return handler.report(accept_failed(&error)),
    };
    options.egress = options.egress.not_through_own_port(listener.address.port());
    let grace = options.timeouts.grace;
    let context = Arc::new(Context {
        handler,
        options,
        address: listener.address,
    });
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // Ended connections are removed, so that the set stays as small as the number of open
            // ones. A handler that panicked has reported it itself.
            Some(_) = connections.join_next() => {}
            accepted = socket.accept() => match accepted {
                Ok((socket, peer)) => {
                    let (context, stopping) = (Arc::clone(&context), stopping.clone());
                    connections.spawn(drive(context, socket, peer, stopping));
                }
                Err(error) => back_off(&context, &error).await,
            },
        }
    }
    drop(socket);
    drop(stopping);
    // Without an open connection there is no receiver.
    let _ = stop.send(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    // What is still open after the grace is ended with the set.
    let _ = timeout(grace, rest).await;
}

/// Waits after a failed accept: without file handles the next one would fail at once too. A
/// connection that was closed before it was accepted is not a reason to wait.
async fn back_off<H: RequestHandler>(context: &Context<H>, error: &io::Error) {
    const BACK_OFF: Duration = Duration::from_millis(50);
    let gone = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if gone {
        return;
    }
    context.handler.report(accept_failed(error));
    tokio::time::sleep(BACK_OFF).await;
}

fn accept_failed(error: &io::Error) -> ConnectionReport {
    let text = format!("could not accept a connection; trying again: {error}");
    ConnectionReport::new(None, ReportKind::AcceptFailed, None, text)
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
