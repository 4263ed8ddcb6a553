//! One connection from its first byte to its end: TLS, HTTP through hyper with its time-outs and
//! faults, and the tunnel after a CONNECT. This is the only place that drives hyper as a server.

pub(in crate::server) mod context;
mod ending;
mod outgoing;
mod service;
mod stream;
mod target;
mod tls;
mod tracker;

use std::{
    error::Error as StdError,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, Waker, ready},
    time::Duration,
};

use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
    sync::watch,
    task::unconstrained,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use self::{
    context::{Context, Link},
    ending::{broken, cut, linger, too_slow},
    outgoing::Outgoing,
    service::{Service, Tunnel},
    stream::Stream,
    tracker::{Expired, IdleTracker},
};
use super::handler::{ReportKind, RequestHandler, Scheme};
use crate::{
    domain::{
        cassette::deck::Connect,
        hosts::{is_box, is_loopback},
    },
    mock_box::wire_faults::End,
};

/// Serves one connection until it ends. Inside a tunnel to a Box host, it starts over.
pub(super) async fn drive<H: RequestHandler>(
    context: Arc<Context<H>>,
    socket: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) {
    // Without it small answers wait for the acknowledgement of the one before.
    let _ = socket.set_nodelay(true);
    let mut stream = Stream::tcp(socket);
    let mut link = Link::direct(peer);
    loop {
        let Some(opened) = open(&context, stream, &mut link, stopping.clone()).await else {
            return;
        };
        match http(&context, opened, &link, stopping.clone()).await {
            None => return,
            Some((inside, Tunnel::Here(target))) => {
                stream = inside;
                link = link.inside(target);
            }
            Some((mut inside, Tunnel::There(mut remote))) => {
                // At shutdown a tunnel to another host is cut. A side that closes its connection
                // ends the tunnel, and both sides see it.
                tokio::select! {
                    _ = copy_bidirectional(&mut inside, &mut remote) => {}
                    _ = stopping.wait_for(|stop| *stop) => {}
                }
                return;
            }
        }
    }
}

/// Waits for the first byte, and accepts TLS where it begins a handshake. `None` if the stream will
/// carry no HTTP.
async fn open<H: RequestHandler>(
    context: &Context<H>,
    mut stream: Stream,
    link: &mut Link,
    mut stopping: watch::Receiver<bool>,
) -> Option<Stream> {
    let timeouts = context.options.timeouts;
    let first = tokio::select! {
        first = timeout(timeouts.idle, stream.first_byte()) => first,
        _ = stopping.wait_for(|stop| *stop) => return None,
    };
    if first.ok()?.ok()?? != tls::HANDSHAKE {
        link.scheme = Scheme::Clear;
        return Some(stream);
    }
    let deadline = Instant::now() + timeouts.head;
    let accept = tls::accept(&context.options.certificates, stream, link);
    let (kind, text) = match timeout_at(deadline, accept).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => {
            let missing = missing_in_cassettes(context, link);
            let kind = match &missing {
                Some(_) => ReportKind::ProviderMissing,
                None => ReportKind::TlsFailed,
            };
            let why = || tls::why_failed(&error, link.host().as_deref());
            (kind, missing.unwrap_or_else(why))
        }
        Err(_) => {
            let seconds = timeouts.head.as_secs_f32();
            let text = format!("the TLS handshake was not finished within {seconds} s");
            (ReportKind::TimedOut, text)
        }
    };
    context.report(link.peer, kind, link.host().as_deref(), text);
    None
}

/// Why no certificate is made for the host in the handshake: the cassettes of the run lack it.
fn missing_in_cassettes<H: RequestHandler>(context: &Context<H>, link: &Link) -> Option<String> {
    let deck = context.options.deck.as_ref()?;
    let host = link.sni.as_deref()?;
    match deck.connect(host) {
        Connect::Refuse(reason) if !is_box(host) && !is_loopback(host) => Some(reason),
        _ => None,
    }
}

/// Why hyper is no longer driven.
enum Ended {
    /// Hyper has nothing left to do.
    Done(hyper::Result<()>),
    /// The end that a fault asks for is due.
    Cut(End),
    /// Too slow.
    Expired(Expired),
    /// Idle at shutdown.
    Stopped,
}

/// Speaks HTTP on the stream until it ends or becomes a tunnel.
async fn http<H: RequestHandler>(
    context: &Arc<Context<H>>,
    stream: Stream,
    link: &Link,
    stopping: watch::Receiver<bool>,
) -> Option<(Stream, Tunnel)> {
    let timeouts = context.options.timeouts;
    let tracker = IdleTracker::new(timeouts, link.scheme == Scheme::Clear);
    let service = Service::new(Arc::clone(context), link.clone(), Arc::clone(&tracker));
    let respond = service_fn(|request| service.respond(request));
    let io = TokioIo::new(stream.tracked(Arc::clone(&tracker)));
    let mut connection = http1::Builder::new()
        .max_buf_size(context.options.max_head)
        .header_read_timeout(None)
        .serve_connection(io, respond);
    let ended = until_ended(&mut connection, &tracker, stopping).await;
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().untracked();
    match ended {
        Ended::Done(Ok(())) => {
            if let Some(tunnel) = service.take_tunnel() {
                stream.unread(parts.read_buf);
                return Some((stream, tunnel));
            }
            linger(stream).await;
        }
        Ended::Done(Err(error)) => match tracker.asked_cut() {
            Some(end) => cut(stream, end),
            None => broken(context, stream, link, &tracker, &error).await,
        },
        Ended::Cut(end) => cut(stream, end),
        Ended::Expired(Expired::Idle) | Ended::Stopped => {
            // An idle client sees a clean end; there is nothing to wait for.
            let _ = timeout(Duration::from_secs(1), stream.shutdown()).await;
        }
        Ended::Expired(expired) => too_slow(context, stream, link, expired).await,
    }
    None
}

/// Drives hyper, and asks the tracker whenever hyper has nothing to do.
async fn until_ended<S>(
    connection: &mut http1::Connection<TokioIo<Stream>, S>,
    tracker: &IdleTracker,
    stopping: watch::Receiver<bool>,
) -> Ended
where
    S: HttpService<Incoming, ResBody = Outgoing>,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    const WITHOUT_DEADLINE: Duration = Duration::from_hours(1);
    let mut stop = stopping.clone();
    // Both this and the timer are polled outside tokio's coop budget: they are polled again only
    // when the waker changes, so a poll that the budget puts off would be lost.
    let mut stop = pin!(unconstrained(async move {
        // A channel whose sender is gone says the same.
        let _ = stop.wait_for(|stop| *stop).await;
    }));
    let mut is_stopping = false;
    let later = || Instant::now() + WITHOUT_DEADLINE;
    let deadline = || tracker.deadline().map(Instant::from_std);
    let mut timer = pin!(sleep_until(deadline().unwrap_or_else(later)));
    // The waker that both have. To poll them each time would take locks that connections share.
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
            if tracker.is_idle() {
                return Poll::Ready(Ended::Stopped);
            }
            Pin::new(&mut *connection).graceful_shutdown();
        }
        if let Poll::Ready(done) = Pin::new(&mut *connection).poll(context) {
            return Poll::Ready(Ended::Done(done));
        }
        if let Some(end) = tracker.due_cut() {
            return Poll::Ready(Ended::Cut(end));
        }
        if is_stopping && tracker.is_idle() {
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
            if let Some(expired) = tracker.expired() {
                return Poll::Ready(Ended::Expired(expired));
            }
            timer.as_mut().reset(deadline().unwrap_or_else(later));
            listens = false;
        }
    })
    .await
}
