//! TLS on the same port: certificates for the name that the client sends, constrained.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use skillctl::server::{certificate_authority::CertificateAuthority, handler::ReportKind};
use tokio::io::AsyncWriteExt;

use crate::support::{TestServer, get, open_tls, read_to_end};

#[tokio::test]
async fn every_box_host_gets_a_certificate_of_its_own_name() {
    let server = TestServer::start();
    for host in [
        "api.box.com",
        "upload.box.com",
        "account.box.com",
        "dl.boxcloud.com",
        "public.boxcloud.com",
        "a.b.boxcloud.com",
        "localhost",
    ] {
        let stream = server.connect().await;
        let tls = open_tls(stream, Some(&server.authority), host).await;
        let answer = get(tls.expect("it is trusted"), host, "/x").await;
        let answer = answer.expect("it ends well");
        let expected = format!("GET https {host} /x proxy=false\n");
        assert!(answer.ends_with(&expected), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_names_no_host_gets_a_certificate_for_the_address() {
    let server = TestServer::start();
    for name in ["127.0.0.1", "::1"] {
        let stream = server.connect().await;
        let tls = open_tls(stream, Some(&server.authority), name).await;
        let answer = get(tls.expect("it is trusted"), "127.0.0.1:1", "/x").await;
        let answer = answer.expect("it ends well");
        let expected = "GET https 127.0.0.1:1 /x proxy=false\n";
        assert!(answer.ends_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn client_that_does_not_trust_the_authority_is_reported_with_the_reason() {
    let server = TestServer::start();
    let stream = server.connect().await;
    let refused = open_tls(stream, None, "api.box.com").await;
    refused.expect_err("it is not trusted");
    let report = server.handler.report(ReportKind::TlsFailed).await;
    assert_eq!(report.host.as_deref(), Some("api.box.com"));
    assert!(report.text.contains("does not trust"), "{}", report.text);
}

#[tokio::test]
async fn no_certificate_is_made_for_a_host_that_is_not_boxs() {
    let server = TestServer::start();
    let stream = server.connect().await;
    let refused = open_tls(stream, Some(&server.authority), "example.org").await;
    refused.expect_err("there is none");
    let report = server.handler.report(ReportKind::TlsFailed).await;
    assert_eq!(report.host.as_deref(), Some("example.org"));
    assert!(report.text.contains("not a Box host"), "{}", report.text);
}

#[tokio::test]
async fn half_open_handshake_times_out_and_is_reported() {
    let server = TestServer::with(|options| options.timeouts.head = Duration::from_millis(100));
    let mut stream = server.connect().await;
    stream
        .write_all(&[0x16, 3, 1, 0x02, 0x00, 1, 0])
        .await
        .expect("it is sent");
    let report = server.handler.report(ReportKind::TimedOut).await;
    assert!(report.text.contains("TLS handshake"), "{}", report.text);
    // Nothing was left to say to it.
    let _ = read_to_end(&mut stream).await;
}

#[tokio::test]
async fn broken_and_garbled_handshakes_are_reported() {
    let server = TestServer::start();
    let mut stream = server.connect().await;
    stream
        .write_all(&[0x16, 3, 1, 0x02, 0x00, 1, 0])
        .await
        .expect("it is sent");
    drop(stream);
    let report = server.handler.report(ReportKind::TlsFailed).await;
    assert!(
        report.text.contains("ended the TLS handshake"),
        "{}",
        report.text
    );

    let server = TestServer::start();
    let mut stream = server.connect().await;
    stream
        .write_all(&[0x16, 9, 9, 0, 4, 255, 255, 255, 255])
        .await
        .expect("it is sent");
    server.handler.report(ReportKind::TlsFailed).await;
    let _ = read_to_end(&mut stream).await;
}

#[test]
fn a_kept_authority_is_the_same_until_it_nears_its_end() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("ca");
    let now = Timestamp::now();
    let days = |days: i64| now + SignedDuration::from_hours(days * 24);
    let at = |when| CertificateAuthority::kept_in(&kept, when).expect("it is kept");
    let first = at(now).certificate_pem().to_owned();
    assert_eq!(at(days(28)).certificate_pem(), first);
    let mode = |name: &str| {
        let file = std::fs::metadata(kept.join(name)).expect("it is there");
        file.permissions().mode() & 0o777
    };
    assert_eq!(mode("authority.pem"), 0o600);
    let public = std::fs::read_to_string(kept.join("ca.pem")).expect("it is there");
    assert_eq!(public, first);
    assert!(!public.contains("PRIVATE"));
    assert_ne!(at(days(30)).certificate_pem(), first);
    std::fs::write(kept.join("authority.pem"), "not one of ours").expect("it is written");
    assert_ne!(at(now).certificate_pem(), first);
}

#[tokio::test]
async fn a_kept_authority_is_trusted_over_a_restart() {
    use std::sync::Arc;
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || {
        Arc::new(
            CertificateAuthority::kept_in(folder.path(), Timestamp::now()).expect("it is kept"),
        )
    };
    let first = kept();
    let server = TestServer::with(|options| options.certificates = kept());
    let stream = server.connect().await;
    let tls = open_tls(stream, Some(&first), "api.box.com").await;
    let answer = get(tls.expect("it is trusted"), "api.box.com", "/x").await;
    assert!(answer.is_ok_and(|answer| answer.ends_with("/x proxy=false\n")));
}
