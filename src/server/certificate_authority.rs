//! The certificate authority of the mock: made at each start with a key that never leaves memory,
//! or kept in a folder of the user's choice; constrained to Box's domains and this machine, so that
//! it can do no harm where it is trusted.

use std::{
    collections::HashMap,
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber, date_time_ymd,
};
use rustix::process::geteuid;
use rustls::{
    ServerConfig,
    crypto::ring::{default_provider, sign::any_ecdsa_type},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::{CertifiedKey, SigningKey},
};
use sha2::{Digest, Sha256};

use crate::domain::hosts::{BOX_DOMAINS, is_box, is_loopback};

/// The hosts, besides Box's and this machine, that an authority makes certificates for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OtherHosts {
    /// None.
    #[default]
    None,
    /// These.
    Named(Vec<String>),
    /// All.
    All,
}

impl OtherHosts {
    fn cover(&self, host: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(hosts) => hosts.iter().any(|it| it.eq_ignore_ascii_case(host)),
            Self::All => true,
        }
    }
}

/// Makes certificates for Box's hosts and loopback names on demand, and for providers in a run with
/// cassettes.
pub struct CertificateAuthority {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    validity: Validity,
    others: OtherHosts,
    /// One key for all leaf certificates, which are used by this process only.
    leaf: KeyPair,
    leaf_signer: Arc<dyn SigningKey>,
    leaves: Mutex<HashMap<String, Arc<CertifiedKey>>>,
    config: OnceLock<Arc<ServerConfig>>,
}

/// From when to when a certificate is good.
#[derive(Clone, Copy, Debug)]
struct Validity {
    from: Timestamp,
    until: Timestamp,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A key or a certificate could not be made.
    #[error("could not make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS could not be set up with it.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The folder to keep it in could not be used.
    #[error("could not keep the certificate authority in {path}: {error}", path = path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

/// The text before the end of the validity in a kept file.
const VALID_UNTIL: &str = "valid until ";

impl CertificateAuthority {
    /// A new authority, its key only in memory.
    pub fn in_memory(now: Timestamp) -> Result<Self, AuthorityError> {
        Self::in_memory_for(now, OtherHosts::None)
    }

    /// The same, also for other hosts. The constraints of its certificate name them.
    pub fn in_memory_for(now: Timestamp, others: OtherHosts) -> Result<Self, AuthorityError> {
        const ONE_RUN: SignedDuration = SignedDuration::from_hours(365 * 24);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let validity = Validity::starting(now, ONE_RUN);
        let certificate = authority_params(validity, &others).self_signed(&key)?;
        let pem = certificate.pem();
        Self::assemble(key, validity, certificate.der().clone(), pem, others)
    }

    /// The authority that `folder` keeps; a new one, good for 30 days, where there is none or
    /// where it ends within a day or others could have read its key. The key is readable by the
    /// user alone; `ca.pem` next to it is the certificate for clients. A folder that others may
    /// write to is refused: they could put an authority of theirs there, to be trusted.
    pub fn kept_in(folder: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
        const NOT_WORTH_STARTING_WITH: SignedDuration = SignedDuration::from_hours(24);
        let whole = folder.join("authority.pem");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| AuthorityError::Folder { path, error }
        };
        create_private_folder(folder).map_err(failed(folder))?;
        let kept = read_private(&whole).map_err(failed(&whole))?;
        let kept = kept.as_deref().and_then(Kept::read);
        let still_good = |kept: &Kept| kept.until.duration_since(now) > NOT_WORTH_STARTING_WITH;
        if let Some(kept) = kept.filter(still_good) {
            let validity = Validity {
                from: now.min(kept.until),
                until: kept.until,
            };
            let der =
                pem_to_der(&kept.certificate_pem).ok_or(rcgen::Error::CouldNotParseCertificate)?;
            write_public(folder, &kept.certificate_pem).map_err(failed(folder))?;
            return Self::assemble(
                kept.key,
                validity.a_day_earlier(),
                der,
                kept.certificate_pem,
                OtherHosts::None,
            );
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let validity = Validity::starting(now, KEPT);
        let certificate = authority_params(validity, &OtherHosts::None).self_signed(&key)?;
        let pem = certificate.pem();
        let text = format!(
            "The certificate authority of skillctl mock-box, {VALID_UNTIL}{}\n{pem}{}",
            validity.until,
            key.serialize_pem()
        );
        write_private(folder, &whole, &text).map_err(failed(&whole))?;
        write_public(folder, &pem).map_err(failed(folder))?;
        Self::assemble(
            key,
            validity,
            certificate.der().clone(),
            pem,
            OtherHosts::None,
        )
    }

