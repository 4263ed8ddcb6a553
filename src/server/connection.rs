//! One connection from its first byte to its end: is it TLS, is it HTTP, does it become a tunnel,
//! has it taken too long.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch as channel,
    task::unconstrained,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_rustls::LazyConfigAcceptor;

use super::{
    forward,
    port::{Handler, NoteKind, Scheme, Shared, reset},
    service::{HttpService, Link, Tunnel},
    stream::{Peeked, Stream},
    watch::{Expired, Watch, Watched},
};
use crate::mock_box::wire_faults::End;

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// Serves one connection until it ends. A tunnel to a Box host starts over inside itself.
pub(super) async fn drive<H: Handler>(
    shared: Arc<Shared<H>>,
    socket: TcpStream,
    peer: SocketAddr,
    stopping: channel::Receiver<bool>,
) {
    // Without it small answers wait for the acknowledgement of the one before.
    let _ = socket.set_nodelay(true);
    let mut stream = Peeked::new(Bytes::new(), Stream::Tcp(socket));
    let mut link = Link::direct(peer);
    loop {
        let Some(opened) = open(&shared, stream, &mut link, stopping.clone()).await else {
            return;
        };
        match http(&shared, opened, &link, stopping.clone()).await {
            None => return,
            Some((inside, Tunnel::Here(target))) => {
                stream = inside;
                link = link.inside(target);
            }
            Some((inside, Tunnel::There(remote))) => {
                let mut stopping = stopping;
                // What another host says is not ours to finish.
                tokio::select! {
                    () = forward::relay(inside, remote) => {}
                    _ = stopping.wait_for(|stop| *stop) => {}
                }
                return;
            }
        }
    }
}

/// Waits for the first byte, and opens TLS where it begins a handshake. Nothing where there will
/// be no HTTP on the stream.
async fn open<H: Handler>(
    shared: &Shared<H>,
    mut stream: Peeked,
    link: &mut Link,
    mut stopping: channel::Receiver<bool>,
) -> Option<Peeked> {
    let timeouts = shared.options.timeouts;
    let first = tokio::select! {
        first = timeout(timeouts.idle, stream.first_byte()) => first,
        _ = stopping.wait_for(|stop| *stop) => return None,
    };
    if first.ok()?.ok()?? != TLS_HANDSHAKE {
        link.scheme = Scheme::Clear;
        return Some(stream);
    }
    let deadline = Instant::now() + timeouts.head;
    let handshake = handshake(shared, stream, link);
    match timeout_at(deadline, handshake).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            let host = link.meant();
            let text = why_tls_failed(&error, host.as_deref());
            shared.note(link.peer, NoteKind::TlsFailed, host.as_deref(), text);
            None
        }
        Err(_) => {
            let text = format!(
                "the TLS handshake was not finished within {} s",
                timeouts.head.as_secs_f32()
            );
            let host = link.meant();
            shared.note(link.peer, NoteKind::TimedOut, host.as_deref(), text);
            None
        }
    }
}

async fn handshake<H: Handler>(
    shared: &Shared<H>,
    stream: Peeked,
    link: &mut Link,
) -> io::Result<Peeked> {
    let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
    let start = acceptor.await?;
    link.scheme = Scheme::Tls;
    link.sni = start.client_hello().server_name().map(Arc::from);
    let tls = start
        .into_stream(shared.options.authority.server_config())
        .await?;
    Ok(Peeked::new(Bytes::new(), Stream::Tls(Box::new(tls))))
}

/// What a person can do something with, of rustls' words.
fn why_tls_failed(error: &io::Error, host: Option<&str>) -> String {
    use rustls::{AlertDescription as Alert, Error as Tls};
    let host = host.unwrap_or("this host");
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Tls>())
    {
        Some(Tls::AlertReceived(
            alert @ (Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate),
        )) => format!(
            "the client does not trust the certificate for {host} ({alert:?}): it was not given \
             the mock's authority"
        ),
        Some(Tls::AlertReceived(alert)) => {
            format!("the client refused TLS for {host}: {alert:?}")
        }
        Some(Tls::General(text)) if text.contains("certificate") => {
            format!("no certificate can be made for {host}: it is not a host of Box's")
        }
        Some(Tls::NoApplicationProtocol) => {
            format!("the client speaks only HTTP/2 to {host}, and the mock HTTP/1.1")
        }
        Some(tls) => format!("the TLS handshake for {host} failed: {tls}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            format!(
                "the client broke the TLS handshake for {host} off, as clients do that do not \
                 trust the certificate"
            )
        }
        None => format!("the TLS handshake for {host} failed: {error}"),
    }
}

