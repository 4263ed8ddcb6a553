//! Which signatures are valid for which bytes, and why others are not.

use super::*;

const AT: &str = "2026-03-02T09:15:01-08:00";
const BODY: &str = r#"{"name":"\u00dcber\/sicht","n":1}"#;

fn keys() -> Keys {
    Keys {
        primary: Some(Secret::new("one")),
        secondary: Some(Secret::new("two")),
    }
}

fn signed() -> Signed {
    let headers: Vec<(String, String)> = headers(&keys(), BODY.as_bytes(), AT)
        .into_iter()
        .map(|(name, value)| (name.to_uppercase(), value))
        .collect();
    Signed::from_headers(&headers)
}

fn check(body: &str, signed: &Signed, keys: &Keys) -> Verdict {
    verify(body.as_bytes(), signed, keys, None)
}

#[test]
fn the_signature_is_the_hmac_of_body_and_timestamp() {
    // echo -n 'body2026-03-02T09:15:01-08:00' | openssl dgst -sha256 -hmac key -binary | base64
    assert_eq!(
        sign(&Secret::new("key"), b"body", AT),
        "OSaeRgTG8S/Xn+y9NVQB6vCDKOHeQB3ljTKc1hlF/sY="
    );
}

#[test]
fn both_keys_hold_over_the_exact_bytes() {
    let verdict = check(BODY, &signed(), &keys());
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.matched().collect::<Vec<_>>(), KeySlot::BOTH);
}

#[test]
fn one_key_is_enough_and_the_other_is_named() {
    let one = Keys {
        primary: Some(Secret::new("stale")),
        ..keys()
    };
    let verdict = check(BODY, &signed(), &one);
    assert!(verdict.holds());
    assert_eq!(
        verdict.matches,
        [
            Match::Fails(KeySlot::Primary),
            Match::Holds(KeySlot::Secondary)
        ]
    );
    let only = Keys {
        secondary: None,
        ..keys()
    };
    assert_eq!(
        check(BODY, &signed(), &only).matches[1],
        Match::NoKey(KeySlot::Secondary)
    );
}

#[test]
fn a_body_that_was_written_again_is_recognised() {
    for (body, how) in [
        (
            "{\n  \"name\": \"Über/sicht\",\n  \"n\": 1\n}\n",
            Rewriting::Reserialised,
        ),
        (r#"{"name":"Über/sicht","n":1}"#, Rewriting::Reserialised),
        (
            "{\"name\":\"\\u00dcber\\/sicht\",\"n\":1}\n",
            Rewriting::Padded,
        ),
        (
            "\u{feff}{\"name\":\"\\u00dcber\\/sicht\",\"n\":1}",
            Rewriting::Recoded,
        ),
    ] {
        let verdict = check(body, &signed(), &keys());
        assert_eq!(verdict.flaws, [Flaw::NoMatch], "{body}");
        assert_eq!(
            verdict.matches[0],
            Match::Rewritten(KeySlot::Primary, how),
            "{body}"
        );
    }
}

#[test]
fn a_changed_body_matches_nothing() {
    let verdict = check(r#"{"name":"else"}"#, &signed(), &keys());
    assert_eq!(verdict.flaws, [Flaw::NoMatch]);
    assert_eq!(verdict.matches[0], Match::Fails(KeySlot::Primary));
}

#[test]
fn swapped_keys_are_recognised() {
    let swapped = Keys {
        primary: Some(Secret::new("two")),
        secondary: Some(Secret::new("one")),
    };
    let verdict = check(BODY, &signed(), &swapped);
    assert!(!verdict.holds());
    assert_eq!(
        verdict.matches[0],
        Match::Crossed(KeySlot::Primary, KeySlot::Secondary)
    );
}

#[test]
fn a_missing_header_is_named() {
    let unsigned = Signed::default();
    assert_eq!(check(BODY, &unsigned, &keys()).flaws, [Flaw::Unsigned]);
    let timeless = Signed {
        timestamp: None,
        ..signed()
    };
    assert_eq!(check(BODY, &timeless, &keys()).flaws, [Flaw::NoTimestamp]);
    let old_scheme = Signed {
        algorithm: Some("HmacSHA1".to_owned()),
        version: None,
        ..signed()
    };
    assert_eq!(
        check(BODY, &old_scheme, &keys()).flaws,
        [
            Flaw::Algorithm(Some("HmacSHA1".to_owned())),
            Flaw::Version(None)
        ]
    );
    let one_sided = Signed {
        secondary: None,
        ..signed()
    };
    assert_eq!(
        check(BODY, &one_sided, &keys()).matches[1],
        Match::NoSignature(KeySlot::Secondary)
    );
}

#[test]
fn age_is_checked_only_on_request() {
    let at: Timestamp = AT.parse().expect("a time");
    let check = |seconds: i64| {
        let age = Age {
            now: at + jiff::SignedDuration::from_secs(seconds),
            allowed: MAX_AGE_SECONDS,
        };
        verify(BODY.as_bytes(), &signed(), &keys(), Some(age)).flaws
    };
    assert!(check(600).is_empty());
    assert_eq!(
        check(601),
        [Flaw::TooOld {
            age: 601,
            allowed: 600
        }]
    );
    assert_eq!(check(-1), [Flaw::InTheFuture(1)]);
}

#[test]
fn signatures_that_are_not_base64_match_nothing() {
    let garbage = Signed {
        primary: Some("☃".to_owned()),
        ..signed()
    };
    assert_eq!(
        check(BODY, &garbage, &keys()).matches[0],
        Match::Fails(KeySlot::Primary)
    );
}
