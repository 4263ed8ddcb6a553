//! The inputs of `cards render` and `cards validate`: files with cards in any of their shapes, and
//! the records of a mock. Of records, the last cards of each file count.

use std::path::{Path, PathBuf};

use crate::{
    commands::wrong_input::wrong_limited_input,
    domain::{
        card::shape,
        diagnostic::Diagnostic,
        json::document::{Document, Located},
    },
    env::input::{self, InputDocument},
    exit::{Failure, Problem},
};

/// A document with cards, and where it comes from.
pub(super) struct Source {
    /// The name of its cards: that of the input, and the file that a record is about.
    pub(super) title: String,
    /// The input, for places in it.
    pub(super) file: String,
    /// The document.
    pub(super) document: Document,
    lines_before: usize,
}

impl Source {
    fn new(file: &str, part: InputDocument) -> Self {
        Self {
            title: part.document.name.clone(),
            file: file.to_owned(),
            document: part.document,
            lines_before: part.lines_before,
        }
    }

    /// The places of findings in the input.
    pub(super) fn locate<'a>(&self, findings: &'a [Diagnostic]) -> Vec<Located<'a>> {
        let mut located = self.document.locate(findings);
        for one in &mut located {
            one.place.line += self.lines_before;
        }
        located
    }
}

/// Reads every file. Fails if one cannot be read or is not JSON.
pub(super) fn sources(paths: &[PathBuf], limit: u64, width: usize) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        sources.extend(read_file(path, limit, width)?);
    }
    Ok(sources)
}

fn read_file(path: &Path, limit: u64, width: usize) -> Result<Vec<Source>, Failure> {
    let name = input::name(path);
    let parts = input::bytes(path, limit)
        .and_then(|bytes| input::documents(&name, bytes))
        .map_err(wrong_limited_input(width))?;
    let last_states = match parts.as_slice() {
        [_] => None,
        several => shape::last_states(several.iter().map(|part| part.document.tree())),
    };
    let Some(last_states) = last_states else {
        return Ok(parts
            .into_iter()
            .map(|part| Source::new(&name, part))
            .collect());
    };
    if last_states.is_empty() {
        let message = format!("no file has cards after the records in {name}");
        return Err(Problem::new(message)
            .help("the cards were deleted again; choose a record: sed -n 1p FILE | skillctl … -")
            .usage());
    }
    let mut files: Vec<Option<String>> = vec![None; parts.len()];
    for (file, nth) in last_states {
        files[nth] = Some(file.to_owned());
    }
    let from_record = |(part, file): (InputDocument, Option<String>)| {
        let mut source = Source::new(&name, part);
        source.title = format!("file {} ({})", file?, source.title);
        Some(source)
    };
    Ok(parts
        .into_iter()
        .zip(files)
        .filter_map(from_record)
        .collect())
}
