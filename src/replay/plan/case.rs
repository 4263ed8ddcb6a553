//! One case: an event with the content and the expected result in the files next to it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    error::PlanError,
    find::{MAX_EVENT_BYTES, Source, file_name},
};
use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    event::Captured,
    json::{document::Document, pointer::Pointer},
    outcome::{Expected, Names},
};

/// An event with its content and its expected result.
#[derive(Clone, Debug)]
pub struct Case {
    /// The ids as they were captured, and the path as the user sees it: that of the folder for a case
    /// folder, and with the line number for a file of many events.
    pub names: Arc<Names>,
    /// The event.
    pub captured: Captured,
    /// The content that the mock serves.
    pub content: Option<PathBuf>,
    /// What the final state should be.
    pub expected: Option<Expected>,
    /// Where `expected.json` is, or would be; `None` for the standard input.
    pub expected_path: Option<Arc<Path>>,
    /// Where `cassette.har` is, or would be.
    pub cassette_path: Option<Arc<Path>>,
}

impl Case {
    /// Whether the case has a cassette.
    pub fn has_cassette(&self) -> bool {
        self.cassette_path
            .as_ref()
            .is_some_and(|path| path.is_file())
    }
}

/// The name of an event, and the files that may be next to it.
#[derive(Clone, Debug, Default)]
pub(super) struct CaseFiles {
    pub(super) name: String,
    folder: PathBuf,
    content_prefix: Option<String>,
    pub(super) expected: Option<PathBuf>,
    pub(super) cassette: Option<PathBuf>,
}

impl CaseFiles {
    /// For the file at `path`.
    pub(super) fn file(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let file = file_name(path);
        if file == "event.json" && !folder.as_os_str().is_empty() {
            return Self {
                name: folder.display().to_string(),
                content_prefix: Some("content.".to_owned()),
                expected: Some(folder.join("expected.json")),
                cassette: Some(folder.join("cassette.har")),
                folder,
            };
        }
        let stem = file.strip_suffix(".json").unwrap_or(&file);
        Self {
            name: path.display().to_string(),
            content_prefix: Some(format!("{stem}.content.")),
            expected: Some(folder.join(format!("{stem}.expected.json"))),
            cassette: Some(folder.join(format!("{stem}.cassette.har"))),
            folder,
        }
    }

    /// For line `line` of the file that is called `shown`.
    pub(super) fn line(shown: &Path, line: usize) -> Self {
        let is_file = shown.extension().is_some_and(|ending| ending == "jsonl");
        let in_folder = |name: &str| shown.with_extension("").join(name);
        Self {
            name: format!("{}:{line}", shown.display()),
            expected: is_file.then(|| in_folder(&format!("{line}.expected.json"))),
            cassette: is_file.then(|| in_folder(&format!("{line}.cassette.har"))),
            ..Self::default()
        }
    }

