//! The headers of a delivery: those of Box, those of the capture that still apply, and fresh
//! signatures.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header::CONTENT_LENGTH};
use jiff::{Timestamp, tz::Offset};

use crate::domain::event::{
    refresh::format_time,
    signature::{self, Keys, is_signature_header},
};

/// A header, with its name in Box's spelling.
pub(super) type Header<'a> = (&'a str, Cow<'a, str>);

/// The user agent of Box's deliveries (docs/box/events.md).
const USER_AGENT: (&str, &str) = ("User-Agent", "Box-Skills-Client/0.1");
const CONTENT_TYPE: (&str, &str) = ("Content-Type", "application/json; charset=UTF-8");

/// Headers that were valid for the captured connection alone, and those that a proxy or gateway adds.
const TRANSPORT_HEADERS: [&str; 15] = [
    "host",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "accept-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "via",
    "forwarded",
    "x-real-ip",
    "cdn-loop",
];
const TRANSPORT_HEADER_PREFIXES: [&str; 5] =
    ["x-forwarded-", "x-amz", "cloudfront-", "proxy-", "cf-"];

/// Whether a captured header belongs to the event rather than to its connection.
fn is_of_event(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !TRANSPORT_HEADERS.contains(&name.as_str())
        && !TRANSPORT_HEADER_PREFIXES
            .iter()
            .any(|start| name.starts_with(start))
}

/// The headers of a delivery at `now`, in Box's spelling: those of the capture, and Box's own where
/// the capture has none. Signed where there is a key; else the signatures and the timestamp of the
/// capture are kept where `is_exact` says that the body is the captured one.
pub(super) fn delivery_headers<'a>(
    captured: &'a [(String, String)],
    is_exact: bool,
    keys: &Keys,
    body: &[u8],
    now: Timestamp,
) -> Vec<Header<'a>> {
    let keeps_signatures = is_exact && keys.is_empty();
    let mut headers: Vec<Header<'a>> = captured
        .iter()
        .filter(|(name, _)| is_of_event(name) && (keeps_signatures || !is_signature_header(name)))
        .map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())))
        .collect();
    for (name, value) in [CONTENT_TYPE, USER_AGENT] {
        if !headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            headers.push((name, Cow::Borrowed(value)));
        }
    }
    let timestamp = format_time(now, Offset::UTC);
    if keys.is_empty() {
        let is_stamped = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(signature::TIMESTAMP));
        if !is_stamped {
            headers.push((signature::TIMESTAMP, Cow::Owned(timestamp)));
        }
    } else {
        let signed = signature::headers(keys, body, &timestamp);
        headers.extend(
            signed
                .into_iter()
                .map(|(name, value)| (name, Cow::Owned(value))),
        );
    }
    headers
}

/// The headers of the last event, for events whose headers differ in the delivery second and the
/// length alone.
#[derive(Debug, Default)]
pub(super) struct CachedHeaders {
    second: i64,
    length: usize,
    headers: HeaderMap,
}

impl CachedHeaders {
    /// The headers for `length` bytes in the second of `now`; `make` creates them where the cached
    /// ones are of another second.
    pub(super) fn get_or_make(
        &mut self,
        now: Timestamp,
        length: usize,
        make: impl FnOnce() -> HeaderMap,
    ) -> &HeaderMap {
        let second = now.as_second();
        if self.headers.is_empty() || self.second != second {
            self.headers = make();
        } else if self.length != length
            && let Some(cached) = self.headers.get_mut(CONTENT_LENGTH)
        {
            *cached = HeaderValue::from(length);
        }
        (self.second, self.length) = (second, length);
        &self.headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    fn names<'a>(headers: &[Header<'a>]) -> Vec<&'a str> {
        headers.iter().map(|(name, _)| *name).collect()
    }

    fn captured() -> Vec<(String, String)> {
        [
            ("Host", "skill.example.com"),
            ("User-Agent", "Box-Skills-Client/0.2"),
            ("X-Tenant", "a"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Amzn-Trace-Id", "Root=1"),
            ("box-signature-primary", "stale"),
            ("Content-Length", "12"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn headers_of_the_captured_connection_are_dropped() {
        let captured = captured();
        let headers = delivery_headers(
            &captured,
            false,
            &Keys::default(),
            b"{}",
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(
            names(&headers),
            [
                "User-Agent",
                "X-Tenant",
                "Content-Type",
                "box-delivery-timestamp"
            ]
        );
        assert_eq!(headers[0].1, "Box-Skills-Client/0.2");
    }

    #[test]
    fn an_exact_delivery_without_a_key_keeps_the_captured_signature() {
        let captured = captured();
        let keys = Keys::default();
        let headers = delivery_headers(&captured, true, &keys, b"{}", Timestamp::UNIX_EPOCH);
        let value = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| &**value)
        };
        assert_eq!(value("box-signature-primary"), Some("stale"));
        assert_eq!(
            value(signature::TIMESTAMP),
            Some("1970-01-01T00:00:00+00:00")
        );
    }

    #[test]
    fn a_key_signs_the_exact_bytes() {
        let keys = Keys {
            primary: Some(Secret::new("primary-key")),
            secondary: None,
        };
        let captured = captured();
        let headers = delivery_headers(&captured, true, &keys, b"{}", Timestamp::UNIX_EPOCH);
        let signature = headers
            .iter()
            .find(|(name, _)| *name == signature::PRIMARY)
            .expect("it is signed");
        let wanted = signature::sign(
            &Secret::new("primary-key"),
            b"{}",
            "1970-01-01T00:00:00+00:00",
        );
        assert_eq!(signature.1, wanted);
        assert!(!names(&headers).contains(&signature::SECONDARY));
    }

    #[test]
    fn cached_headers_follow_the_second_and_the_length() {
        let mut cached = CachedHeaders::default();
        let mut headers_at = |millisecond, length: usize| {
            let now = Timestamp::from_millisecond(millisecond).expect("a time");
            let headers = cached.get_or_make(now, length, || {
                let stamp = (http::header::DATE, HeaderValue::from(millisecond));
                HeaderMap::from_iter([stamp, (CONTENT_LENGTH, HeaderValue::from(length))])
            });
            [http::header::DATE, CONTENT_LENGTH].map(|name| headers[name].clone())
        };
        assert_eq!(headers_at(1000, 7), ["1000", "7"]);
        assert_eq!(headers_at(1999, 8), ["1000", "8"]);
        assert_eq!(headers_at(2000, 8), ["2000", "8"]);
        assert_eq!(headers_at(1000, 7), ["1000", "7"]);
    }
}
