//! What reqwest reports about a connection, as an error of this client.

use std::{error::Error, io};

use url::Url;

use super::error::ErrorKind;
use crate::domain::{hosts::is_loopback, text::innermost_cause};

/// The error of a connection that failed, broke or stalled.
pub(super) fn connection_error(error: reqwest::Error, url: &Url) -> ErrorKind {
    let untrusted = is_certificate_error(&error);
    let connecting = error.is_connect();
    let timed_out = error.is_timeout();
    let mut reason = innermost_cause(&error.without_url());
    if untrusted {
        return ErrorKind::Untrusted { reason };
    }
    if timed_out {
        "no data arrived for too long".clone_into(&mut reason);
    }
    if connecting {
        ErrorKind::Unreachable {
            reason,
            own_machine: url.host_str().is_some_and(is_loopback),
        }
    } else {
        ErrorKind::Broken { reason }
    }
}

/// Whether a certificate is at fault: then a retry cannot help.
fn is_certificate_error(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| {
        // `source` of an I/O error skips the error that it wraps, and these nest.
        let mut cause = cause;
        while let Some(inner) = cause.downcast_ref().and_then(io::Error::get_ref) {
            cause = inner;
        }
        matches!(
            cause.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    })
}

fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> + 'a {
    std::iter::successors(Some(error), |&error| error.source())
}
