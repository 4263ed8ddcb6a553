//! A captured delivery of an event: the exact body and the signature headers. `signature` verifies it.

use super::{
    envelope,
    signature::{HMAC_SHA256, Signed, VERSION_1},
};
use crate::domain::{diagnostic::Diagnostic, json::tree::Tree};

/// A delivery as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedDelivery {
    /// The exact bytes of the body.
    pub body: Vec<u8>,
    /// The signature headers.
    pub signed: Signed,
}

/// Header values given on their own; they override the headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenHeaders {
    /// `box-delivery-timestamp`.
    pub timestamp: Option<String>,
    /// `box-signature-primary`.
    pub primary: Option<String>,
    /// `box-signature-secondary`.
    pub secondary: Option<String>,
}

impl CapturedDelivery {
    /// The delivery in an API Gateway proxy event; `None` where the document is not one.
    ///
    /// # Errors
    /// A body that cannot be decoded.
    pub fn from_proxy_event(document: Tree<'_>) -> Result<Option<Self>, Box<Diagnostic>> {
        let Some(unwrapped) = envelope::unwrap(document) else {
            return Ok(None);
        };
        let unwrapped = unwrapped?;
        Ok(Some(Self {
            body: unwrapped.body.to_vec(),
            signed: Signed::from_headers(&unwrapped.headers),
        }))
    }

    /// The delivery with this body, these headers and the values given on their own. Without headers
    /// the algorithm and version are assumed to be Box's.
    pub fn from_parts(
        body: Vec<u8>,
        headers: Option<&[(String, String)]>,
        given: GivenHeaders,
    ) -> Self {
        let mut signed = Signed::from_headers(headers.unwrap_or_default());
        signed.timestamp = given.timestamp.or(signed.timestamp);
        signed.primary = given.primary.or(signed.primary);
        signed.secondary = given.secondary.or(signed.secondary);
        if headers.is_none() {
            signed.algorithm = Some(HMAC_SHA256.to_owned());
            signed.version = Some(VERSION_1.to_owned());
        }
        Self { body, signed }
    }
}

/// The members of a JSON object as headers; of several values the first.
pub fn headers_in(object: Tree<'_>) -> Vec<(String, String)> {
    let members = object.as_object().unwrap_or_default();
    members
        .iter()
        .filter_map(|(name, value)| {
            let value = match value {
                Tree::Array(values) => values.first()?,
                value => value,
            };
            Some((name.to_owned(), value.as_str()?.to_owned()))
        })
        .collect()
}

/// Headers as one `name: value` a line; a `<` or `>` before them, as `curl -v` prints it, is
/// ignored.
pub fn header_lines(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.trim_start_matches(['<', '>', ' ']).split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        event::signature::{KeySlot, Keys, sign, verify},
        json::tree::Tape,
        secret::Secret,
    };

    const BODY: &[u8] = br#"{"type":"skill_invocation"}"#;
    const TIME: &str = "2026-03-02T09:15:01-08:00";

    fn keys() -> Keys {
        Keys {
            primary: Some(Secret::new("a key")),
            secondary: None,
        }
    }

    fn signature() -> String {
        sign(&Secret::new("a key"), BODY, TIME)
    }

    #[test]
    fn a_delivery_of_parts_is_verified_without_headers() {
        let delivery = CapturedDelivery::from_parts(
            BODY.to_vec(),
            None,
            GivenHeaders {
                timestamp: Some(TIME.to_owned()),
                primary: Some(signature()),
                secondary: None,
            },
        );
        let verdict = verify(&delivery.body, &delivery.signed, &keys(), None);
        assert!(verdict.holds(), "{verdict:?}");
        assert_eq!(verdict.matched().collect::<Vec<_>>(), [KeySlot::Primary]);
    }

    #[test]
    fn a_given_value_overrides_the_header() {
        let lines = format!(
            "< Box-Delivery-Timestamp: {TIME}\n> box-signature-algorithm: HmacSHA256\n\
             box-signature-version: 1\nbox-signature-primary: wrong\n"
        );
        let headers = header_lines(&lines);
        let given = GivenHeaders {
            primary: Some(signature()),
            ..GivenHeaders::default()
        };
        let delivery = CapturedDelivery::from_parts(BODY.to_vec(), Some(&headers), given);
        assert!(verify(&delivery.body, &delivery.signed, &keys(), None).holds());
    }

    #[test]
    fn headers_of_an_object_take_the_first_of_several_values() {
        let headers = serde_json::json!({"A": "1", "B": ["2", "3"], "C": 4});
        let headers = headers_in(Tape::from_value(&headers).tree());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(headers, [pair("A", "1"), pair("B", "2")]);
    }

    #[test]
    fn a_document_without_an_envelope_is_not_a_proxy_event() {
        let bare = serde_json::json!({"type": "skill_invocation"});
        assert_eq!(
            CapturedDelivery::from_proxy_event(Tape::from_value(&bare).tree()),
            Ok(None)
        );
    }
}
