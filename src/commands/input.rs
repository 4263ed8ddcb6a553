//! How commands read their input files: a path or `-`, up to a limit, into memory. What cannot
//! be read, or is no JSON, is a wrong input: exit code 2.

use std::{fs::File, io::Read, path::Path};

use serde_json::Value;

use crate::{
    domain::json::document::{Document, SyntaxError},
    exit::{Failure, Problem},
    render::diagnostic,
};

/// The path that stands for the standard input.
pub const STDIN: &str = "-";

/// What `path` is called in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new(STDIN) {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The bytes of the file at `path`, or of the standard input for `-`, if there are at most
/// `limit` of them.
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    if path == Path::new(STDIN) {
        return up_to(std::io::stdin().lock(), path, limit);
    }
    let cannot = |error: &std::io::Error| {
        Problem::new(format!("cannot read {}: {error}", path.display())).usage()
    };
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let about = file.metadata().map_err(|error| cannot(&error))?;
    if about.is_dir() {
        return Err(Problem::new(format!("{} is a folder, not a file", path.display())).usage());
    }
    if about.len() > limit {
        return Err(too_large(path, limit));
    }
    up_to(file, path, limit)
}

/// The JSON document at `path`, or on the standard input for `-`. `width` is that of the terminal,
/// for the excerpt that shows where it is no JSON.
pub fn document(path: &Path, limit: u64, width: usize) -> Result<Document, Failure> {
    Document::parse(name(path), bytes(path, limit)?).map_err(|error| no_json(&error, width))
}

/// A JSON document of an input.
pub struct Part {
    /// The document; where it is a line of the input, it is called by it: `events.jsonl:7`.
    pub document: Document,
    /// The lines of the input before it.
    pub lines_before: usize,
}

/// The JSON documents of an input: one, or one for each line where the lines are JSON by
/// themselves (.jsonl).
pub fn documents(name: &str, bytes: Vec<u8>, width: usize) -> Result<Vec<Part>, Failure> {
    let part = |document, lines_before| Part {
        document,
        lines_before,
    };
    let whole = match Document::parse(name, bytes.clone()) {
        Ok(document) => return Ok(vec![part(document, 0)]),
        Err(error) => error,
    };
    let text = String::from_utf8(bytes).unwrap_or_default();
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    let first_is_json = |(_, line): &(usize, &str)| {
        serde_json::from_str::<Value>(line).is_ok_and(|v| v.is_object())
    };
    if lines.len() < 2 || !lines.first().is_some_and(first_is_json) {
        return Err(no_json(&whole, width));
    }
    lines
        .into_iter()
        .map(|(index, line)| {
            let name = format!("{name}:{}", index + 1);
            Document::parse(name, line.as_bytes().to_vec())
                .map(|document| part(document, index))
                .map_err(|error| no_json(&error, width))
        })
        .collect()
}

/// A text that is no JSON, as the problem that ends the command.
pub fn no_json(error: &SyntaxError, width: usize) -> Failure {
    let mut problem = Problem::new(format!(
        "{} cannot be read as JSON: {}",
        error.name, error.message
    ))
    .excerpt(diagnostic::syntax_excerpt(error, width.saturating_sub(2)));
    problem.help.clone_from(&error.help);
    problem.usage()
}

fn up_to(source: impl Read, path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells "just fits" from "too large" without reading it all.
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Problem::new(format!("cannot read {}: {error}", name(path))).usage())?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, limit));
    }
    Ok(bytes)
}

fn too_large(path: &Path, limit: u64) -> Failure {
    Problem::new(format!(
        "{} is larger than the limit of {limit} bytes",
        name(path)
    ))
    .help("raise it with --max-input")
    .usage()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("it can be written");
        file
    }

    fn message(failure: Failure) -> String {
        match failure {
            Failure::Usage(problem) => problem.message,
            other => panic!("exit code 2 was expected: {other:?}"),
        }
    }

    #[test]
    fn a_file_may_just_fit_and_no_more() {
        let file = file_of("[1]");
        assert_eq!(bytes(file.path(), 3).expect("it fits"), b"[1]");
        let refused = bytes(file.path(), 2).expect_err("it does not");
        assert!(message(refused).contains("the limit of 2 bytes"));
    }

    #[test]
    fn the_limit_holds_where_no_size_is_known_beforehand() {
        let refused = up_to(std::io::repeat(b' '), Path::new(STDIN), 1000).expect_err("endless");
        assert!(message(refused).starts_with("<stdin> is larger"));
    }

    #[test]
    fn folders_missing_files_and_broken_json_are_wrong_inputs() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(message(bytes(folder.path(), 9).expect_err("a folder")).contains("is a folder"));
        let missing = folder.path().join("none.json");
        assert!(message(bytes(&missing, 9).expect_err("missing")).contains("none.json"));
        let broken = file_of("{\"a\": oops}");
        let refused = document(broken.path(), 100, 80).expect_err("no JSON");
        assert!(message(refused).contains("cannot be read as JSON: expected value"));
    }
}
