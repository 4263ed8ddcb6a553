//! Root certificates: those of the system, and those in the files that the user's variables name.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls::pki_types::CertificateDer;

use super::Environment;

/// The variables in which users name certificates of their own for one client or another.
pub const VARIABLES: [&str; 5] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "DENO_CERT",
];

/// Where Unix systems keep the roots they trust.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Root certificates, and what could not be read.
#[derive(Debug, Default)]
pub struct Roots {
    /// The certificates: first the system's.
    pub certificates: Vec<CertificateDer<'static>>,
    /// A sentence for each file that could not be read, and for a system without roots.
    pub warnings: Vec<String>,
}

/// The files and folders that the user's variables name, each once.
pub fn named_by_user(environment: &Environment) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in VARIABLES.iter().filter_map(|name| environment.var(name)) {
        let path = PathBuf::from(path);
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

impl Roots {
    /// Reads the system's roots and the certificates in `named`: files, or folders of files. Takes some
    /// milliseconds: call it on a thread that may block.
    pub fn load(named: &[PathBuf]) -> Self {
        let mut roots = Self {
            certificates: system_roots(),
            warnings: Vec::new(),
        };
        if roots.certificates.is_empty() {
            roots.warnings.push(
                "this system has no root certificates: the skill will trust no host other than \
                 Box's (install ca-certificates, or name a bundle in SSL_CERT_FILE)"
                    .to_owned(),
            );
        }
        for path in named {
            match read(path) {
                Ok(certificates) => roots.certificates.extend(certificates),
                Err(error) => roots.warnings.push(format!(
                    "could not read the certificates in {}: {error}",
                    path.display()
                )),
            }
        }
        roots
    }
}

/// What the system trusts. Where `SSL_CERT_FILE` names a missing file, such as that of a run that is
/// over, the usual places are read.
fn system_roots() -> Vec<CertificateDer<'static>> {
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

/// The certificates in a bundle, or in all files of a folder, as OpenSSL and requests read them.
fn read(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    if !path.is_dir() {
        let mut loaded = rustls_native_certs::load_certs_from_paths(Some(path), None);
        return match loaded.errors.pop() {
            Some(error) if loaded.certs.is_empty() => Err(io::Error::other(error.to_string())),
            _ => Ok(loaded.certs),
        };
    }
    let mut files = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    // Such folders also hold broken links and revocation lists.
    let readable = files.iter().filter(|file| file.is_file());
    Ok(readable
        .flat_map(|file| read(file).unwrap_or_default())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The PEM of a certificate of its own for `name`.
    fn pem(name: &str) -> String {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]);
        made.expect("a certificate").cert.pem()
    }

    #[test]
    fn each_named_file_is_found_once() {
        let environment = Environment::from_variables([
            ("SSL_CERT_FILE", "/a.pem"),
            ("CURL_CA_BUNDLE", "/a.pem"),
            ("DENO_CERT", "/b.pem"),
            ("OTHER", "/c.pem"),
        ]);
        let expected = [PathBuf::from("/a.pem"), PathBuf::from("/b.pem")];
        assert_eq!(named_by_user(&environment), expected);
    }

    #[test]
    fn files_and_folders_are_read_and_the_unreadable_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let bundle = folder.path().join("bundle.pem");
        fs::write(&bundle, pem("a.example") + &pem("b.example")).expect("it is written");
        let many = folder.path().join("many");
        fs::create_dir(&many).expect("it is made");
        fs::write(many.join("c.pem"), pem("c.example")).expect("it is written");
        fs::write(many.join("notes.txt"), "no certificate").expect("it is written");
        let system = Roots::load(&[]).certificates.len();
        let roots = Roots::load(&[bundle, many, "/no/such/file.pem".into()]);
        assert_eq!(roots.certificates.len(), system + 3);
        let [warning] = &roots.warnings[..] else {
            panic!("one warning: {:?}", roots.warnings);
        };
        assert!(warning.contains("/no/such/file.pem"), "{warning}");
    }
}
