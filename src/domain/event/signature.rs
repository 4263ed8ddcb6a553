//! Box's signatures of an event: base64 of HMAC-SHA256 over the exact bytes of the body followed
//! by the bytes of the `box-delivery-timestamp` header (`docs/box/events.md`, "Signature"). They
//! are made for deliveries and verified for captures; a failed check has a reason.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::wire;
use crate::domain::secret::Secret;

/// The header with the time of the delivery, in RFC 3339.
pub const TIMESTAMP: &str = "box-delivery-timestamp";
/// The header that names the algorithm.
pub const ALGORITHM: &str = "box-signature-algorithm";
/// The header with the signature made with the primary key.
pub const PRIMARY: &str = "box-signature-primary";
/// The header with the signature made with the secondary key.
pub const SECONDARY: &str = "box-signature-secondary";
/// The header with the version of the scheme.
pub const VERSION: &str = "box-signature-version";
/// The only algorithm there is.
pub const HMAC_SHA256: &str = "HmacSHA256";
/// The only version there is.
pub const VERSION_1: &str = "1";
/// Seconds after which Box's SDKs refuse a delivery.
pub const MAX_AGE_SECONDS: i64 = 600;

/// Which of the two keys of an app. There are two so that one can be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeySlot {
    /// The primary key.
    Primary,
    /// The secondary key.
    Secondary,
}

impl KeySlot {
    /// Both, in Box's order.
    pub const BOTH: [Self; 2] = [Self::Primary, Self::Secondary];

    /// `primary` or `secondary`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }

    /// The header that carries the signature made with this key.
    pub fn header(self) -> &'static str {
        match self {
            Self::Primary => PRIMARY,
            Self::Secondary => SECONDARY,
        }
    }
}

impl fmt::Display for KeySlot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The keys that are known.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The app's primary key.
    pub primary: Option<Secret>,
    /// The app's secondary key.
    pub secondary: Option<Secret>,
}

impl Keys {
    /// The key in `slot`, where it is known.
    pub fn get(&self, slot: KeySlot) -> Option<&Secret> {
        match slot {
            KeySlot::Primary => self.primary.as_ref(),
            KeySlot::Secondary => self.secondary.as_ref(),
        }
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.primary.is_none() && self.secondary.is_none()
    }
}

/// The signature of `body`, delivered at `timestamp`, with `key`.
pub fn sign(key: &Secret, body: &[u8], timestamp: &str) -> String {
    STANDARD.encode(mac(key, body, timestamp).finalize().into_bytes())
}

/// The headers that Box signs a delivery with, for the keys that are known.
pub fn headers(keys: &Keys, body: &[u8], timestamp: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        (TIMESTAMP, timestamp.to_owned()),
        (ALGORITHM, HMAC_SHA256.to_owned()),
    ];
    for slot in KeySlot::BOTH {
        if let Some(key) = keys.get(slot) {
            headers.push((slot.header(), sign(key, body, timestamp)));
        }
    }
    headers.push((VERSION, VERSION_1.to_owned()));
    headers
}

/// Whether `name` is a header that signs a delivery, whatever its case.
pub fn is_signature_header(name: &str) -> bool {
    [TIMESTAMP, ALGORITHM, PRIMARY, SECONDARY, VERSION]
        .iter()
        .any(|header| name.eq_ignore_ascii_case(header))
}

fn mac(key: &Secret, body: &[u8], timestamp: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(body);
    mac.update(timestamp.as_bytes());
    mac
}

/// The signature headers of a captured delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// `box-delivery-timestamp`.
    pub timestamp: Option<String>,
    /// `box-signature-algorithm`.
    pub algorithm: Option<String>,
    /// `box-signature-version`.
    pub version: Option<String>,
    /// `box-signature-primary`.
    pub primary: Option<String>,
    /// `box-signature-secondary`.
    pub secondary: Option<String>,
}

