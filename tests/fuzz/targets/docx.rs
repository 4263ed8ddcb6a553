//! The text of a .docx: a zip where the bytes begin as one, else the XML inside it.

use std::io::Cursor;

use skillctl::store::content::docx::{text_of, words};

/// The maximum length of the text, and of the note that may follow it.
const MOST: usize = 4 * 1024 * 1024 + 8;

pub(crate) fn check(bytes: &[u8]) {
    let read = if bytes.starts_with(b"PK") {
        text_of(Cursor::new(bytes))
    } else {
        words(bytes)
    };
    match read {
        Ok(text) => assert!(text.len() <= MOST, "{} bytes of text", text.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
