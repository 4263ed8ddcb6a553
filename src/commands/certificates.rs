//! Certificates that the user names: `--ca-cert` for Box, `--skill-ca` for the skill.

use std::path::Path;

use super::wrong_input::wrong_input;
use crate::{
    client::Connections,
    env::input,
    exit::{Failure, Problem},
    terminal::Terminal,
};

/// Bytes of the largest file of certificates.
const MAX_CERTIFICATES: u64 = 8 << 20;

/// The same connections, which trust the certificates in `file` too. `option` named it.
///
/// # Errors
/// Exit code 2 for a file that holds no certificate.
pub(super) fn trust(
    connections: Connections,
    option: &str,
    file: &Path,
    terminal: &Terminal,
) -> Result<Connections, Failure> {
    let pem = input::bytes(file, MAX_CERTIFICATES).map_err(wrong_input(terminal.width))?;
    connections.trusting(&pem).map_err(|reason| {
        let message = format!("{option} {} cannot be used: {reason}", file.display());
        Problem::new(message).usage()
    })
}
