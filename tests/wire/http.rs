//! Plain HTTP.

use std::{fmt::Write, sync::Arc, time::Duration};

use tokio::io::AsyncWriteExt;

use crate::support::{TIMEOUT, TestServer, read_answer, read_to_end};

#[tokio::test]
async fn a_request_reaches_the_handler_with_the_host_it_names() {
    let server = TestServer::start();
    let answer = server
        .exchange(
            "GET /2.0/files/1?x=y HTTP/1.1\r\nHost: API.box.com:80\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with("GET http api.box.com:80 /2.0/files/1?x=y proxy=false\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_http_1_0_client_may_name_no_host() {
    let server = TestServer::start();
    let answer = server.exchange("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with("GET http - / proxy=false\n"), "{answer}");
}

#[tokio::test]
async fn requests_that_are_sent_at_once_are_answered_in_their_order() {
    let server = TestServer::start();
    let mut requests = String::new();
    for number in 0..50 {
        write!(requests, "GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is written");
    }
    requests.push_str("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = server.exchange(requests).await;
    let targets: Vec<&str> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("GET http a /")?.split(' ').next())
        .collect();
    let expected: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    assert_eq!(targets[..50], expected);
    assert_eq!(targets[50], "last");
}

#[tokio::test]
async fn a_thousand_kept_alive_connections_are_all_answered_again_and_again() {
    const CONNECTIONS: usize = 1000;
    let server = TestServer::start();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(server.connect().await);
    }
    for round in 0..3 {
        for stream in &mut connections {
            let request = format!("GET /{round} HTTP/1.1\r\nHost: a\r\n\r\n");
            stream
                .write_all(request.as_bytes())
                .await
                .expect("it is sent");
        }
        for stream in &mut connections {
            let answer = read_answer(stream).await;
            assert!(answer.ends_with(&format!("/{round} proxy=false\n")));
        }
    }
}

#[tokio::test]
async fn a_body_is_read_only_when_the_handler_asks_for_it() {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000000\r\n\r\n")
        .await
        .expect("it is sent");
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.ends_with("too large"), "{answer}");
}

#[tokio::test]
async fn a_client_that_continues_to_send_still_gets_its_refusal() {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    let body = vec![b'x'; 4 * 1024 * 1024];
    let head = format!(
        "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream.write_all(&body).await.expect("the server takes it");
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn client_that_expects_100_gets_its_answer_before_it_sends() {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
    };
    stream
        .write_all(head("/length").as_bytes())
        .await
        .expect("it is sent");
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 100 "), "{answer}");
    stream.write_all(b"abc").await.expect("it is sent");
    let answer = read_answer(&mut stream).await;
    assert!(answer.ends_with("\r\n\r\n3"), "{answer}");
    stream
        .write_all(head("/refused").as_bytes())
        .await
        .expect("it is sent");
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn shutdown_finishes_calls_in_flight_and_ends_idle_connections() {
    let server = TestServer::start();
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("it is sent");
    read_answer(&mut idle).await;
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /fault?delay=300 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("it is sent");
    server.handler.called(2).await;
    server.stop().await;
    let answer = read_to_end(&mut busy).await.expect("no reset");
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    assert!(answer.ends_with(&[b'x'; 1000]));
    assert_eq!(read_to_end(&mut idle).await.expect("no reset"), b"");
    assert_eq!(read_to_end(&mut silent).await.expect("no reset"), b"");
}

#[tokio::test]
async fn shutdown_ends_a_call_in_flight_after_the_grace() {
    let server = TestServer::with(|options| options.timeouts.grace = Duration::from_millis(50));
    let mut busy = server.connect().await;
    busy.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("it is sent");
    server.handler.called(1).await;
    let handler = Arc::clone(&server.handler);
    server.stop().await;
    assert_eq!(read_to_end(&mut busy).await.unwrap_or_default(), b"");
    let gone = async {
        while Arc::strong_count(&handler) > 1 {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(TIMEOUT, gone).await;
    gone.expect("nothing is served any more");
}
