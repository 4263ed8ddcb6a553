//! Bytes as hexadecimal text.

use std::fmt::Write;

/// `bytes` in lower-case hexadecimal, two digits each.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_two_lower_case_digits() {
        assert_eq!(encode(&[0x00, 0xaf, 0x5c]), "00af5c");
    }
}
