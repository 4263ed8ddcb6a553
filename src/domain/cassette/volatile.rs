//! The parts of a call that differ each time without a meaning: times, UUIDs, signatures, nonces.
//! They are left out when calls are matched.

/// Query parameters of signed URLs: of AWS, Google and Azure.
const SIGNATURE_PARAMETERS: [&str; 9] = [
    "awsaccesskeyid",
    "expires",
    "googleaccessid",
    "se",
    "sig",
    "signature",
    "ske",
    "skt",
    "st",
];

/// Names of members and parameters whose values are new in each call.
const NONCES: [&str; 9] = [
    "clientrequesttoken",
    "clienttoken",
    "correlationid",
    "idempotencykey",
    "nonce",
    "oauthnonce",
    "oauthtimestamp",
    "requestid",
    "timestamp",
];

/// Whether the value of a query parameter has no meaning: a signature, a time or a nonce.
pub(super) fn is_volatile_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
        || SIGNATURE_PARAMETERS.contains(&name.as_str())
        || is_nonce(&name)
        // What jQuery and others add against caches.
        || name == "_"
}

/// Whether the value of a member or parameter of this name is new in each call.
pub(super) fn is_nonce(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    NONCES.contains(&plain.as_str())
}

/// `text` with `<time>` for times and `<uuid>` for UUIDs.
pub(super) fn without_times_and_uuids(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_at_word = true;
    while let Some(first) = rest.chars().next() {
        let found = if is_at_word && first.is_ascii_hexdigit() {
            volatile_at(rest.as_bytes())
        } else {
            None
        };
        let length = if let Some((length, instead)) = found {
            plain.push_str(instead);
            length
        } else {
            plain.push(first);
            first.len_utf8()
        };
        is_at_word = found.is_none() && !first.is_alphanumeric();
        rest = &rest[length..];
    }
    plain
}

/// The length of the time or UUID that `text` begins with, and its replacement.
fn volatile_at(text: &[u8]) -> Option<(usize, &'static str)> {
    let ends_at = |end: usize| !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    if let Some(end) = fits(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")
        && ends_at(end)
    {
        return Some((end, "<uuid>"));
    }
    let time = [
        "20dd-dd-ddTdd:dd:dd",
        "20dd-dd-dd dd:dd:dd",
        "20ddddddTdddddd",
    ];
    if let Some(end) = time.iter().find_map(|pattern| fits(text, pattern)) {
        return Some((end + zone(&text[end..]), "<time>"));
    }
    // Seconds and milliseconds since 1970, from 2014 to 2033.
    let epoch = ["1dddddddddddd", "20ddddddddddd", "1ddddddddd", "20dddddddd"];
    let end = epoch.iter().find_map(|pattern| fits(text, pattern))?;
    let is_recent = matches!(text, [b'1', b'4'..=b'9', ..] | [b'2', ..]);
    (is_recent && ends_at(end)).then_some((end, "<time>"))
}

/// The length of a fraction of a second and a zone.
fn zone(text: &[u8]) -> usize {
    let fraction = match text {
        [b'.', rest @ ..] => 1 + rest.iter().take_while(|it| it.is_ascii_digit()).count(),
        _ => 0,
    };
    let text = &text[fraction..];
    let zone = match text.first() {
        Some(b'Z') => 1,
        Some(b'+' | b'-') => fits(&text[1..], "dd:dd")
            .or_else(|| fits(&text[1..], "dddd"))
            .map_or(0, |length| 1 + length),
        _ => 0,
    };
    fraction + zone
}

/// The length of `pattern` where `text` begins with it: `d` is a digit, `h` a hexadecimal one.
fn fits(text: &[u8], pattern: &str) -> Option<usize> {
    let pattern = pattern.as_bytes();
    let text = text.get(..pattern.len())?;
    let fits = text.iter().zip(pattern).all(|(it, wanted)| match wanted {
        b'd' => it.is_ascii_digit(),
        b'h' => it.is_ascii_hexdigit(),
        _ => it == wanted,
    });
    fits.then_some(pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_uuids_are_left_out() {
        for (text, plain) in [
            ("2026-12-01T10:11:12.345Z", "<time>"),
            ("2026-12-01T10:11:12+01:00", "<time>"),
            ("20261201T101112Z", "<time>"),
            ("job-1733050000", "job-<time>"),
            ("job_1733050000123.json", "job_<time>.json"),
            ("a 0b5f7b1e-5d3c-4c53-9f5f-3f2f1d9d7a11!", "a <uuid>!"),
            ("17330500001", "17330500001"),
            ("a1733050000", "a1733050000"),
            ("0.1733050000", "0.<time>"),
            ("1000000000", "1000000000"),
            ("2026-12-01", "2026-12-01"),
            ("é", "é"),
        ] {
            assert_eq!(without_times_and_uuids(text), plain, "{text}");
        }
    }

    #[test]
    fn signatures_and_nonces_are_known_by_name() {
        for name in [
            "X-Amz-Date",
            "x-goog-signature",
            "sig",
            "Nonce",
            "client_request_token",
        ] {
            assert!(is_volatile_parameter(name), "{name}");
        }
        assert!(!is_volatile_parameter("language"));
    }
}
