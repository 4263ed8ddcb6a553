//! The authority that is kept in a folder: who may have put it there, who may have read its key,
//! and what a thief of its key could do.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use skillctl::server::certificate_authority::CertificateAuthority;

fn kept(folder: &Path) -> Result<CertificateAuthority, String> {
    CertificateAuthority::kept_in(folder, Timestamp::now()).map_err(|error| error.to_string())
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is set");
}

#[test]
fn a_folder_that_others_may_write_to_keeps_no_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    for open in [0o777, 0o770, 0o702] {
        mode(folder.path(), open);
        let refused = kept(folder.path()).expect_err("it is refused");
        assert!(
            refused.contains("others can write to the folder"),
            "{refused}"
        );
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
    // A link points at the same folder, and is refused too.
    let link = folder.path().with_extension("link");
    std::os::unix::fs::symlink(folder.path(), &link).expect("a link");
    let refused = kept(&link);
    fs::remove_file(&link).expect("it goes");
    refused.expect_err("it is refused");
    mode(folder.path(), 0o755);
    kept(folder.path()).expect("it is the user's alone to write");
}

#[test]
fn a_folder_that_is_made_for_it_is_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("a/b");
    kept(&made).expect("it is kept");
    for (path, wanted) in [(made.clone(), 0o700), (made.join("authority.pem"), 0o600)] {
        let about = fs::metadata(&path).expect("it is there");
        assert_eq!(
            about.permissions().mode() & 0o777,
            wanted,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_key_that_others_could_read_or_that_is_elsewhere_is_not_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("authority.pem");
    let pem = || {
        let authority = kept(folder.path()).expect("it is kept");
        authority.certificate_pem().to_owned()
    };
    let first = pem();
    assert_eq!(pem(), first);
    mode(&whole, 0o640);
    let second = pem();
    assert_ne!(second, first);
    let elsewhere = folder.path().join("elsewhere.pem");
    fs::rename(&whole, &elsewhere).expect("it moves");
    std::os::unix::fs::symlink(&elsewhere, &whole).expect("a link");
    assert_ne!(pem(), second);
    let about = fs::symlink_metadata(&whole).expect("it is there");
    assert!(about.is_file() && about.permissions().mode() & 0o777 == 0o600);
}

#[test]
fn stolen_key_signs_only_for_hosts_of_box_and_this_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = kept(folder.path()).expect("it is kept");
    let text = fs::read_to_string(folder.path().join("authority.pem")).expect("it is there");
    let key = text.find("-----BEGIN PRIVATE KEY-----").expect("a key");
    let key = KeyPair::from_pem(&text[key..]).expect("a key");
    let mut names = CertificateParams::default();
    names
        .distinguished_name
        .push(DnType::CommonName, "skillctl mock-box authority");
    names.distinguished_name.push(
        DnType::OrganizationName,
        "made on this machine, for this machine",
    );
    let thief = Issuer::new(names, key);

    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes());
    roots.add(root.expect("PEM")).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.build().expect("a verifier");
    let is_trusted = |name: &str| {
        let leaf = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let leaf = params.signed_by(&leaf, &thief).expect("it is signed");
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        verifier
            .verify_server_cert(leaf.der(), &[], &name, &[], UnixTime::now())
            .is_ok()
    };
    for name in ["api.box.com", "dl.boxcloud.com", "localhost", "127.0.0.1"] {
        assert!(is_trusted(name), "{name}");
    }
    for name in [
        "example.org",
        "notbox.com",
        "box.com.example.org",
        "192.168.1.5",
        "127.0.0.2",
    ] {
        assert!(!is_trusted(name), "{name}");
    }
}
