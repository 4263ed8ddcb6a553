//! TLS on the same port: certificates by the name that is asked for, constrained.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use skillctl::server::{authority::Authority, port::NoteKind};
use tokio::io::AsyncWriteExt;

use crate::support::{Port, curl, read_to_end, text};

fn ca(port: &Port) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, port.authority.certificate_pem()).expect("it is written");
    let path = file.to_string_lossy().into_owned();
    (folder, path)
}

#[tokio::test]
async fn every_box_host_gets_a_certificate_of_its_own_name() {
    let port = Port::start();
    let (_folder, ca) = ca(&port);
    for host in [
        "api.box.com",
        "upload.box.com",
        "account.box.com",
        "dl.boxcloud.com",
        "public.boxcloud.com",
        "a.b.boxcloud.com",
        "localhost",
    ] {
        let to = format!("{host}:443:{}", port.address);
        let url = format!("https://{host}/x");
        let output = curl(&["--cacert", &ca, "--connect-to", &to, &url]).await;
        assert_eq!(text(&output), format!("GET https {host} /x proxy=false\n"));
    }
}

#[tokio::test]
async fn a_client_that_names_no_host_gets_a_certificate_for_the_address() {
    let port = Port::start();
    let (_folder, ca) = ca(&port);
    let url = format!("https://{}/x", port.address);
    let output = curl(&["--cacert", &ca, &url]).await;
    let expected = format!("GET https {} /x proxy=false\n", port.address);
    assert_eq!(text(&output), expected);
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_is_noted_with_the_reason() {
    let port = Port::start();
    let to = format!("api.box.com:443:{}", port.address);
    let output = curl(&["--connect-to", &to, "https://api.box.com/"]).await;
    assert!(!output.status.success());
    let note = port.handler.note(NoteKind::TlsFailed).await;
    assert_eq!(note.host.as_deref(), Some("api.box.com"));
    assert!(note.text.contains("does not trust"), "{}", note.text);
}

#[tokio::test]
async fn no_certificate_is_made_for_a_host_that_is_not_boxs() {
    let port = Port::start();
    let (_folder, ca) = ca(&port);
    let to = format!("example.org:443:{}", port.address);
    let output = curl(&["--cacert", &ca, "--connect-to", &to, "https://example.org/"]).await;
    assert!(!output.status.success());
    let note = port.handler.note(NoteKind::TlsFailed).await;
    assert_eq!(note.host.as_deref(), Some("example.org"));
    assert!(note.text.contains("not a host of Box's"), "{}", note.text);
}

#[tokio::test]
async fn a_half_open_handshake_is_given_up_and_noted() {
    let port = Port::with(|options| options.timeouts.head = Duration::from_millis(100));
    let mut stream = port.connect().await;
    stream
        .write_all(&[0x16, 3, 1, 0x02, 0x00, 1, 0])
        .await
        .expect("it is sent");
    let note = port.handler.note(NoteKind::TimedOut).await;
    assert!(note.text.contains("TLS handshake"), "{}", note.text);
    // Nothing was left to say to it.
    let _ = read_to_end(&mut stream).await;
}

#[tokio::test]
async fn a_broken_off_and_a_garbled_handshake_are_noted() {
    let port = Port::start();
    let mut stream = port.connect().await;
    stream
        .write_all(&[0x16, 3, 1, 0x02, 0x00, 1, 0])
        .await
        .expect("it is sent");
    drop(stream);
    let note = port.handler.note(NoteKind::TlsFailed).await;
    assert!(note.text.contains("broke"), "{}", note.text);

    let port = Port::start();
    let mut stream = port.connect().await;
    stream
        .write_all(&[0x16, 9, 9, 0, 4, 255, 255, 255, 255])
        .await
        .expect("it is sent");
    port.handler.note(NoteKind::TlsFailed).await;
    let _ = read_to_end(&mut stream).await;
}

#[test]
fn a_kept_authority_is_the_same_until_it_nears_its_end() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("ca");
    let now = Timestamp::now();
    let days = |days: i64| now + SignedDuration::from_hours(days * 24);
    let at = |when| Authority::kept_in(&kept, when).expect("it is kept");
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
    let kept =
        || Arc::new(Authority::kept_in(folder.path(), Timestamp::now()).expect("it is kept"));
    kept();
    let port = Port::with(|options| options.authority = kept());
    let ca = folder.path().join("ca.pem");
    let to = format!("api.box.com:443:{}", port.address);
    let output = curl(&[
        "--cacert",
        &ca.to_string_lossy(),
        "--connect-to",
        &to,
        "https://api.box.com/x",
    ])
    .await;
    assert_eq!(text(&output), "GET https api.box.com /x proxy=false\n");
}
