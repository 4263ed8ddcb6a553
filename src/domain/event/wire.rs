//! The bytes of an event as Box writes them: compact, `/` as `\/`, and everything from U+007F up
//! as lower-case `\uXXXX`. Legacy Node SDKs serialise a parsed body again in just that form
//! before they hash it, so a body written any other way fails their signature check
//! (`docs/box/events.md`, "Encoding").

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// Writes `value` the way Box writes event bodies.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4096);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, BoxFormatter);
    value
        .serialize(&mut serializer)
        .expect("a JSON value always serialises into memory");
    bytes
}

struct BoxFormatter;

impl Formatter for BoxFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            if character != '/' && character < '\u{7f}' {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            plain = at + character.len_utf8();
            if character == '/' {
                writer.write_all(b"\\/")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn slashes_and_non_ascii_letters_are_escaped_as_box_does() {
        let value = json!({"name": "Übersicht/会議 😀\u{7f}.txt", "n": 1});
        assert_eq!(
            String::from_utf8(encode(&value)).expect("ASCII"),
            r#"{"name":"\u00dcbersicht\/\u4f1a\u8b70 \ud83d\ude00\u007f.txt","n":1}"#
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_ascii_and_reads_back(text in ".*", key in ".*") {
            let value = json!({key: [text]});
            let bytes = encode(&value);
            prop_assert!(bytes.iter().all(u8::is_ascii));
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("JSON"), value);
        }
    }
}