/// Why the driver of an HTTP connection stopped.
enum Ended {
    /// Hyper has nothing left to do.
    Done(hyper::Result<()>),
    /// A fault's cut is due.
    Cut(End),
    /// Too slow.
    Expired(Expired),
    /// Idle at shutdown.
    Stopped,
}

/// Speaks HTTP on the stream until it ends or becomes a tunnel.
async fn http<H: Handler>(
    shared: &Arc<Shared<H>>,
    stream: Peeked,
    link: &Link,
    stopping: channel::Receiver<bool>,
) -> Option<(Peeked, Tunnel)> {
    let watch = Watch::new(shared.options.timeouts, link.scheme == Scheme::Clear);
    let service = HttpService::new(Arc::clone(shared), link.clone(), Arc::clone(&watch));
    let mut connection = http1::Builder::new()
        .max_buf_size(shared.options.max_head)
        .header_read_timeout(None)
        .serve_connection(
            TokioIo::new(Watched::new(stream, Arc::clone(&watch))),
            service,
        );
    let ended = until_ended(&mut connection, &watch, stopping).await;
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().into_inner();
    match ended {
        Ended::Done(Ok(())) => {
            if let Some(tunnel) = parts.service.take_tunnel() {
                let ahead = parts.read_buf;
                return Some((Peeked::around(ahead, stream), tunnel));
            }
            linger(stream).await;
        }
        Ended::Done(Err(error)) => match watch.asked_cut() {
            Some(end) => cut(stream, end),
            None => broken(shared, stream, link, &watch, &error).await,
        },
        Ended::Cut(end) => cut(stream, end),
        Ended::Expired(Expired::Idle) | Ended::Stopped => {
            // Whoever is idle hears the end as an end; there is nothing to wait for.
            let _ = timeout(Duration::from_secs(1), stream.shutdown()).await;
        }
        Ended::Expired(expired) => too_slow(shared, stream, link, expired).await,
    }
    None
}

type Connection<H> = http1::Connection<TokioIo<Watched>, HttpService<H>>;

/// Drives hyper, and looks at the watch whenever it has nothing to do.
async fn until_ended<H: Handler>(
    connection: &mut Connection<H>,
    watch: &Watch,
    stopping: channel::Receiver<bool>,
) -> Ended {
    const WITHOUT_DEADLINE: Duration = Duration::from_hours(1);
    let mut told = stopping.clone();
    // Neither this nor the timer is put off when the task has used its budget up: who is put off is
    // not told later.
    let mut stop = pin!(unconstrained(async move {
        // A channel whose sender is gone says the same.
        let _ = told.wait_for(|stop| *stop).await;
    }));
    let mut is_stopping = false;
    let later = || Instant::now() + WITHOUT_DEADLINE;
    let deadline = || watch.deadline().map(Instant::from_std);
    let mut timer = pin!(sleep_until(deadline().unwrap_or_else(later)));
    // Who is woken by both. To ask them each time would take locks that connections share.
    let mut listener: Option<Waker> = None;
    poll_fn(|context| {
        let is_known = |listener: &Waker| listener.will_wake(context.waker());
        let mut listens = listener.as_ref().is_some_and(is_known);
        if !listens {
            listener = Some(context.waker().clone());
        }
        let may_be_stopped = || !listens || stopping.has_changed().unwrap_or(true);
        if !is_stopping && may_be_stopped() && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            if watch.is_idle() {
                return Poll::Ready(Ended::Stopped);
            }
            Pin::new(&mut *connection).graceful_shutdown();
        }
        if let Poll::Ready(done) = connection.poll_without_shutdown(context) {
            return Poll::Ready(Ended::Done(done));
        }
        if let Some(end) = watch.due_cut() {
            return Poll::Ready(Ended::Cut(end));
        }
        if is_stopping && watch.is_idle() {
            return Poll::Ready(Ended::Stopped);
        }
        loop {
            if let Some(deadline) = deadline()
                && deadline < timer.deadline()
            {
                timer.as_mut().reset(deadline);
            }
            if listens && !timer.is_elapsed() {
                return Poll::Pending;
            }
            ready!(pin!(unconstrained(timer.as_mut())).poll(context));
            if let Some(expired) = watch.expired() {
                return Poll::Ready(Ended::Expired(expired));
            }
            timer.as_mut().reset(deadline().unwrap_or_else(later));
            listens = false;
        }
    })
    .await
}