impl Signed {
    /// Picks the signature headers out of all headers, whatever their case.
    pub fn from_headers(headers: &[(String, String)]) -> Self {
        let value = |name: &str| {
            headers
                .iter()
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        Self {
            timestamp: value(TIMESTAMP),
            algorithm: value(ALGORITHM),
            version: value(VERSION),
            primary: value(PRIMARY),
            secondary: value(SECONDARY),
        }
    }

    /// The signature in the header of `slot`.
    pub fn signature(&self, slot: KeySlot) -> Option<&str> {
        match slot {
            KeySlot::Primary => self.primary.as_deref(),
            KeySlot::Secondary => self.secondary.as_deref(),
        }
    }
}

/// The result of checking one key against the signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The key of this slot made the signature of this slot.
    Holds(KeySlot),
    /// The key of the first slot made the signature of the second.
    Crossed(KeySlot, KeySlot),
    /// The key of this slot made the signature over other bytes than the captured ones.
    Rewritten(KeySlot, Rewriting),
    /// The key of this slot made neither signature.
    Fails(KeySlot),
    /// A signature of this slot is there, but no key.
    NoKey(KeySlot),
    /// A key of this slot is there, but no signature.
    NoSignature(KeySlot),
}

/// What happened to the body between Box and the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewriting {
    /// It was parsed and written again; Box wrote it compact, with `\/` and `\uXXXX`.
    Reserialised,
    /// White space was added at its ends.
    Padded,
    /// Its line ends or its byte order mark are not Box's.
    Recoded,
}

impl Rewriting {
    /// What happened, in a sentence without a full stop.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Reserialised => {
                "the body was parsed and written again: the signature is for the body as Box writes \
                 it, compact, with `\\/` and lower-case `\\uXXXX`"
            }
            Self::Padded => {
                "there is white space around the body that Box did not send, such as a line end \
                 that an editor added"
            }
            Self::Recoded => "the body has a byte order mark or line ends that Box did not send",
        }
    }
}

/// Why a delivery cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// None of Box's signature headers is there.
    Unsigned,
    /// The timestamp is part of what is signed, and it is missing.
    NoTimestamp,
    /// The timestamp is not an RFC 3339 time.
    BadTimestamp(String),
    /// Another algorithm than HmacSHA256, which Box's SDKs refuse.
    Algorithm(Option<String>),
    /// Another version than 1, which Box's SDKs refuse.
    Version(Option<String>),
    /// It was delivered this many seconds ago, more than are allowed.
    TooOld {
        /// Seconds since the delivery.
        age: i64,
        /// Seconds allowed.
        allowed: i64,
    },
    /// It was delivered this many seconds from now.
    InTheFuture(i64),
    /// No key made a signature over these bytes.
    NoMatch,
}

/// The result of checking a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The result for each key and signature.
    pub matches: Vec<Match>,
    /// Why it cannot be trusted; empty if it can.
    pub flaws: Vec<Flaw>,
}

impl Verdict {
    /// Whether a receiver may trust the delivery.
    pub fn holds(&self) -> bool {
        self.flaws.is_empty()
    }

    /// The keys that made the signature of their own slot.
    pub fn matched(&self) -> impl Iterator<Item = KeySlot> + '_ {
        self.matches.iter().filter_map(|found| match found {
            Match::Holds(slot) => Some(*slot),
            _ => None,
        })
    }
}

/// How old a delivery may be.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    /// The present moment.
    pub now: Timestamp,
    /// Seconds allowed between the delivery and `now`.
    pub allowed: i64,
}

