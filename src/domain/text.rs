//! Text for messages: shortened, of an error's cause, and detection of misspellings.

use std::{borrow::Cow, error::Error};

/// The innermost cause of an error: the layers above it only report that something failed.
pub fn innermost_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The first `max_chars` characters of `text`, with `…` for the rest.
pub fn shortened(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        Some((cut, _)) => Cow::Owned(format!("{}…", &text[..cut])),
        None => Cow::Borrowed(text),
    }
}

/// A number and what is counted: `1 event`, `2 events`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Whether `text` is `meant` except for one or two letters.
pub fn is_misspelling(text: &str, meant: &str) -> bool {
    text != meant && text.len().abs_diff(meant.len()) <= 2 && strsim::osa_distance(text, meant) <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_longer_text_is_cut() {
        assert_eq!(shortened("éé", 2), "éé");
        assert_eq!(shortened("ééé", 2), "éé…");
    }
}
