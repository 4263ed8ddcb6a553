//! Wire faults, carried out on the socket.

use std::io::ErrorKind;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use crate::support::{TestServer, get, open_tls, read_to_end};

async fn struck(fault: &str) -> (Vec<u8>, std::io::Result<usize>) {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    let request = format!("GET /fault?{fault} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is sent");
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    (answer, end)
}

#[tokio::test]
async fn a_truncated_answer_promises_its_whole_length_and_ends_in_the_middle() {
    let (answer, end) = struck("truncate").await;
    let answer = String::from_utf8(answer).expect("text");
    assert!(answer.contains("content-length: 1000\r\n"), "{answer}");
    assert_eq!(answer.matches('x').count(), 500);
    end.expect("it is closed, not reset");
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    for fault in ["reset", "reset-at-once"] {
        let (_, end) = struck(fault).await;
        let error = end.expect_err("the connection is reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{fault}");
    }
}

#[tokio::test]
async fn a_close_before_the_head_sends_nothing() {
    let (answer, end) = struck("close-at-once").await;
    assert_eq!(answer, b"");
    end.expect("it is closed, not reset");
}

#[tokio::test]
async fn a_cut_also_ends_an_answer_over_tls() {
    let server = TestServer::start();
    let stream = server.connect().await;
    let tls = open_tls(stream, Some(&server.authority), "api.box.com").await;
    let tls = tls.expect("it is trusted");
    let error = get(tls, "api.box.com", "/fault?truncate").await;
    // The error contains what was received before the cut: TLS distinguishes a cut from an end.
    let error = error.expect_err("it is cut");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(error.to_string().matches('x').count(), 500);
}

#[tokio::test]
async fn a_slow_answer_keeps_to_its_rate() {
    let started = Instant::now();
    let (answer, end) = struck("rate=4000").await;
    end.expect("it is closed, not reset");
    assert!(answer.ends_with(&[b'x'; 1000]));
    // 1,000 bytes take a quarter of a second; the bytes of the last eighth of a second are sent as
    // soon as the time of the earlier bytes has passed.
    assert!(started.elapsed().as_millis() >= 125);
}

#[tokio::test]
async fn a_delayed_answer_comes_whole_after_the_delay() {
    let server = TestServer::start();
    let started = std::time::Instant::now();
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /fault?delay=120 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .expect("it is sent");
    let answer = read_to_end(&mut stream).await.expect("no reset");
    assert!(started.elapsed().as_millis() >= 120);
    assert!(answer.ends_with(&[b'x'; 1000]));
}
