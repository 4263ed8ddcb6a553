//! The private folder of one run: the certificate of the mock's authority, a bundle of it with all
//! that the system and the user trust, and the preload for Node. It is removed with its owner.

use std::{
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::env::{Environment, folder::PrivateFolder};

/// The variables by which users name certificates of their own, and by which clients are given
/// ours.
const NAMED_BY_USERS: [&str; 5] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "DENO_CERT",
];

/// The preload, with a place for the address of the mock.
const PRELOAD: &str = include_str!("preload.cjs");
/// That place.
const PRELOAD_ADDRESS: &str = "{ host: '127.0.0.1', port: 7269 }";

/// How the names of run folders begin.
const PREFIX: &str = "skillctl-run-";
/// The names of the files in one.
const CA: &str = "ca.pem";
const BUNDLE: &str = "bundle.pem";
const PRELOAD_FILE: &str = "preload.cjs";

/// Where Unix systems keep the roots they trust.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whether `path` is a file of a run folder, of this run or of one that may be over: a shell may
/// still have the variables that name it.
pub(super) fn is_of_a_run(path: &Path) -> bool {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let in_run_folder = path
        .parent()
        .and_then(name)
        .is_some_and(|folder| folder.starts_with("skillctl-"));
    let ours = [CA, BUNDLE, PRELOAD_FILE];
    in_run_folder && name(path).is_some_and(|name| ours.contains(&name.as_str()))
}

/// Where the files are with which a program reaches and trusts the mock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustFiles {
    /// The authority's certificate alone.
    pub ca: PathBuf,
    /// It, the system's roots, and what the user's own variables named.
    pub bundle: PathBuf,
    /// The script that Node loads first.
    pub preload: PathBuf,
}

/// A folder with the files of [`TrustFiles`], removed when it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    folder: PrivateFolder,
    /// What the user should know: a file of theirs that could not be read, a system without roots.
    pub warnings: Vec<String>,
}

impl RunFolder {
    /// Makes the folder and writes its files. Reads the system's roots, which takes some
    /// milliseconds: call it on a thread that may block.
    ///
    /// `mock` is where the mock listens, and `certificate` its authority's certificate in PEM.
    pub fn create(
        mock: SocketAddr,
        certificate: &str,
        environment: &Environment,
    ) -> io::Result<Self> {
        let folder = PrivateFolder::new(PREFIX)?;
        let mut run = Self {
            folder,
            warnings: Vec::new(),
        };
        let files = run.files();
        fs::write(&files.ca, certificate)?;
        fs::write(&files.preload, preload(mock))?;
        let bundle = run.bundle(certificate, environment);
        fs::write(&files.bundle, bundle)?;
        Ok(run)
    }

    /// Where the files lie.
    pub fn files(&self) -> TrustFiles {
        let file = |name: &str| self.folder.path().join(name);
        TrustFiles {
            ca: file(CA),
            bundle: file(BUNDLE),
            preload: file(PRELOAD_FILE),
        }
    }

    /// The folder itself, for further files of the run.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn bundle(&mut self, certificate: &str, environment: &Environment) -> String {
        let mut bundle = String::new();
        let roots = system_roots();
        if roots.is_empty() {
            self.warnings.push(
                "this system has no root certificates: what the skill calls beside Box will not \
                 be trusted (install ca-certificates, or name a bundle in SSL_CERT_FILE)"
                    .to_owned(),
            );
        }
        for root in &roots {
            push_pem(&mut bundle, root);
        }
        let mut seen: Vec<&str> = Vec::new();
        for named in NAMED_BY_USERS
            .iter()
            .filter_map(|name| environment.var(name))
        {
            if seen.contains(&named) || is_of_a_run(Path::new(named)) {
                continue;
            }
            seen.push(named);
            match read_certificates(Path::new(named)) {
                Ok(text) => push_text(&mut bundle, &text),
                Err(error) => self.warnings.push(format!(
                    "could not read the certificates in {named}: {error}"
                )),
            }
        }
        push_text(&mut bundle, certificate);
        bundle
    }
}

/// What the system trusts. Where `SSL_CERT_FILE` names a file that is gone (of a run that is
/// over), the places where systems keep their bundles are looked at.
fn system_roots() -> Vec<rustls::pki_types::CertificateDer<'static>> {
    let own = rustls_native_certs::load_native_certs().certs;
    if !own.is_empty() {
        return own;
    }
    SYSTEM_BUNDLES
        .iter()
        .map(|path| rustls_native_certs::load_certs_from_paths(Some(Path::new(path)), None).certs)
        .find(|certs| !certs.is_empty())
        .unwrap_or_default()
}