/// Verifies a delivery as a receiver does: one of the signatures must match. Its age is checked only
/// if `age` is given, because captures are always old.
pub fn verify(body: &[u8], signed: &Signed, keys: &Keys, age: Option<Age>) -> Verdict {
    if signed.primary.is_none() && signed.secondary.is_none() {
        return Verdict {
            matches: Vec::new(),
            flaws: vec![Flaw::Unsigned],
        };
    }
    let Some(timestamp) = &signed.timestamp else {
        return Verdict {
            matches: Vec::new(),
            flaws: vec![Flaw::NoTimestamp],
        };
    };
    let candidates = candidates(body);
    let matches: Vec<Match> = KeySlot::BOTH
        .into_iter()
        .filter_map(|slot| compare(slot, &candidates, timestamp, signed, keys))
        .collect();
    let mut flaws = scheme_flaws(signed);
    flaws.extend(age.and_then(|age| age_flaw(timestamp, age)));
    if !matches.iter().any(|found| matches!(found, Match::Holds(_))) {
        flaws.push(Flaw::NoMatch);
    }
    Verdict { matches, flaws }
}

fn scheme_flaws(signed: &Signed) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if signed.algorithm.as_deref() != Some(HMAC_SHA256) {
        flaws.push(Flaw::Algorithm(signed.algorithm.clone()));
    }
    if signed.version.as_deref() != Some(VERSION_1) {
        flaws.push(Flaw::Version(signed.version.clone()));
    }
    flaws
}

fn age_flaw(timestamp: &str, Age { now, allowed }: Age) -> Option<Flaw> {
    let Ok(at) = timestamp.parse::<Timestamp>() else {
        return Some(Flaw::BadTimestamp(timestamp.to_owned()));
    };
    let age = now.as_second() - at.as_second();
    match age {
        ..0 => Some(Flaw::InTheFuture(-age)),
        _ if age > allowed => Some(Flaw::TooOld { age, allowed }),
        _ => None,
    }
}

/// The body as captured, and as it may have been before a tool rewrote it.
fn candidates(body: &[u8]) -> Vec<(Option<Rewriting>, Vec<u8>)> {
    let mut candidates = vec![(None, body.to_vec())];
    let trimmed = body.trim_ascii();
    candidates.push((Some(Rewriting::Padded), trimmed.to_vec()));
    let bare = trimmed.strip_prefix(b"\xef\xbb\xbf").unwrap_or(trimmed);
    let text = String::from_utf8_lossy(bare);
    candidates.push((
        Some(Rewriting::Recoded),
        text.replace("\r\n", "\n").into_bytes(),
    ));
    if let Ok(value) = serde_json::from_slice::<Value>(bare) {
        candidates.push((Some(Rewriting::Reserialised), wire::encode(&value)));
        candidates.push((
            Some(Rewriting::Reserialised),
            value.to_string().into_bytes(),
        ));
    }
    candidates
}

/// The result of checking the key of one slot against both signatures; `None` where there is
/// neither a key nor a signature.
fn compare(
    slot: KeySlot,
    candidates: &[(Option<Rewriting>, Vec<u8>)],
    timestamp: &str,
    signed: &Signed,
    keys: &Keys,
) -> Option<Match> {
    let own = signed.signature(slot);
    let Some(key) = keys.get(slot) else {
        return own.map(|_| Match::NoKey(slot));
    };
    let made = |body: &[u8], signature: Option<&str>| {
        signature
            .and_then(|text| STANDARD.decode(text).ok())
            .is_some_and(|bytes| mac(key, body, timestamp).verify_slice(&bytes).is_ok())
    };
    for (rewriting, body) in candidates {
        if made(body, own) {
            return Some(rewriting.map_or(Match::Holds(slot), |how| Match::Rewritten(slot, how)));
        }
    }
    let other = match slot {
        KeySlot::Primary => KeySlot::Secondary,
        KeySlot::Secondary => KeySlot::Primary,
    };
    if candidates
        .iter()
        .any(|(_, body)| made(body, signed.signature(other)))
    {
        return Some(Match::Crossed(slot, other));
    }
    Some(if own.is_some() {
        Match::Fails(slot)
    } else {
        Match::NoSignature(slot)
    })
}

#[cfg(test)]
mod tests;
