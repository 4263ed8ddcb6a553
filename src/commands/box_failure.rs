//! Box's refusals, and failures on the way to Box, as problems that say what to do.

use jiff::{Timestamp, Unit};

use crate::{
    client::{
        BoxError, ErrorKind,
        access::{FileAccess, TokenOrigin},
    },
    domain::token::{TokenKind, is_placeholder},
    exit::{Failure, Problem},
};

/// The failure of a command whose call ended with `error`, at the time `now`.
pub(super) fn explain(error: &BoxError, access: &FileAccess, now: Timestamp) -> Failure {
    let problem = Problem::new(error.to_string());
    match help(error, access, now) {
        Some(help) => problem.help(help),
        None => problem,
    }
    .outside()
}

fn help(error: &BoxError, access: &FileAccess, now: Timestamp) -> Option<String> {
    if error.elsewhere && error.status().is_some() {
        return Some(
            "this is the content host that Box redirected the download to; try again later"
                .to_owned(),
        );
    }
    match (&error.kind, error.status().map(|status| status.as_u16())) {
        (ErrorKind::Refused(refusal), _) if refusal.page => Some(PORTAL.to_owned()),
        (_, Some(401)) => Some(about_validity(access, now)),
        (_, Some(403)) => Some(about_scope(access)),
        (_, Some(404)) => Some(format!(
            "{1} cannot reach file {0}: it was deleted, is at another Box, or the token is for another \
             file",
            access.file_id, access.origin
        )),
        (_, Some(429 | 500..=599)) => Some("--retries N retries more often".to_owned()),
        (ErrorKind::NotReady { .. }, _) => Some("--wait DURATION waits longer".to_owned()),
        (ErrorKind::Unreachable { own_machine, .. }, _) if *own_machine => {
            Some("nothing listens there: start `skillctl mock-box`, or correct --box".to_owned())
        }
        (ErrorKind::Unreachable { .. }, _) => {
            Some("check --box, the network and the proxy variables".to_owned())
        }
        (ErrorKind::Untrusted { .. }, _) => Some(
            "trust a mock's certificate with --ca-cert FILE, and a company's with SSL_CERT_FILE"
                .to_owned(),
        ),
        (ErrorKind::Foreign { .. } | ErrorKind::Redirect { .. }, _) => Some(PORTAL.to_owned()),
        _ => None,
    }
}

const PORTAL: &str = "check --box; on a guest network, log in with a browser first";

/// Why a token is not valid. The token of an event has an expiry time.
fn about_validity(access: &FileAccess, now: Timestamp) -> String {
    let shown = format!("{} ({})", access.origin, access.token.redacted());
    if is_placeholder(access.token.expose()) {
        return format!(
            "{} is a placeholder; register the event with `skillctl mock-box`, which gives it \
             tokens, or give one with --token-env",
            access.origin
        );
    }
    let TokenOrigin::Event {
        expires_at: Some(expires_at),
        ..
    } = access.origin
    else {
        return format!("{shown} has expired, was revoked, or is for another Box");
    };
    match Timestamp::from_second(expires_at) {
        Ok(end) if end <= now => format!(
            "{shown} expired at {end}, {} ago; capture a new event, or register this one with \
             `skillctl mock-box`, which accepts its tokens again",
            time_between(now, end)
        ),
        Ok(end) => format!(
            "{shown} is valid until {end}, according to the event: it was revoked, or is for \
             another Box"
        ),
        Err(_) => format!("{shown} is not valid, and its `expires_in` is not a Unix time"),
    }
}

fn about_scope(access: &FileAccess) -> String {
    let shown = format!("{} ({})", access.origin, access.token.redacted());
    match access.origin {
        TokenOrigin::Event { kind, .. } => {
            let may = match kind {
                TokenKind::Write => "write the metadata of",
                TokenKind::Read | TokenKind::User => "read",
            };
            format!(
                "{shown} was used; it can only {may} file {}",
                access.file_id
            )
        }
        _ => format!(
            "{shown} was used; of the two tokens of an event, only `token.read` reads the file and \
             only `token.write` writes its metadata"
        ),
    }
}

/// The time between two moments, in a unit that fits: `3 days`, `40 minutes`.
fn time_between(now: Timestamp, then: Timestamp) -> String {
    let seconds = now
        .since((Unit::Second, then))
        .map_or(0, |span| span.get_seconds());
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn by(origin: TokenOrigin, token: &str) -> FileAccess {
        FileAccess {
            file_id: "7".to_owned(),
            token: Secret::new(token),
            origin,
            event: None,
        }
    }

    fn read_token(expires_at: i64) -> TokenOrigin {
        TokenOrigin::Event {
            kind: TokenKind::Read,
            expires_at: Some(expires_at),
        }
    }

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn an_expired_token_is_reported_with_its_time() {
        let help = about_validity(
            &by(read_token(1_540_924_150), TOKEN),
            at("2018-11-02T00:00:00Z"),
        );
        assert!(
            help.starts_with(
                "the event's read token ([redacted …cdef]) expired at 2018-10-30T18:29:10Z, 2 \
                 days ago"
            ),
            "{help}"
        );
    }

    #[test]
    fn a_token_that_should_still_be_valid_is_reported_so() {
        let help = about_validity(
            &by(read_token(1_540_924_150), TOKEN),
            at("2018-10-30T00:00:00Z"),
        );
        assert!(
            help.contains("is valid until 2018-10-30T18:29:10Z"),
            "{help}"
        );
    }

    #[test]
    fn odd_expiries_and_placeholders_are_explained() {
        let now = at("2018-10-30T00:00:00Z");
        let odd = about_validity(&by(read_token(i64::MAX), TOKEN), now);
        assert!(odd.contains("not a Unix time"), "{odd}");
        let placeholder = about_validity(&by(read_token(1_540_924_150), "REDACTED"), now);
        assert!(placeholder.contains("is a placeholder"), "{placeholder}");
    }

    #[test]
    fn spans_are_in_the_largest_unit() {
        let ago = |then: &str| time_between(at("2026-01-03T00:00:00Z"), at(then));
        assert_eq!(ago("2026-01-02T23:59:59Z"), "1 second");
        assert_eq!(ago("2026-01-02T23:20:00Z"), "40 minutes");
        assert_eq!(ago("2026-01-02T00:00:00Z"), "24 hours");
        assert_eq!(ago("2025-01-03T00:00:00Z"), "365 days");
    }
}