/// The preload for `mock`.
fn preload(mock: SocketAddr) -> String {
    let address = format!("{{ host: '{}', port: {} }}", mock.ip(), mock.port());
    PRELOAD.replacen(PRELOAD_ADDRESS, &address, 1)
}

fn push_text(bundle: &mut String, text: &str) {
    bundle.push_str(text);
    if !text.ends_with('\n') {
        bundle.push('\n');
    }
}

fn push_pem(bundle: &mut String, der: &[u8]) {
    const COLUMNS: usize = 64;
    bundle.push_str("-----BEGIN CERTIFICATE-----\n");
    let text = STANDARD.encode(der);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, further) = rest.split_at(rest.len().min(COLUMNS));
        // Writing to a string cannot fail.
        let _ = writeln!(bundle, "{line}");
        rest = further;
    }
    bundle.push_str("-----END CERTIFICATE-----\n");
}

/// The text of a bundle, or of all files of a folder of certificates (as OpenSSL and requests
/// take them).
fn read_certificates(path: &Path) -> io::Result<String> {
    if !path.is_dir() {
        return fs::read_to_string(path);
    }
    let mut files = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    let mut text = String::new();
    for file in files.iter().filter(|file| file.is_file()) {
        // Folders of certificates also hold links to nowhere and lists of what is revoked.
        if let Ok(one) = fs::read_to_string(file)
            && one.contains("-----BEGIN CERTIFICATE-----")
        {
            push_text(&mut text, &one);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const OURS: &str = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n";

    fn mock() -> SocketAddr {
        ([127, 0, 0, 1], 4321).into()
    }

    #[test]
    fn the_folder_is_private_and_goes_away() {
        let environment = Environment::from_variables([("A", "b")]);
        let run = RunFolder::create(mock(), OURS, &environment).expect("it is made");
        let path = run.path().to_owned();
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        let ca = fs::read_to_string(run.files().ca).expect("it is there");
        assert_eq!(ca, OURS);
        drop(run);
        assert!(!path.exists());
    }

    #[test]
    fn the_bundle_holds_what_the_users_variables_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let theirs = folder.path().join("theirs.pem");
        fs::write(&theirs, "their certificate").expect("it is written");
        let many = folder.path().join("many");
        fs::create_dir(&many).expect("it is made");
        fs::write(many.join("a.pem"), OURS.replace("ours", "one of many")).expect("it is written");
        fs::write(many.join("notes.txt"), "no certificate").expect("it is written");
        let environment = Environment::from_variables([
            ("NODE_EXTRA_CA_CERTS", theirs.to_string_lossy()),
            ("CURL_CA_BUNDLE", theirs.to_string_lossy()),
            ("REQUESTS_CA_BUNDLE", many.to_string_lossy()),
            ("DENO_CERT", "/no/such/file.pem".into()),
        ]);
        let run = RunFolder::create(mock(), OURS, &environment).expect("it is made");
        let bundle = fs::read_to_string(run.files().bundle).expect("it is there");
        assert_eq!(bundle.matches("their certificate\n").count(), 1);
        assert!(bundle.contains("one of many"));
        assert!(!bundle.contains("no certificate"));
        assert!(bundle.ends_with(OURS));
        let warned = run
            .warnings
            .iter()
            .any(|text| text.contains("/no/such/file.pem"));
        assert!(warned, "{:?}", run.warnings);
    }

    #[test]
    fn files_of_another_run_are_known_and_left_out() {
        let environment = Environment::from_variables([("A", "b")]);
        let other = RunFolder::create(mock(), OURS, &environment)
            .expect("it is made")
            .files();
        for file in [&other.ca, &other.bundle, &other.preload] {
            assert!(is_of_a_run(file), "{}", file.display());
        }
        assert!(!is_of_a_run(Path::new("/etc/ssl/ca.pem")));
        assert!(!is_of_a_run(Path::new("/tmp/skillctl-x/theirs.pem")));
        let environment =
            Environment::from_variables([("NODE_EXTRA_CA_CERTS", other.ca.to_string_lossy())]);
        let run = RunFolder::create(mock(), OURS, &environment).expect("it is made");
        let warnings = &run.warnings;
        let about_it = warnings.iter().any(|text| text.contains("could not read"));
        assert!(!about_it, "{warnings:?}");
    }

    #[test]
    fn the_preload_names_the_mock() {
        assert_eq!(PRELOAD.matches(PRELOAD_ADDRESS).count(), 1);
        assert!(preload(mock()).contains("{ host: '127.0.0.1', port: 4321 }"));
    }

    #[test]
    fn pem_is_broken_into_lines() {
        let mut text = String::new();
        push_pem(&mut text, &[0; 100]);
        assert!(text.lines().all(|line| line.len() <= 64));
        assert!(text.contains("AAAA"));
    }
}
