//! The certificates that the proxy trusts where it speaks TLS to another host itself.

use std::{fmt, io, path::PathBuf, sync::Arc};

use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;

use crate::env::{
    Environment,
    certificates::{Roots, named_by_user},
};

/// The system's roots, and the certificates that the user's variables name. They are read once, when they
/// are first needed: it takes a while.
#[derive(Clone, Default)]
pub(super) struct TrustedRoots {
    named: Vec<PathBuf>,
    config: Arc<OnceCell<Arc<ClientConfig>>>,
}

impl TrustedRoots {
    pub(super) fn from_environment(environment: &Environment) -> Self {
        Self {
            named: named_by_user(environment),
            config: Arc::default(),
        }
    }

    pub(super) async fn client_config(&self) -> io::Result<Arc<ClientConfig>> {
        let load = || async {
            let named = self.named.clone();
            let loaded = tokio::task::spawn_blocking(move || load(&named));
            loaded.await.map_err(io::Error::other)?
        };
        self.config.get_or_try_init(load).await.cloned()
    }
}

fn load(named: &[PathBuf]) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(Roots::load(named).certificates);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

impl fmt::Debug for TrustedRoots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("TrustedRoots");
        shown.field("named", &self.named).finish_non_exhaustive()
    }
}
