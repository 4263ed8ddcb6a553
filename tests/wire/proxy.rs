//! The port as a proxy: CONNECT and absolute form, for Box's hosts and for others.

use skillctl::server::{authority::Authority, egress::Egress, port::NoteKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Port, curl, read_answer, read_to_end, text};

fn write_ca(authority: &Authority) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.certificate_pem()).expect("it is written");
    let path = file.to_string_lossy().into_owned();
    (folder, path)
}

#[tokio::test]
async fn a_box_host_behind_connect_is_served_here_over_tls_and_in_clear() {
    let port = Port::start();
    let (_folder, ca) = write_ca(&port.authority);
    let proxy = port.url("");
    let secure = curl(&["--cacert", &ca, "-x", &proxy, "https://api.box.com/2.0/x"]).await;
    assert_eq!(text(&secure), "GET https api.box.com /2.0/x proxy=true\n");
    let clear = curl(&["-p", "-x", &proxy, "http://api.box.com/2.0/x"]).await;
    assert_eq!(text(&clear), "GET http api.box.com /2.0/x proxy=true\n");
}

#[tokio::test]
async fn bytes_that_follow_connect_in_the_same_packet_are_not_lost() {
    let port = Port::start();
    let answer = port
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
    let port = Port::start();
    let proxy = port.url("");
    let output = curl(&["-x", &proxy, "http://api.box.com/2.0/x?y=z"]).await;
    assert_eq!(
        text(&output),
        "GET http api.box.com /2.0/x?y=z proxy=true\n"
    );
    // As older axios does: https in absolute form, in clear, and with a Host of its own.
    let answer = port
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
async fn absolute_form_for_the_port_itself_is_served_here() {
    let port = Port::start();
    let answer = port
        .exchange(format!(
            "GET http://localhost:{}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            port.address.port()
        ))
        .await;
    let expected = format!("GET http localhost:{} /x proxy=true\n", port.address.port());
    assert!(answer.ends_with(&expected), "{answer}");
}

#[tokio::test]
async fn another_host_keeps_its_own_certificate_through_the_tunnel() {
    let port = Port::start();
    let other = Port::start();
    let (_folder, others_ca) = write_ca(&other.authority);
    let url = format!("https://localhost:{}/x", other.address.port());
    let output = curl(&[
        "--cacert",
        &others_ca,
        "--noproxy",
        "",
        "-x",
        &port.url(""),
        &url,
    ])
    .await;
    let expected = format!(
        "GET https localhost:{} /x proxy=false\n",
        other.address.port()
    );
    assert_eq!(text(&output), expected);
}

#[tokio::test]
async fn absolute_form_for_another_host_is_forwarded() {
    let port = Port::start();
    let other = Port::start();
    let proxy = port.url("");
    let arguments = ["--noproxy", "", "-x", &proxy, "--data-binary", "abcd"];
    let output = curl(&[&arguments[..], &[&other.url("/length")]].concat()).await;
    assert_eq!(text(&output), "4");
    let output = curl(&[&arguments[..], &[&other.url("/x?y")]].concat()).await;
    let expected = format!("POST http {} /x?y proxy=false\n", other.address);
    assert_eq!(text(&output), expected);
}

#[tokio::test]
async fn no_egress_refuses_other_hosts_with_a_reason_and_a_note() {
    let port = Port::with(|options| options.egress = Egress::none());
    let answer = port
        .exchange(
            "CONNECT ml.example:443 HTTP/1.1\r\nHost: ml.example:443\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(
        answer.contains("refused: ml.example:443 is not a host of Box's"),
        "{answer}"
    );
    let note = port.handler.note(NoteKind::EgressRefused).await;
    assert_eq!(note.host.as_deref(), Some("ml.example"));
    let answer = port
        .exchange(
            "GET http://ml.example/ HTTP/1.1\r\nHost: ml.example\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn no_egress_still_leads_to_loopback() {
    let port = Port::with(|options| options.egress = Egress::none());
    let other = Port::start();
    let output = curl(&["--noproxy", "", "-p", "-x", &port.url(""), &other.url("/x")]).await;
    let expected = format!("GET http {} /x proxy=false\n", other.address);
    assert_eq!(text(&output), expected);
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_a_502_with_a_note() {
    let port = Port::start();
    // Nothing can listen on port 1 of this machine without being root.
    let answer = port
        .exchange("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    port.handler.note(NoteKind::EgressFailed).await;
}

#[tokio::test]
async fn garbage_after_connect_gets_an_answer_and_a_note() {
    for garbage in ["\0\u{1}garbage\r\n\r\n", "NOT HTTP\r\n\r\n"] {
        let port = Port::start();
        let mut stream = port.connect().await;
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
        let note = port.handler.note(NoteKind::Malformed).await;
        assert_eq!(note.host.as_deref(), Some("api.box.com"));
    }
}

#[tokio::test]
async fn a_connect_that_names_nothing_is_malformed() {
    let port = Port::start();
    for target in ["example.org", "example.org:x", ":443", "/"] {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = port.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
    }
}

#[tokio::test]
async fn tunnels_in_tunnels_come_to_an_end() {
    let port = Port::start();
    let mut stream = port.connect().await;
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
async fn the_users_own_proxy_leads_to_other_hosts() {
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
    let environment = skillctl::env::Environment::of([
        ("HTTPS_PROXY", format!("http://user:p%40ss@{address}")),
        ("NO_PROXY", "direct.example".to_owned()),
    ]);
    let port = Port::with(|options| options.egress = Egress::of(&environment));
    let answer = port
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
