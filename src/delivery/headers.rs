//! The headers of a delivery: Box's own, those of the capture that still make sense, and fresh
//! signatures.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header::CONTENT_LENGTH};
use jiff::{Timestamp, tz::Offset};

use crate::domain::event::{
    refresh::format_time,
    signature::{self, Keys, is_signature_header},
};

/// A header by the name that Box gives it.
pub(super) type Header<'a> = (&'a str, Cow<'a, str>);

/// Box's own name in deliveries (facts §1).
const USER_AGENT: (&str, &str) = ("User-Agent", "Box-Skills-Client/0.1");
const CONTENT_TYPE: (&str, &str) = ("Content-Type", "application/json; charset=UTF-8");

/// Headers that were true of the captured connection alone, and what each hop or the gateway put
/// there.
const OF_THE_WAY: [&str; 15] = [
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
const OF_THE_WAY_BY_START: [&str; 5] = ["x-forwarded-", "x-amz", "cloudfront-", "proxy-", "cf-"];

/// Whether a captured header says something of the event rather than of the way it came.
pub(super) fn makes_sense(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !is_signature_header(&name)
        && !OF_THE_WAY.contains(&name.as_str())
        && !OF_THE_WAY_BY_START
            .iter()
            .any(|start| name.starts_with(start))
}

/// The headers of a delivery at `now`, by the names that Box gives them: what stood in the
/// capture, else what Box sends; signed where there is a key.
pub(super) fn of<'a>(
    captured: &'a [(String, String)],
    keys: &Keys,
    body: &[u8],
    now: Timestamp,
) -> Vec<Header<'a>> {
    let mut headers: Vec<Header<'a>> = captured
        .iter()
        .filter(|(name, _)| makes_sense(name))
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
        headers.push((signature::TIMESTAMP, Cow::Owned(timestamp)));
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

/// Headers that say of an event no more than the second in which it goes out and how long it is,
/// kept for the next event: of many few see a new second.
#[derive(Debug, Default)]
pub(super) struct Usual {
    second: i64,
    length: usize,
    headers: HeaderMap,
}

impl Usual {
    /// The headers in the second of `now`, for `length` bytes; `make` makes them where they are of
    /// another second.
    pub(super) fn of(
        &mut self,
        now: Timestamp,
        length: usize,
        make: impl FnOnce() -> HeaderMap,
    ) -> &HeaderMap {
        let second = now.as_second();
        if self.headers.is_empty() || self.second != second {
            self.headers = make();
        } else if self.length != length
            && let Some(told) = self.headers.get_mut(CONTENT_LENGTH)
        {
            *told = HeaderValue::from(length);
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
    fn a_capture_keeps_what_is_not_of_its_way() {
        let captured = captured();
        let headers = of(&captured, &Keys::default(), b"{}", Timestamp::UNIX_EPOCH);
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
    fn a_key_signs_the_exact_bytes() {
        let keys = Keys {
            primary: Some(Secret::new("primary-key")),
            secondary: None,
        };
        let captured = captured();
        let headers = of(&captured, &keys, b"{}", Timestamp::UNIX_EPOCH);
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
    fn usual_headers_are_those_of_the_second_and_of_the_length() {
        let mut usual = Usual::default();
        let mut of = |millisecond, length: usize| {
            let now = Timestamp::from_millisecond(millisecond).expect("a time");
            let headers = usual.of(now, length, || {
                let stamp = (http::header::DATE, HeaderValue::from(millisecond));
                HeaderMap::from_iter([stamp, (CONTENT_LENGTH, HeaderValue::from(length))])
            });
            [http::header::DATE, CONTENT_LENGTH].map(|name| headers[name].clone())
        };
        assert_eq!(of(1000, 7), ["1000", "7"]);
        assert_eq!(of(1999, 8), ["1000", "8"]);
        assert_eq!(of(2000, 8), ["2000", "8"]);
        assert_eq!(of(1000, 7), ["1000", "7"]);
    }
}
