//! From the paths on the command line to cases: events with what lies beside them. Everything is
//! read and checked here, before anything is sent.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::Value;
use walkdir::WalkDir;

use crate::domain::{
    diagnostic::Diagnostic,
    event::Captured,
    json::document::{Document, SyntaxError},
    outcome::{Status, check::Expected},
};

/// The largest fixture that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// An event with what lies beside it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name: the path as the user sees it, without the file's name for a case folder.
    pub name: String,
    /// The event.
    pub captured: Captured,
    /// The content that the mock serves.
    pub content: Option<PathBuf>,
    /// What the final state should be.
    pub expected: Option<Expected>,
    /// Where `expected.json` lies, or would lie.
    pub expected_path: Option<PathBuf>,
}

/// Why the fixtures are no plan.
#[derive(Debug)]
pub enum PlanError {
    /// A path does not exist or cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is larger than is read.
    TooLarge(PathBuf),
    /// A folder holds no event.
    Empty(PathBuf),
    /// A file is not JSON.
    Syntax(Box<SyntaxError>),
    /// A file is JSON, but not what it should be.
    Wrong(Box<(Document, Diagnostic)>),
}

/// Reads the fixtures that `paths` name: files, and folders searched to any depth. The order is
/// that of the paths, and within a folder that of the names.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>, PlanError> {
    let mut cases = Vec::new();
    for path in paths {
        let before = cases.len();
        let files = if path.is_dir() {
            event_files(path)?
        } else {
            vec![path.clone()]
        };
        for file in files {
            cases.push(read_case(&file)?);
        }
        if cases.len() == before {
            return Err(PlanError::Empty(path.clone()));
        }
    }
    Ok(cases)
}

/// The files of a folder that are taken for events.
fn event_files(folder: &Path) -> Result<Vec<PathBuf>, PlanError> {
    let mut files = Vec::new();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_skipped(entry.path())) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            PlanError::Unreadable(path, error.into())
        })?;
        if entry.file_type().is_file() && is_event_file(entry.path()) {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

fn is_skipped(path: &Path) -> bool {
    let name = file_name(path);
    path.is_dir() && (name.starts_with('.') || name == "node_modules")
}

/// `expected.json`, `content.*` and their like beside a named file are never taken for events.
fn is_event_file(path: &Path) -> bool {
    let name = file_name(path);
    path.extension().is_some_and(|ending| ending == "json")
        && name != "expected.json"
        && !name.ends_with(".expected.json")
        && !name.starts_with("content.")
        && !name.contains(".content.")
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn read_case(path: &Path) -> Result<Case, PlanError> {
    let document = read_document(path)?;
    let bytes = Bytes::from(document.text.clone().into_bytes());
    let captured = Captured::read(&document.value, &bytes)
        .map_err(|found| PlanError::Wrong(Box::new((document, *found))))?;
    let beside = Beside::of(path);
    let content = beside.content()?;
    let expected = match fs::metadata(&beside.expected) {
        Ok(_) => Some(read_expected(&beside.expected)?),
        Err(_) => None,
    };
    Ok(Case {
        name: beside.name,
        captured,
        content,
        expected,
        expected_path: Some(beside.expected),
    })
}

/// What may lie beside an event file.
struct Beside {
    name: String,
    folder: PathBuf,
    content_prefix: String,
    expected: PathBuf,
}

impl Beside {
    fn of(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let file = file_name(path);
        if file == "event.json" && !folder.as_os_str().is_empty() {
            return Self {
                name: folder.display().to_string(),
                content_prefix: "content.".to_owned(),
                expected: folder.join("expected.json"),
                folder,
            };
        }
        let stem = file.trim_end_matches(".json");
        Self {
            name: path.display().to_string(),
            content_prefix: format!("{stem}.content."),
            expected: folder.join(format!("{stem}.expected.json")),
            folder,
        }
    }

    fn content(&self) -> Result<Option<PathBuf>, PlanError> {
        let folder = if self.folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.folder
        };
        let fail = |error| PlanError::Unreadable(folder.to_owned(), error);
        let mut found: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if file_name(&path).starts_with(&self.content_prefix) && path.is_file() {
                found.push(path);
            }
        }
        Ok(found.into_iter().min())
    }
}

/// Reads a JSON file.
///
/// # Errors
/// Where it cannot be read or is not JSON.
pub fn read_document(path: &Path) -> Result<Document, PlanError> {
    let fail = |error| PlanError::Unreadable(path.to_owned(), error);
    if fs::metadata(path).map_err(fail)?.len() > LARGEST {
        return Err(PlanError::TooLarge(path.to_owned()));
    }
    let bytes = fs::read(path).map_err(fail)?;
    Document::parse(path.display().to_string(), bytes).map_err(PlanError::Syntax)
}

fn read_expected(path: &Path) -> Result<Expected, PlanError> {
    let document = read_document(path)?;
    match expected_of(&document.value) {
        Ok(expected) => Ok(expected),
        Err(found) => Err(PlanError::Wrong(Box::new((document, found)))),
    }
}

fn expected_of(value: &Value) -> Result<Expected, Diagnostic> {
    use crate::domain::{diagnostic::Severity, json::pointer::Pointer};
    let wrong = |pointer: Pointer, message: &str, expected: &str| Diagnostic {
        severity: Severity::Error,
        code: "not-expected",
        message: message.to_owned(),
        pointer,
        found: None,
        expected: Some(expected.to_owned()),
        help: None,
    };
    if !value.is_object() {
        return Err(wrong(
            Pointer::ROOT,
            "this is no expected.json",
            "an object with status and cards",
        ));
    }
    let status = match value.get("status") {
        None | Some(Value::Null) => None,
        Some(word) => {
            let status = word.as_str().and_then(Status::parse);
            Some(status.ok_or_else(|| {
                wrong(
                    Pointer::ROOT.key("status"),
                    "this is no status of an invocation",
                    "processing, success, transient_failure or permanent_failure",
                )
            })?)
        }
    };
    let cards = match value.get("cards") {
        None | Some(Value::Null) => None,
        Some(cards) if cards.is_array() => Some(cards.clone()),
        Some(_) => {
            return Err(wrong(
                Pointer::ROOT.key("cards"),
                "`cards` is not a list",
                "a list of cards",
            ));
        }
    };
    Ok(Expected {
        status,
        cards,
        tolerance: 0.0,
    })
}