    /// For an event named `name` without files.
    pub(super) fn nothing(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    fn content(&self, listing: &mut Listing) -> Result<Option<PathBuf>, PlanError> {
        let Some(prefix) = &self.content_prefix else {
            return Ok(None);
        };
        let names = listing.content_files(&self.folder)?;
        let found = names.iter().find(|name| name.starts_with(prefix.as_str()));
        Ok(found.map(|name| self.folder.join(name)))
    }
}

/// The content files of the folder that was listed last: a folder of a thousand events is listed
/// once.
#[derive(Debug, Default)]
pub(super) struct Listing {
    folder: Option<PathBuf>,
    names: Vec<String>,
}

impl Listing {
    fn content_files(&mut self, folder: &Path) -> Result<&[String], PlanError> {
        if self.folder.as_deref() == Some(folder) {
            return Ok(&self.names);
        }
        let readable = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let fail = |error| PlanError::Unreadable(readable.to_owned(), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(readable).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if (name.starts_with("content.") || name.contains(".content."))
                && entry.path().is_file()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        self.folder = Some(folder.to_owned());
        self.names = names;
        Ok(&self.names)
    }
}

/// Reads an event, without the files next to it.
pub(super) fn event(document: Document) -> Result<Captured, PlanError> {
    let bytes = Bytes::from(document.text.clone().into_bytes());
    match Captured::read(document.tree(), bytes).and_then(not_too_deep) {
        Ok(captured) => Ok(captured),
        Err(found) => Err(PlanError::Wrong(Box::new((document, *found)))),
    }
}

/// Events are registered as members of a list, so that one at the limit of depth would be refused
/// there together with its neighbours.
fn not_too_deep(captured: Captured) -> Result<Captured, Box<Diagnostic>> {
    const MAX_DEPTH: usize = 120;
    if captured.event.invocation().tree().depth() <= MAX_DEPTH {
        return Ok(captured);
    }
    Err(Box::new(Diagnostic {
        severity: Severity::Error,
        code: "not-an-event",
        message: format!("this event is nested deeper than {MAX_DEPTH} levels"),
        pointer: Pointer::ROOT,
        found: None,
        expected: Some("an event as Box sends it".to_owned()),
        help: None,
    }))
}

/// Reads the event of one line. Positions in the file are computed for an error only.
pub(super) fn event_in_line(
    line: &[u8],
    shown: &Path,
    number: usize,
) -> Result<Captured, PlanError> {
    let name = shown.display().to_string();
    let refused = match Document::parse(name.clone(), line.to_vec()) {
        Ok(document) => match event(document) {
            Ok(captured) => return Ok(captured),
            Err(refused) => refused,
        },
        Err(refused) => PlanError::Syntax(refused),
    };
    // Empty lines before it give every position its line in the file.
    let mut placed = vec![b'\n'; number - 1];
    placed.extend_from_slice(line);
    match Document::parse(name, placed) {
        Ok(document) => event(document),
        Err(syntax) => Err(PlanError::Syntax(syntax)),
    }
    .and(Err(refused))
}

/// The case of `captured`.
pub(super) fn case(
    captured: Captured,
    files: CaseFiles,
    listing: &mut Listing,
    tolerance: f64,
) -> Result<Case, PlanError> {
    let content = files.content(listing)?;
    let expected = match &files.expected {
        Some(path) if path.exists() => Some(read_expected(path)?.with_tolerance(tolerance)),
        _ => None,
    };
    Ok(Case {
        names: Arc::new(Names {
            path: files.name.into(),
            event_id: captured.event.invocation().id().into(),
            file_id: captured.event.invocation().file_id().into(),
        }),
        captured,
        content,
        expected,
        expected_path: files.expected.map(Arc::from),
        cassette_path: files.cassette.map(Arc::from),
    })
}

/// Reads the document of a source that holds one.
pub(super) fn document(source: &Source) -> Result<Document, PlanError> {
    match source {
        Source::File(path) | Source::Lines(_, path) | Source::Upload(path) => read_document(path),
        Source::Stdin(spooled) => {
            let name = PathBuf::from("<stdin>");
            let fail = |error| PlanError::Unreadable(name.clone(), error);
            let mut bytes = Vec::new();
            let reader = spooled.open().map_err(fail)?;
            io::Read::read_to_end(&mut io::Read::take(reader, MAX_EVENT_BYTES + 1), &mut bytes)
                .map_err(fail)?;
            if bytes.len() as u64 > MAX_EVENT_BYTES {
                return Err(PlanError::TooLarge(name));
            }
            Document::parse("<stdin>", bytes).map_err(PlanError::Syntax)
        }
    }
}

/// Reads a JSON file.
///
/// # Errors
/// Where it cannot be read or is not JSON.
pub fn read_document(path: &Path) -> Result<Document, PlanError> {
    let fail = |error| PlanError::Unreadable(path.to_owned(), error);
    if fs::metadata(path).map_err(fail)?.len() > MAX_EVENT_BYTES {
        return Err(PlanError::TooLarge(path.to_owned()));
    }
    let bytes = fs::read(path).map_err(fail)?;
    Document::parse(path.display().to_string(), bytes).map_err(PlanError::Syntax)
}

fn read_expected(path: &Path) -> Result<Expected, PlanError> {
    let document = read_document(path)?;
    match Expected::read(document.tree()) {
        Ok(expected) => Ok(expected),
        Err(found) => Err(PlanError::Wrong(Box::new((document, found)))),
    }
}