/// Ends the connection as a fault wants it.
fn cut(stream: Peeked, end: End) {
    if end == End::Reset {
        reset(stream.socket());
    }
    drop(stream);
}

/// A head that hyper could not read gets its 400 in Box's form. Where hyper has said it itself
/// (behind other answers), or the client went away, there is nobody to answer.
async fn broken<H: Handler>(
    shared: &Shared<H>,
    stream: Peeked,
    link: &Link,
    watch: &Watch,
    error: &hyper::Error,
) {
    let kept = watch.take_kept_back();
    let host = link.meant();
    let note = |text: &str| shared.note(link.peer, NoteKind::Malformed, host.as_deref(), text);
    if !error.is_parse() {
        if watch.is_mid_head() {
            note("the connection ended in the middle of a request's head");
        }
        return;
    }
    let status = kept
        .get(9..12)
        .and_then(|digits| StatusCode::from_bytes(digits).ok())
        .unwrap_or(StatusCode::BAD_REQUEST);
    let reason = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let limit = shared.options.max_head;
            format!("the head of the request is longer than {limit} bytes or has too many headers")
        }
        StatusCode::URI_TOO_LONG => "the request's target is too long".to_owned(),
        _ => format!("what came is not an HTTP/1.1 request: {error}"),
    };
    note(&reason);
    if kept.is_empty() {
        linger(stream).await;
    } else {
        answer(shared, stream, status, &reason).await;
    }
}

async fn too_slow<H: Handler>(shared: &Shared<H>, stream: Peeked, link: &Link, expired: Expired) {
    let timeouts = shared.options.timeouts;
    let host = link.meant();
    let note = |text: &str| shared.note(link.peer, NoteKind::TimedOut, host.as_deref(), text);
    if expired == Expired::Head {
        let reason = format!(
            "the head of the request was not whole within {} s",
            timeouts.head.as_secs_f32()
        );
        note(&reason);
        answer(shared, stream, StatusCode::REQUEST_TIMEOUT, &reason).await;
    } else {
        note(&format!(
            "the client took no byte of its answer for {} s",
            timeouts.stalled.as_secs_f32()
        ));
        reset(stream.socket());
    }
}

/// Writes an answer past hyper, and ends the connection.
async fn answer<H: Handler>(
    shared: &Shared<H>,
    mut stream: Peeked,
    status: StatusCode,
    reason: &str,
) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let response = shared.handler.refuse(status, reason);
    let status = response.status();
    let mut bytes = format!(
        "HTTP/1.1 {} {}\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default()
    )
    .into_bytes();
    for (name, value) in response.headers() {
        if name == http::header::CONTENT_LENGTH || name == http::header::CONNECTION {
            continue;
        }
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let body = response.into_body();
    let end = format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    bytes.extend_from_slice(end.as_bytes());
    bytes.extend_from_slice(&body);
    if let Ok(Ok(())) = timeout(PATIENCE, stream.write_all(&bytes)).await {
        linger(stream).await;
    }
}

/// Ends a connection on which the client may still be sending: closing at once would reset it,
/// and the client would lose the answer that is on its way. So what still comes is thrown away
/// for a moment.
async fn linger(mut stream: Peeked) {
    const ALTOGETHER: Duration = Duration::from_secs(5);
    const SILENCE: Duration = Duration::from_secs(1);
    const AT_ONCE: usize = 16 * 1024;
    let throw_away = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; AT_ONCE];
        while timeout(SILENCE, stream.read(&mut buffer)).await?? > 0 {}
        io::Result::Ok(())
    };
    // However this ends, the connection does too.
    let _ = timeout(ALTOGETHER, throw_away).await;
}