    fn assemble(
        key: KeyPair,
        validity: Validity,
        certificate: CertificateDer<'static>,
        certificate_pem: String,
        others: OtherHosts,
    ) -> Result<Self, AuthorityError> {
        let leaf = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf.serialize_der()));
        Ok(Self {
            certificate_pem,
            certificate,
            issuer: Issuer::new(authority_params(validity, &others), key),
            validity,
            others,
            leaf_signer: any_ecdsa_type(&private)?,
            leaf,
            leaves: Mutex::default(),
            config: OnceLock::new(),
        })
    }

    /// The certificate to trust, in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Whether a certificate can be made for `host`.
    pub fn covers(&self, host: &str) -> bool {
        is_box(host) || is_loopback(host) || self.others.cover(host)
    }

    /// The server's side of TLS: a certificate by SNI name, HTTP/1.1 alone.
    pub(super) fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let make = || {
            let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .expect("ring speaks TLS 1.2 and 1.3")
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(BySni(Arc::downgrade(self))));
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        };
        Arc::clone(self.config.get_or_init(make))
    }

    /// The certificate for a name; without one, a certificate with every name that a client may
    /// use.
    fn certified(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        /// Clients may ask for any name below Box's domains.
        const MANY_NAMES: usize = 256;
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if !name.is_empty() && !self.covers(&name) {
            return None;
        }
        // A panic while it is held leaves the map whole.
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves.get(&name) {
            return Some(Arc::clone(leaf));
        }
        let leaf = Arc::new(self.sign(&name).ok()?);
        if leaves.len() >= MANY_NAMES {
            leaves.clear();
        }
        leaves.insert(name, Arc::clone(&leaf));
        Some(leaf)
    }

    fn sign(&self, name: &str) -> Result<CertifiedKey, rcgen::Error> {
        let mut params = CertificateParams::default();
        self.validity.put_on(&mut params);
        params
            .distinguished_name
            .push(DnType::CommonName, "skillctl mock-box");
        params.subject_alt_names = alternative_names(name)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(self.serial(name));
        let leaf = params.signed_by(&self.leaf, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.certificate.clone()];
        Ok(CertifiedKey::new(chain, Arc::clone(&self.leaf_signer)))
    }

    /// Two certificates of one issuer must not have the same number, also where a kept authority
    /// serves many runs: each has a leaf key of its own.
    fn serial(&self, name: &str) -> SerialNumber {
        const BYTES: usize = 16;
        let mut hash = Sha256::new();
        hash.update(self.leaf.public_key_raw());
        hash.update(name);
        let mut number = hash.finalize()[..BYTES].to_vec();
        // A serial number is positive.
        number[0] &= 0x7f;
        SerialNumber::from(number)
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CertificateAuthority")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// Chooses the certificate by the name in the handshake. It must not keep the authority alive:
/// the authority keeps it.
#[derive(Debug)]
struct BySni(std::sync::Weak<CertificateAuthority>);

impl ResolvesServerCert for BySni {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.upgrade()?.certified(hello.server_name())
    }
}

impl Validity {
    /// From a day ago, for clocks that are slow, until `length` from now.
    fn starting(now: Timestamp, length: SignedDuration) -> Self {
        Self {
            from: now,
            until: now.saturating_add(length).unwrap_or(Timestamp::MAX),
        }
        .a_day_earlier()
    }

    fn a_day_earlier(self) -> Self {
        let day = SignedDuration::from_hours(24);
        Self {
            from: self.from.saturating_sub(day).unwrap_or(Timestamp::MIN),
            ..self
        }
    }

