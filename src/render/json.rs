//! JSON on a terminal: characters that control a terminal are escaped, as JSON allows in any string.

use std::fmt::Write;

use serde_json::Value;

use super::text::is_unshowable;

/// A value over several lines, indented by two, ended by a line break.
pub fn pretty(value: &Value) -> String {
    // Values hold strings for keys and finite numbers: they can always be written.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut safe = escaped(text);
    safe.push('\n');
    safe
}

/// A value on one line, ended by a line break.
pub fn line(value: &Value) -> String {
    let mut safe = escaped(value.to_string());
    safe.push('\n');
    safe
}

/// JSON text with the characters escaped that control a terminal. serde_json escapes those below
/// U+0020; the others occur only in strings.
pub fn escaped(text: String) -> String {
    // Most text is ASCII, in which only U+007F remains to be escaped.
    if text.is_ascii() && !text.contains('\u{7f}') {
        return text;
    }
    let controls = |character: char| character != '\n' && is_unshowable(character);
    if !text.contains(controls) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if controls(character) {
            // Writing to a string cannot fail; every such character is below U+10000.
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn characters_that_control_a_terminal_are_escaped_and_read_back() {
        let value = json!({"a\u{7f}": "b\u{9b}31m\u{202e}c\n\u{1b}", "d": "é日"});
        for text in [line(&value), pretty(&value)] {
            assert!(
                !text.contains(|it: char| it != '\n' && is_unshowable(it)),
                "{text:?}"
            );
            assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
        }
    }
}
