//! The private folder of one run: the certificate of the mock's authority, a bundle of it with all that
//! the system and the user trust, the same as a trust store for the JVM, the scripts that Node, Python
//! and Ruby load first, and what these scripts read. It is removed with its owner.

use std::{
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{
    own::{RUN_PREFIX, own_environment},
    trust_store::trust_store,
};
use crate::env::{
    Environment,
    certificates::{Roots, named_by_user},
    folder::PrivateFolder,
};

const CA: &str = "ca.pem";
const BUNDLE: &str = "bundle.pem";
const TRUST_STORE: &str = "trust-store.p12";
/// What the scripts read: a name, `=` and a value a line.
const SETTINGS: &str = "interception.conf";

/// The line of it that says that the mock answers for all hosts.
const ALL_HOSTS: &str = "hosts=all";

/// The scripts, by their paths below [`RunFiles::scripts`].
pub(super) const SCRIPTS: [(&str, &str); 3] = [
    (NODE_SCRIPT, include_str!("preload.cjs")),
    (
        "python/sitecustomize.py",
        include_str!("python/sitecustomize.py"),
    ),
    (
        "ruby/skillctl_interception.rb",
        include_str!("ruby/skillctl_interception.rb"),
    ),
];
const NODE_SCRIPT: &str = "preload.cjs";

/// Where the files are with which a program reaches and trusts the mock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    /// The run folder.
    pub folder: PathBuf,
    /// The folder of the scripts that Node, Python and Ruby load first.
    pub scripts: PathBuf,
    /// The trust store for the JVM.
    pub trust_store: PathBuf,
    /// Whether the mock answers for all hosts: then no host of the user's bypasses the proxy.
    pub has_all_hosts: bool,
}

impl RunFiles {
    fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            scripts: folder.to_owned(),
            trust_store: folder.join(TRUST_STORE),
            has_all_hosts: fs::read_to_string(folder.join(SETTINGS))
                .is_ok_and(|settings| settings.lines().any(|line| line == ALL_HOSTS)),
        }
    }

    /// The files of a mock in another process, which reports the path of its certificate. `None` where
    /// they are not on this machine.
    pub fn next_to(ca: &Path) -> Option<Self> {
        let folder = ca.parent()?;
        let is_here = ca.exists() && folder.join(SETTINGS).exists();
        is_here.then(|| Self::in_folder(folder))
    }

    /// The authority's certificate alone.
    pub fn ca(&self) -> PathBuf {
        self.folder.join(CA)
    }

    /// The authority's certificate, the system's roots, and what the user's own variables named.
    pub fn bundle(&self) -> PathBuf {
        self.folder.join(BUNDLE)
    }

    /// The script for Node.
    pub(super) fn node_script(&self) -> PathBuf {
        self.scripts.join(NODE_SCRIPT)
    }

    /// The folder with the script for Python.
    pub(super) fn python_path(&self) -> PathBuf {
        self.scripts.join("python")
    }

    /// The folder with the script for Ruby.
    pub(super) fn ruby_path(&self) -> PathBuf {
        self.scripts.join("ruby")
    }
}

/// What a run folder is made for.
#[derive(Clone, Copy, Debug)]
pub struct RunSettings<'a> {
    /// Where the mock listens.
    pub mock: SocketAddr,
    /// The certificate of its authority, in PEM.
    pub certificate: &'a str,
    /// How programs reach hosts that are neither Box's nor this machine.
    pub reach: Reach,
}

/// How programs reach hosts that are neither Box's nor this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// As without skillctl.
    Direct,
    /// Not at all.
    NoOther,
    /// Through the mock, which records or forwards their calls.
    ThroughMock,
    /// The mock answers for them, and nothing leaves this machine.
    MockAlone,
}

/// A folder with the files of [`RunFiles`], removed on drop.
#[derive(Debug)]
pub struct RunFolder {
    folder: PrivateFolder,
    /// Files of the user that could not be read, and a system without roots, in a sentence each.
    pub warnings: Vec<String>,
}

impl RunFolder {
    /// Makes the folder and writes its files. Reads the system's roots, which takes some milliseconds:
    /// call it on a thread that may block.
    ///
    /// # Errors
    /// The system's error.
    pub fn create(settings: &RunSettings<'_>, environment: &Environment) -> io::Result<Self> {
        let folder = PrivateFolder::new(RUN_PREFIX)?;
        let files = RunFiles::in_folder(folder.path());
        let named = named_by_user(&own_environment(environment));
        let Roots {
            mut certificates,
            warnings,
        } = Roots::load(&named);
        let own = CertificateDer::from_pem_slice(settings.certificate.as_bytes())
            .map_err(io::Error::other)?;
        certificates.push(own);
        fs::write(files.ca(), settings.certificate)?;
        fs::write(files.bundle(), pem(&certificates))?;
        fs::write(&files.trust_store, trust_store(&certificates))?;
        for (path, script) in SCRIPTS {
            write_below(&files.scripts, path, script.as_bytes())?;
        }
        fs::write(
            files.folder.join(SETTINGS),
            script_settings(settings, &files)?,
        )?;
        Ok(Self { folder, warnings })
    }

    /// Where the files are.
    pub fn files(&self) -> RunFiles {
        RunFiles::in_folder(self.folder.path())
    }

    /// The folder itself, for further files of the run.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Writes a file at a path with folders.
pub(super) fn write_below(folder: &Path, path: &str, content: &[u8]) -> io::Result<()> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)
}