    /// Onto a certificate, in rcgen's own clock.
    fn put_on(self, params: &mut CertificateParams) {
        let moment = |at: Timestamp| {
            let seconds = u64::try_from(at.as_second()).unwrap_or(0);
            date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
        };
        params.not_before = moment(self.from);
        params.not_after = moment(self.until);
    }
}

fn authority_params(validity: Validity, others: &OtherHosts) -> CertificateParams {
    let mut params = CertificateParams::default();
    validity.put_on(&mut params);
    params
        .distinguished_name
        .push(DnType::CommonName, "skillctl mock-box authority");
    params.distinguished_name.push(
        DnType::OrganizationName,
        "made on this machine, for this machine",
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let named = match others {
        // Its certificate is for this run alone, and its key never leaves memory.
        OtherHosts::All => return params,
        OtherHosts::None => &[][..],
        OtherHosts::Named(hosts) => hosts.as_slice(),
    };
    let named = named.iter().map(String::as_str);
    let mut permitted: Vec<GeneralSubtree> = BOX_DOMAINS
        .into_iter()
        .chain(["localhost"])
        .chain(named.filter(|host| host.parse::<IpAddr>().is_err()))
        .map(|domain| GeneralSubtree::DnsName(domain.to_owned()))
        .collect();
    permitted.extend(
        [
            CidrSubnet::from_v4_prefix(Ipv4Addr::LOCALHOST.octets(), 32),
            CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128),
        ]
        .map(GeneralSubtree::IpAddress),
    );
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: Vec::new(),
    });
    params
}

/// The names of a leaf: the one in the handshake, or all that a client without SNI may mean.
fn alternative_names(name: &str) -> Result<Vec<SanType>, rcgen::Error> {
    if !name.is_empty() {
        return Ok(vec![match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.try_into()?),
        }]);
    }
    let mut names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ];
    for domain in BOX_DOMAINS {
        names.push(SanType::DnsName(domain.try_into()?));
        names.push(SanType::DnsName(format!("*.{domain}").try_into()?));
    }
    Ok(names)
}

/// What a kept file holds.
struct Kept {
    until: Timestamp,
    certificate_pem: String,
    key: KeyPair,
}

impl Kept {
    /// Nothing where the file is not one of ours: a new one is then made.
    fn read(text: &str) -> Option<Self> {
        let until = text.lines().next()?.split_once(VALID_UNTIL)?.1.trim();
        let from = text.find("-----BEGIN CERTIFICATE-----")?;
        let key_from = text.find("-----BEGIN PRIVATE KEY-----")?;
        Some(Self {
            until: until.parse().ok()?,
            certificate_pem: text.get(from..key_from)?.to_owned(),
            key: KeyPair::from_pem(&text[key_from..]).ok()?,
        })
    }
}

fn pem_to_der(pem: &str) -> Option<CertificateDer<'static>> {
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let about = fs::metadata(folder)?;
    if about.uid() != geteuid().as_raw() {
        return Err(io::Error::other("the folder belongs to another user"));
    }
    if about.mode() & WRITABLE_BY_OTHERS != 0 {
        let message = "others can write to the folder; chmod go-w fixes that";
        return Err(io::Error::other(message));
    }
    Ok(())
}

/// The text of a file that only its owner could read; nothing where there is none.
fn read_private(file: &Path) -> io::Result<Option<String>> {
    const OTHERS: u32 = 0o077;
    match fs::symlink_metadata(file) {
        Ok(about) if about.is_file() && about.mode() & OTHERS == 0 => {
            fs::read_to_string(file).map(Some)
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whole or not at all, and readable by the user alone from its first byte.
fn write_private(folder: &Path, file: &Path, text: &str) -> io::Result<()> {
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut new, text.as_bytes())?;
    new.persist(file)?;
    Ok(())
}

/// Writes the certificate for clients next to the key.
fn write_public(folder: &Path, pem: &str) -> io::Result<()> {
    fs::write(folder.join("ca.pem"), pem)
}
