//! Reads inputs that the user names: a file, or standard input for `-`, into memory and up to a limit.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::domain::json::document::{Document, SyntaxError};

/// The path that names the standard input.
pub const STDIN: &str = "-";

/// Why an input could not be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system refused to read it.
    #[error("cannot read {name}: {error}")]
    Unreadable {
        /// Its name in messages.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// It is a folder.
    #[error("{} is a folder, not a file", _0.display())]
    Folder(PathBuf),
    /// It has more bytes than allowed.
    #[error("{name} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its name in messages.
        name: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// It is not text.
    #[error("{name}:{line} holds bytes that are not UTF-8")]
    NotUtf8 {
        /// Its name in messages.
        name: String,
        /// The line of the first such byte, from 1.
        line: usize,
    },
    /// It is not JSON.
    #[error("{} cannot be read as JSON: {}", _0.name, _0.message)]
    Syntax(Box<SyntaxError>),
}

/// The name of an input in messages: its path, or `<stdin>`.
pub fn name(path: &Path) -> String {
    if path == Path::new(STDIN) {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The bytes of the input at `path`, at most `limit` of them.
///
/// # Errors
/// [`InputError`] for an input that cannot be read, is a folder or is larger than `limit`.
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    if path == Path::new(STDIN) {
        return read_up_to(io::stdin().lock(), path, limit);
    }
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
    if metadata.is_dir() {
        return Err(InputError::Folder(path.to_owned()));
    }
    if metadata.len() > limit {
        return Err(too_large(path, limit));
    }
    read_up_to(file, path, limit)
}

/// The text of the input at `path`, at most `limit` bytes.
///
/// # Errors
/// As [`bytes()`], and [`InputError::NotUtf8`].
pub fn text(path: &Path, limit: u64) -> Result<String, InputError> {
    String::from_utf8(bytes(path, limit)?).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        InputError::NotUtf8 {
            name: name(path),
            line: valid.split(|byte| *byte == b'\n').count(),
        }
    })
}

/// The JSON document at `path`, at most `limit` bytes.
///
/// # Errors
/// As [`bytes()`], and [`InputError::Syntax`].
pub fn document(path: &Path, limit: u64) -> Result<Document, InputError> {
    parse(name(path), bytes(path, limit)?)
}

/// The JSON document in `bytes`, called `name` in messages.
///
/// # Errors
/// [`InputError::Syntax`].
pub fn parse(name: impl Into<String>, bytes: Vec<u8>) -> Result<Document, InputError> {
    Document::parse(name, bytes).map_err(InputError::Syntax)
}

/// One of the JSON documents of an input.
pub struct InputDocument {
    /// The document. One that is a line of the input is named by it: `events.jsonl:7`.
    pub document: Document,
    /// The lines of the input before it.
    pub lines_before: usize,
}

/// The JSON documents of an input: the whole input as one, or one for each line where the lines are
/// JSON by themselves (`.jsonl`).
///
/// # Errors
/// [`InputError::Syntax`].
pub fn documents(name: &str, bytes: Vec<u8>) -> Result<Vec<InputDocument>, InputError> {
    let whole = match parse(name, bytes.clone()) {
        Ok(document) => {
            return Ok(vec![InputDocument {
                document,
                lines_before: 0,
            }]);
        }
        Err(error) => error,
    };
    let text = String::from_utf8(bytes).unwrap_or_default();
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    let is_object = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.is_object())
    };
    if lines.len() < 2 || !is_object(lines[0].1) {
        return Err(whole);
    }
    lines
        .into_iter()
        .map(|(index, line)| {
            Ok(InputDocument {
                document: parse(format!("{name}:{}", index + 1), line.as_bytes().to_vec())?,
                lines_before: index,
            })
        })
        .collect()
}

fn read_up_to(source: impl Read, path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    // One byte more than the limit distinguishes "just fits" from "too large" without reading on.
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, limit));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: io::Error) -> InputError {
    InputError::Unreadable {
        name: name(path),
        error,
    }
}

fn too_large(path: &Path, limit: u64) -> InputError {
    InputError::TooLarge {
        name: name(path),
        limit,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_with(text: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text).expect("it can be written");
        file
    }

    #[test]
    fn a_file_may_just_fit_and_no_more() {
        let file = file_with(b"[1]");
        assert_eq!(bytes(file.path(), 3).expect("it fits"), b"[1]");
        let refused = bytes(file.path(), 2).expect_err("it does not");
        assert!(refused.to_string().contains("the limit of 2 bytes"));
    }

    #[test]
    fn the_limit_holds_where_no_size_is_known_beforehand() {
        let refused = read_up_to(io::repeat(b' '), Path::new(STDIN), 1000).expect_err("endless");
        assert!(refused.to_string().starts_with("<stdin> is larger"));
    }

    #[test]
    fn folders_missing_files_and_broken_json_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = bytes(folder.path(), 9).expect_err("a folder");
        assert!(refused.to_string().contains("is a folder"));
        let missing = folder.path().join("none.json");
        let refused = bytes(&missing, 9).expect_err("missing");
        assert!(refused.to_string().contains("none.json"));
        let broken = file_with(b"{\"a\": oops}");
        let refused = document(broken.path(), 100).expect_err("no JSON");
        assert!(
            refused
                .to_string()
                .contains("cannot be read as JSON: expected value")
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named_by_their_line() {
        let file = file_with(b"one\ntwo\xff\n");
        let refused = text(file.path(), 100).expect_err("not text");
        assert!(refused.to_string().contains(":2 holds bytes"), "{refused}");
    }
}
