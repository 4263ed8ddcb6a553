//! Bytes that nobody should send.

use std::time::Duration;

use skillctl::server::{handler::ReportKind, proxy::egress::Egress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{TestServer, read_answer, read_to_end};

#[tokio::test]
async fn a_malformed_head_gets_a_400_from_the_handler_and_a_note() {
    for garbage in [
        "GARBAGE\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let server = TestServer::start();
        let answer = server.exchange(garbage).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{garbage:?}: {answer}");
        assert!(answer.contains("\r\nbox-request-id: r1\r\n"), "{answer}");
        assert!(answer.contains("\r\n\r\nrefused: "), "{answer}");
        server.handler.report(ReportKind::Malformed).await;
    }
}

#[tokio::test]
async fn two_hosts_or_none_that_can_be_one_are_a_malformed_head() {
    let server = TestServer::start();
    for hosts in ["Host: a\r\nHost: b", "Host: a b", "Host: a/b", "Host: \x7f"] {
        let request = format!("GET / HTTP/1.1\r\n{hosts}\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
    }
}

#[tokio::test]
async fn a_malformed_head_behind_good_requests_does_not_spoil_their_answers() {
    let server = TestServer::start();
    let answer = server
        .exchange(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n",
        )
        .await;
    assert!(answer.contains("GET http a /1 "), "{answer}");
    assert!(answer.contains("GET http a /2 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_head_without_end_is_refused_at_its_limit() {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
    head.resize(80 * 1024, b'x');
    // The server may well end the connection before it has taken everything.
    let _ = stream.write_all(&head).await;
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    server.handler.report(ReportKind::Malformed).await;
}

#[tokio::test]
async fn a_head_that_dribbles_is_given_up() {
    let server = TestServer::with(|options| options.timeouts.head = Duration::from_millis(200));
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\n")
        .await
        .expect("it is sent");
    let (mut reading, mut writing) = stream.into_split();
    let dribble = tokio::spawn(async move {
        while writing.write_all(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = Vec::new();
    // What is still on its way may turn the end into a reset.
    let _ = reading.read_to_end(&mut answer).await;
    dribble.abort();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.handler.report(ReportKind::TimedOut).await;
}

#[tokio::test]
async fn an_idle_connection_is_ended_without_a_word() {
    let server = TestServer::with(|options| options.timeouts.idle = Duration::from_millis(100));
    let mut silent = server.connect().await;
    assert_eq!(read_to_end(&mut silent).await.expect("no reset"), b"");
    let mut accepted = server.connect().await;
    accepted
        .write_all(b"GET /bytes?3 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("it is sent");
    let answer = read_to_end(&mut accepted).await.expect("no reset");
    assert!(answer.ends_with(b"\r\n\r\nxxx"));
    assert_eq!(server.handler.reports(), []);
}

#[tokio::test]
async fn a_connection_that_was_busy_for_long_is_ended_when_it_is_idle() {
    let server = TestServer::with(|options| options.timeouts.idle = Duration::from_millis(100));
    let mut accepted = server.connect().await;
    accepted
        .write_all(b"GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("it is sent");
    let answer = read_to_end(&mut accepted).await.expect("no reset");
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_stops_in_the_middle_is_given_up() {
    let server = TestServer::with(|options| options.timeouts.stalled = Duration::from_millis(100));
    let answer = server
        .exchange("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("no byte of the request's body arrived"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_broken_chunk_is_an_error_for_the_handler() {
    let server = TestServer::start();
    let answer = server
        .exchange("POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc")
        .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("the request's body ended early"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_given_up() {
    let server = TestServer::with(|options| options.timeouts.stalled = Duration::from_millis(200));
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /bytes?60000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("it is sent");
    let report = server.handler.report(ReportKind::TimedOut).await;
    assert!(
        report.text.contains("the client read no byte"),
        "{}",
        report.text
    );
    assert!(read_to_end(&mut stream).await.is_err(), "it is reset");
}

#[tokio::test]
async fn garbage_does_not_keep_others_from_being_served() {
    let server = TestServer::start();
    let mut held = Vec::new();
    for number in 0..200_u8 {
        let mut stream = server.connect().await;
        let bytes = [0x16, 3, 1, number, number, b'G', 0xff, number];
        let from = usize::from(number) % bytes.len();
        stream.write_all(&bytes[from..]).await.expect("it is sent");
        held.push(stream);
    }
    let answer = server
        .exchange("GET /still HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.contains("GET http a /still "), "{answer}");
}

/// Numbers that look random and are the same in every run.
fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits") % below
    }
}

#[tokio::test]
async fn any_bytes_get_an_answer_in_http_or_tls_or_an_end() {
    const SEEDS: [&[u8]; 5] = [
        b"GET /2.0/files/1 HTTP/1.1\r\nHost: api.box.com\r\nConnection: close\r\n\r\n",
        b"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"CONNECT api.box.com:443 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://api.box.com/x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    ];
    let server = TestServer::with(|options| options.egress = Egress::none());
    let mut number = numbers(0x5eed);
    for _ in 0..400 {
        let mut bytes = SEEDS[number(SEEDS.len())].to_vec();
        for _ in 0..=number(6) {
            let at = number(bytes.len());
            let any = u8::try_from(number(256)).expect("a byte");
            match number(4) {
                0 => bytes[at] = any,
                1 => bytes.insert(at, any),
                2 => drop(bytes.drain(at..(at + 1 + number(9)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..),
            }
            if bytes.is_empty() {
                bytes.push(any);
            }
        }
        let mut stream = server.connect().await;
        // The server may end the connection before it has taken everything.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let answer = read_to_end(&mut stream).await.unwrap_or_default();
        let is_alert = answer.first() == Some(&0x15);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 ") || is_alert,
            "{} got {}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
    }
    let answer = server
        .exchange("GET /still HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.contains("GET http a /still "), "{answer}");
}
