//! How a connection ends when hyper does not end it itself: by a fault, by a malformed head, by a
//! time-out. Answers here are written to the socket directly, without hyper.

use std::{io, time::Duration};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    context::{Context, Link},
    stream::Stream,
    tls::http2_alone,
    tracker::{Expired, IdleTracker},
};
use crate::{
    mock_box::wire_faults::End,
    server::handler::{ReportKind, RequestHandler},
};

/// Ends the connection as a fault wants it.
pub(super) fn cut(stream: Stream, end: End) {
    if end == End::Reset {
        reset(stream.socket());
    }
    drop(stream);
}

/// Answers a head that hyper could not read with a 400 in Box's form. Nothing is sent where hyper
/// has sent its own answer (behind other answers) or the client went away.
pub(super) async fn broken<H: RequestHandler>(
    context: &Context<H>,
    stream: Stream,
    link: &Link,
    tracker: &IdleTracker,
    error: &hyper::Error,
) {
    let kept = tracker.take_kept_back();
    let host = link.host();
    let report =
        |text: &str| context.report(link.peer, ReportKind::Malformed, host.as_deref(), text);
    if !error.is_parse() {
        if tracker.is_mid_head() {
            report("the connection ended in the middle of a request's head");
        }
        return;
    }
    let status = kept
        .get(9..12)
        .and_then(|digits| StatusCode::from_bytes(digits).ok())
        .unwrap_or(StatusCode::BAD_REQUEST);
    let reason = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let limit = context.options.max_head;
            format!("the head of the request is longer than {limit} bytes or has too many headers")
        }
        StatusCode::URI_TOO_LONG => "the request's target is too long".to_owned(),
        _ if error.is_parse_version_h2() => http2_alone(host.as_deref().unwrap_or("this host")),
        _ => format!("the bytes are not an HTTP/1.1 request: {error}"),
    };
    report(&reason);
    if kept.is_empty() {
        linger(stream).await;
    } else {
        answer(context, stream, status, &reason).await;
    }
}

/// Ends a connection that took too long: with a 408 for a head, with a reset for an answer that
/// the client does not take.
pub(super) async fn too_slow<H: RequestHandler>(
    context: &Context<H>,
    stream: Stream,
    link: &Link,
    expired: Expired,
) {
    let timeouts = context.options.timeouts;
    let host = link.host();
    let report =
        |text: &str| context.report(link.peer, ReportKind::TimedOut, host.as_deref(), text);
    if expired == Expired::Head {
        let reason = format!(
            "the head of the request was not complete within {} s",
            timeouts.head.as_secs_f32()
        );
        report(&reason);
        answer(context, stream, StatusCode::REQUEST_TIMEOUT, &reason).await;
    } else {
        report(&format!(
            "the client read no byte of its answer for {} s",
            timeouts.stalled.as_secs_f32()
        ));
        reset(stream.socket());
    }
}

/// Writes an answer past hyper, and ends the connection.
async fn answer<H: RequestHandler>(
    context: &Context<H>,
    mut stream: Stream,
    status: StatusCode,
    reason: &str,
) {
    const TIMEOUT: Duration = Duration::from_secs(2);
    let response = context.handler.refuse(status, reason);
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
    if let Ok(Ok(())) = timeout(TIMEOUT, stream.write_all(&bytes)).await {
        linger(stream).await;
    }
}

/// Ends a connection on which the client may still be sending. Closing it at once would reset it,
/// and the client would lose the answer that is on its way; so further bytes are discarded for a
/// moment.
pub(super) async fn linger(mut stream: Stream) {
    const LIMIT: Duration = Duration::from_secs(5);
    const SILENCE: Duration = Duration::from_secs(1);
    const BUFFER_SIZE: usize = 16 * 1024;
    let discard = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; BUFFER_SIZE];
        while timeout(SILENCE, stream.read(&mut buffer)).await?? > 0 {}
        io::Result::Ok(())
    };
    // However this ends, the connection does too.
    let _ = timeout(LIMIT, discard).await;
}

/// Makes the peer see a reset when the socket is closed.
fn reset(socket: &TcpStream) {
    // A socket that is closed already has nothing left to reset.
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}
