//! How a listener and its connections behave: certificates, other hosts, limits and time-outs.

use std::{sync::Arc, time::Duration};

use super::{certificate_authority::CertificateAuthority, proxy::egress::Egress};
use crate::domain::cassette::deck::Deck;

/// How a listener behaves.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// Makes the certificates.
    pub certificates: Arc<CertificateAuthority>,
    /// How hosts that are not Box's are reached, if at all.
    pub egress: Egress,
    /// The cassettes that answer calls to other hosts, or record them.
    pub deck: Option<Arc<Deck>>,
    /// Limits in time.
    pub timeouts: Timeouts,
    /// The longest head in bytes.
    pub max_head: usize,
}

impl ListenerOptions {
    /// Heads of up to 64 KiB, the default time-outs.
    pub fn new(certificates: Arc<CertificateAuthority>, egress: Egress) -> Self {
        const MAX_HEAD: usize = 64 * 1024;
        Self {
            certificates,
            egress,
            deck: None,
            timeouts: Timeouts::default(),
            max_head: MAX_HEAD,
        }
    }
}

/// How long a connection may stay in each of its states.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a request's head to its last; also for a TLS handshake.
    pub head: Duration,
    /// Without a byte of a request's body arriving, or of an answer being taken.
    pub stalled: Duration,
    /// Between two requests, and before the first.
    pub idle: Duration,
    /// For reaching another host through the proxy.
    pub connect: Duration,
    /// How long requests in progress may take after a shutdown.
    pub grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            stalled: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            connect: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}
