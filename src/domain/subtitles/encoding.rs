//! Files of text to text: UTF-8, and UTF-16 in both byte orders.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes that are not text in an encoding that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotText {
    /// The line of the first byte that is not UTF-8, from 1.
    pub line: usize,
}

/// The text of `bytes`, without a byte order mark. The mark decides the encoding; without one, zero
/// bytes in every second place mean UTF-16, and anything else is UTF-8.
///
/// # Errors
/// [`NotText`].
pub fn decode(bytes: &[u8]) -> Result<String, NotText> {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or_else(|| (guess(bytes), 0));
    let (text, has_errors) = encoding.decode_without_bom_handling(&bytes[mark..]);
    if has_errors {
        let valid = match std::str::from_utf8(bytes) {
            Err(error) if encoding == UTF_8 => &bytes[..error.valid_up_to()],
            _ => bytes,
        };
        let line = valid.split(|byte| *byte == b'\n').count();
        return Err(NotText { line });
    }
    Ok(text.into_owned())
}

/// The encoding of bytes without a mark, by their start.
fn guess(bytes: &[u8]) -> &'static Encoding {
    const MAX_LOOKED_AT: usize = 512;
    let start = &bytes[..bytes.len().min(MAX_LOOKED_AT) & !1];
    let pairs = start.len() / 2;
    let zeros = |offset: usize| {
        let bytes = start.iter().skip(offset).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    match (zeros(0), zeros(1)) {
        _ if pairs == 0 => UTF_8,
        (0, low) if low * 2 > pairs => UTF_16LE,
        (high, 0) if high * 2 > pairs => UTF_16BE,
        _ => UTF_8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn utf_8_and_utf_16_are_read_with_and_without_a_mark() {
        for text in ["1\nAlpha é 日本\n", "a"] {
            for mark in ["", "\u{feff}"] {
                let marked = format!("{mark}{text}");
                for bytes in [
                    marked.clone().into_bytes(),
                    utf16(&marked, u16::to_le_bytes),
                    utf16(&marked, u16::to_be_bytes),
                ] {
                    assert_eq!(decode(&bytes).as_deref(), Ok(text), "{bytes:?}");
                }
            }
        }
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn other_bytes_are_refused_with_their_line() {
        assert_eq!(decode(b"a\nb\ncaf\xe9"), Err(NotText { line: 3 }));
        assert!(decode(b"\xff\xfea\x00\x00\xd8").is_err());
    }
}
