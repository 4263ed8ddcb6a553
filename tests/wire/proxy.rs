//! The server as a proxy: CONNECT and absolute form, for Box's hosts and for others.

use skillctl::server::{handler::ReportKind, proxy::egress::Egress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{TestServer, connect_through, get, open_tls, read_answer, read_to_end};

#[tokio::test]
async fn a_box_host_behind_connect_is_served_here_over_tls_and_in_clear() {
    let server = TestServer::start();
    let stream = connect_through(&server, "api.box.com:443").await;
    let tls = open_tls(stream, Some(&server.authority), "api.box.com").await;
    let answer = get(tls.expect("it is trusted"), "api.box.com", "/2.0/x").await;
    let answer = answer.expect("it ends well");
    let expected = "GET https api.box.com /2.0/x proxy=true\n";
    assert!(answer.ends_with(expected), "{answer}");
    let stream = connect_through(&server, "api.box.com:80").await;
    let answer = get(stream, "api.box.com", "/2.0/x").await;
    let answer = answer.expect("it ends well");
    let expected = "GET http api.box.com /2.0/x proxy=true\n";
    assert!(answer.ends_with(expected), "{answer}");
}

#[tokio::test]
async fn proxy_requests_are_accepted_over_tls() {
    let server = TestServer::start();
    let stream = server.connect().await;
    let tls = open_tls(stream, Some(&server.authority), "127.0.0.1").await;
    let mut tls = tls.expect("it is trusted");
    // As the oldest axios does: TLS to the proxy, then the absolute form.
    tls.write_all(
        b"GET https://api.box.com/2.0/x HTTP/1.1\r\nHost: api.box.com\r\nConnection: close\r\n\r\n",
    )
    .await
    .expect("it is sent");
    let mut answer = String::new();
    tls.read_to_string(&mut answer).await.expect("it ends well");
    let expected = "GET https api.box.com /2.0/x proxy=true\n";
    assert!(answer.ends_with(expected), "{answer}");
}

#[tokio::test]
async fn bytes_that_follow_connect_in_the_same_packet_are_not_lost() {
    let server = TestServer::start();
    let answer = server
        .exchange(
            "CONNECT api.box.com:443 HTTP/1.1\r\nHost: api.box.com:443\r\n\r\n\
             GET /x HTTP/1.1\r\nHost: upload.box.com\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with("GET http upload.box.com /x proxy=true\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn absolute_form_for_a_box_host_is_served_here() {
    let server = TestServer::start();
    let answer = server
        .exchange(
            "GET http://api.box.com/2.0/x?y=z HTTP/1.1\r\nHost: api.box.com\r\nConnection: close\r\n\r\n",
        )
        .await;
    let expected = "GET http api.box.com /2.0/x?y=z proxy=true\n";
    assert!(answer.ends_with(expected), "{answer}");
    // As older axios does: https in absolute form, in clear, and with a Host of its own.
    let answer = server
        .exchange(
            "GET https://api.box.com/2.0/x HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(
        answer.ends_with("GET https api.box.com /2.0/x proxy=true\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn absolute_form_for_the_server_itself_is_served_here() {
    let server = TestServer::start();
    let answer = server
        .exchange(format!(
            "GET http://localhost:{}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            server.address.port()
        ))
        .await;
    let expected = format!(
        "GET http localhost:{} /x proxy=true\n",
        server.address.port()
    );
    assert!(answer.ends_with(&expected), "{answer}");
}

#[tokio::test]
async fn another_host_keeps_its_own_certificate_through_the_tunnel() {
    let server = TestServer::start();
    let other = TestServer::start();
    let target = format!("localhost:{}", other.address.port());
    let stream = connect_through(&server, &target).await;
    let tls = open_tls(stream, Some(&other.authority), "localhost").await;
    let answer = get(tls.expect("it is the other's"), &target, "/x").await;
    let answer = answer.expect("it ends well");
    let expected = format!("GET https {target} /x proxy=false\n");
    assert!(answer.ends_with(&expected), "{answer}");
    let stream = connect_through(&server, &target).await;
    let ours = open_tls(stream, Some(&server.authority), "localhost").await;
    ours.expect_err("it is not this server's");
}

#[tokio::test]
async fn absolute_form_for_another_host_is_forwarded() {
    let server = TestServer::start();
    let other = TestServer::start();
    let answer = server
        .exchange(format!(
            "POST http://{}/length?x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
             Proxy-Connection: keep-alive\r\nConnection: close\r\n\r\nabcd",
            other.address
        ))
        .await;
    assert!(answer.ends_with("\r\n\r\n4"), "{answer}");
    let answer = server
        .exchange(format!(
            "GET http://{}/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            other.address
        ))
        .await;
    let expected = format!("GET http {} /x?y proxy=false\n", other.address);
    assert!(answer.ends_with(&expected), "{answer}");
}

#[tokio::test]
async fn no_egress_refuses_other_hosts_with_a_reason_and_a_report() {
    let server = TestServer::with(|options| options.egress = Egress::none());
    let answer = server
        .exchange(
            "CONNECT ml.example:443 HTTP/1.1\r\nHost: ml.example:443\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(
        answer.contains("skillctl: ml.example:443 is not a Box host"),
        "{answer}"
    );
    let head = answer.to_ascii_lowercase();
    assert!(
        head.contains("content-type: text/plain"),
        "Box's answers are JSON: {answer}"
    );
    let report = server.handler.report(ReportKind::EgressRefused).await;
    assert_eq!(report.host.as_deref(), Some("ml.example"));
    let answer = server
        .exchange(
            "GET http://ml.example/ HTTP/1.1\r\nHost: ml.example\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn no_egress_still_reaches_loopback() {
    let server = TestServer::with(|options| options.egress = Egress::none());
    let other = TestServer::start();
    let stream = connect_through(&server, &other.address.to_string()).await;
    let answer = get(stream, &other.address.to_string(), "/x").await;
    assert!(answer.is_ok_and(|answer| answer.ends_with("/x proxy=false\n")));
}

#[tokio::test]
async fn unreachable_host_is_a_502_with_a_report() {
    let server = TestServer::start();
    // Nothing can listen on port 1 of this machine without being root.
    let answer = server
        .exchange("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    server.handler.report(ReportKind::EgressFailed).await;
}

#[tokio::test]
async fn garbage_after_connect_gets_an_answer_and_a_report() {
    for garbage in ["\0\u{1}garbage\r\n\r\n", "NOT HTTP\r\n\r\n"] {
        let server = TestServer::start();
        let mut stream = server.connect().await;
        stream
            .write_all(b"CONNECT api.box.com:443 HTTP/1.1\r\nHost: api.box.com\r\n\r\n")
            .await
            .expect("it is sent");
        let opened = read_answer(&mut stream).await;
        assert!(opened.starts_with("HTTP/1.1 200 "), "{opened}");
        stream
            .write_all(garbage.as_bytes())
            .await
            .expect("it is sent");
        let answer = read_to_end(&mut stream).await.expect("no reset");
        assert!(answer.starts_with(b"HTTP/1.1 400 "));
        let report = server.handler.report(ReportKind::Malformed).await;
        assert_eq!(report.host.as_deref(), Some("api.box.com"));
    }
}

#[tokio::test]
async fn a_connect_that_names_nothing_is_malformed() {
    let server = TestServer::start();
    for target in ["example.org", "example.org:x", ":443", "/"] {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
    }
}

#[tokio::test]
async fn tunnels_in_tunnels_are_limited() {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    let mut opened = 0;
    loop {
        stream
            .write_all(b"CONNECT api.box.com:443 HTTP/1.1\r\nHost: api.box.com\r\n\r\n")
            .await
            .expect("it is sent");
        let answer = read_answer(&mut stream).await;
        if answer.starts_with("HTTP/1.1 400 ") {
            break;
        }
        opened += 1;
        assert!(opened < 10, "{answer}");
    }
    assert!(opened > 0);
}

#[tokio::test]
async fn other_hosts_are_reached_through_the_users_own_proxy() {
    // A proxy of the user's, which answers one CONNECT and then plays the host behind it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let theirs = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("the port comes");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.expect("a head"));
        }
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\nhello from behind")
            .await
            .expect("it is sent");
        String::from_utf8(asked).expect("text")
    });
    let environment = skillctl::env::Environment::from_variables([
        ("HTTPS_PROXY", format!("http://user:p%40ss@{address}")),
        ("NO_PROXY", "direct.example".to_owned()),
    ]);
    let server =
        TestServer::with(|options| options.egress = Egress::from_environment(&environment));
    let answer = server
        .exchange("CONNECT ml.example:443 HTTP/1.1\r\nHost: ml.example\r\n\r\n")
        .await;
    assert!(answer.ends_with("hello from behind"), "{answer}");
    let asked = theirs.await.expect("it ends");
    assert!(
        asked.starts_with("CONNECT ml.example:443 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("proxy-authorization: Basic dXNlcjpwQHNz\r\n"),
        "{asked}"
    );
}

#[tokio::test]
async fn proxy_variables_that_name_the_server_itself_are_ignored() {
    let server = TestServer::with_address(|options, address| {
        let environment = skillctl::env::Environment::from_variables([(
            "HTTPS_PROXY",
            format!("http://localhost:{}", address.port()),
        )]);
        options.egress = Egress::from_environment(&environment);
    });
    // A name below .invalid never has an address: through itself it would loop forever.
    let answer = server
        .exchange(
            "CONNECT ml.invalid:443 HTTP/1.1\r\nHost: ml.invalid\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let attempts = server.handler.reports().len();
    assert_eq!(attempts, 1, "{:?}", server.handler.reports());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_tunnel_to_another_host() {
    let server =
        TestServer::with(|options| options.timeouts.grace = std::time::Duration::from_hours(1));
    let other = TestServer::start();
    let mut stream = connect_through(&server, &other.address.to_string()).await;
    server.stop().await;
    assert_eq!(read_to_end(&mut stream).await.expect("no reset"), b"");
}