/// The text of the file that the scripts read.
fn script_settings(settings: &RunSettings<'_>, files: &RunFiles) -> io::Result<String> {
    let bundle = files.bundle();
    let bundle = bundle
        .to_str()
        .filter(|path| !path.contains('\n'))
        .ok_or_else(|| io::Error::other("the folder for temporary files has an unusable name"))?;
    let (hosts, egress) = match settings.reach {
        Reach::Direct => ("box", "on"),
        Reach::NoOther => ("box", "off"),
        Reach::ThroughMock => ("all", "on"),
        Reach::MockAlone => ("all", "off"),
    };
    let (host, port) = (settings.mock.ip(), settings.mock.port());
    Ok(format!(
        "host={host}\nport={port}\nhosts={hosts}\negress={egress}\nbundle={bundle}\n"
    ))
}

fn pem(certificates: &[CertificateDer<'_>]) -> String {
    const COLUMNS: usize = 64;
    let mut text = String::new();
    for der in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(der);
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, further) = rest.split_at(rest.len().min(COLUMNS));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
            rest = further;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn certificate(name: &str) -> String {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]);
        made.expect("a certificate").cert.pem()
    }

    fn create(certificate: &str, no_egress: bool, environment: &Environment) -> RunFolder {
        let settings = RunSettings {
            mock: ([127, 0, 0, 1], 4321).into(),
            certificate,
            reach: if no_egress {
                Reach::NoOther
            } else {
                Reach::Direct
            },
        };
        RunFolder::create(&settings, environment).expect("it is made")
    }

    fn no_variables() -> Environment {
        Environment::from_variables([("A", "b")])
    }

    #[test]
    fn the_folder_is_private_and_goes_away() {
        let ours = certificate("ours");
        let run = create(&ours, false, &no_variables());
        let path = run.path().to_owned();
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        let ca = fs::read_to_string(run.files().ca()).expect("it is there");
        assert_eq!(ca, ours);
        for (script, _) in SCRIPTS {
            assert!(path.join(script).is_file(), "{script}");
        }
        drop(run);
        assert!(!path.exists());
    }

    #[test]
    fn the_bundle_and_the_trust_store_hold_what_the_users_variables_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let theirs = folder.path().join("theirs.pem");
        fs::write(&theirs, certificate("theirs")).expect("it is written");
        let environment = Environment::from_variables([
            ("NODE_EXTRA_CA_CERTS", theirs.to_string_lossy()),
            ("DENO_CERT", "/no/such/file.pem".into()),
        ]);
        let ours = certificate("ours");
        let run = create(&ours, false, &environment);
        let bundle = fs::read(run.files().bundle()).expect("it is there");
        let store = fs::read(run.files().trust_store).expect("it is there");
        let in_bundle: Vec<_> = CertificateDer::pem_slice_iter(&bundle)
            .map(|der| der.expect("a certificate"))
            .collect();
        for pem in [fs::read_to_string(&theirs).expect("it is there"), ours] {
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
            assert!(in_bundle.contains(&der));
            assert!(store.windows(der.len()).any(|part| part == &*der));
        }
        let [warning] = &run.warnings[..] else {
            panic!("one warning: {:?}", run.warnings);
        };
        assert!(warning.contains("/no/such/file.pem"), "{warning}");
    }

    #[test]
    fn the_files_of_another_run_are_not_added() {
        let other = create(&certificate("other"), false, &no_variables());
        let ca = other.files().ca();
        let environment = Environment::from_variables([
            ("BOX_API_BASE_URL", "http://127.0.0.1:7269".into()),
            ("SKILLCTL_BOX", "http://127.0.0.1:7269".into()),
            ("NODE_EXTRA_CA_CERTS", ca.to_string_lossy()),
        ]);
        let run = create(&certificate("ours"), false, &environment);
        let bundle = fs::read_to_string(run.files().bundle()).expect("it is there");
        let without = create(&certificate("ours"), false, &no_variables());
        let same = fs::read_to_string(without.files().bundle()).expect("it is there");
        let count = |text: &str| text.matches("BEGIN").count();
        assert_eq!(count(&bundle), count(&same));
        assert_eq!(run.warnings, without.warnings);
    }

    #[test]
    fn the_scripts_learn_where_the_mock_is_and_what_it_permits() {
        let ours = certificate("ours");
        for (no_egress, egress) in [(false, "on"), (true, "off")] {
            let run = create(&ours, no_egress, &no_variables());
            let text = fs::read_to_string(run.path().join(SETTINGS)).expect("it is there");
            let bundle = run.files().bundle();
            let expected = format!(
                "host=127.0.0.1\nport=4321\nhosts=box\negress={egress}\nbundle={}\n",
                bundle.display()
            );
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn files_of_another_process_are_found_by_the_certificate() {
        let run = create(&certificate("ours"), false, &no_variables());
        assert_eq!(RunFiles::next_to(&run.files().ca()), Some(run.files()));
        let ca = run.files().ca();
        drop(run);
        assert_eq!(RunFiles::next_to(&ca), None);
    }

    #[test]
    fn pem_is_broken_into_lines() {
        let text = pem(&[CertificateDer::from(vec![0; 100])]);
        assert!(text.lines().all(|line| line.len() <= 64));
        assert!(text.contains("AAAA"));
    }
}
