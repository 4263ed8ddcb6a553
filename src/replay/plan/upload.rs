//! A file that is not a fixture, as the only FIXTURE: an upload of it, with an event that is made here.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    case::Case,
    error::{NotAnUpload, PlanError},
    find::{MAX_EVENT_BYTES, file_name, is_source_file},
};
use crate::domain::{
    event::{Captured, synthesis},
    json::tree::Tape,
    outcome::Names,
};

/// Whether the only path is a file to upload.
///
/// # Errors
/// It is a program, or a part of a case.
pub(super) fn is_upload(path: &Path) -> Result<bool, PlanError> {
    let name = file_name(path);
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or("");
    let is_fixture = matches!(extension, "json" | "jsonl");
    if !path.is_file() || is_fixture || holds_json(path) {
        return Ok(false);
    }
    let refused = |why| Err(PlanError::NotAnUpload(path.to_owned(), why));
    if name.starts_with("content.") || name.contains(".content.") || extension == "har" {
        return refused(NotAnUpload::PartOfACase);
    }
    if is_source_file(path) || is_executable(path) {
        return refused(NotAnUpload::Program);
    }
    Ok(true)
}

/// Whether a file begins as a JSON object does: an event may have any name.
fn holds_json(path: &Path) -> bool {
    let is_small = path
        .metadata()
        .is_ok_and(|about| about.len() <= MAX_EVENT_BYTES);
    is_small && start_of(path).trim_ascii_start().starts_with(b"{")
}

/// Whether the system would run a file. The permission alone says little: on some file systems every
/// file has it.
fn is_executable(path: &Path) -> bool {
    const ELF: &[u8] = b"\x7fELF";
    const MACH_O: [&[u8]; 2] = [b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"];
    let may_run = path
        .metadata()
        .is_ok_and(|about| about.permissions().mode() & 0o111 != 0);
    let start = start_of(path);
    let is_binary = start.starts_with(ELF) || MACH_O.iter().any(|it| start.starts_with(it));
    may_run && (is_binary || start.starts_with(b"#!"))
}

fn start_of(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    // A file that cannot be read has no start, and is reported when it is uploaded.
    let _ = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    start
}

/// The case of an upload.
pub(super) fn case(path: &Path) -> Result<Case, PlanError> {
    let unreadable = |error| PlanError::Unreadable(path.to_owned(), error);
    let size = fs::metadata(path).map_err(unreadable)?.len();
    let blueprint = synthesis::Blueprint::upload(file_name(path), size, Timestamp::now(), random);
    let event = synthesis::make(&blueprint);
    let bytes = Bytes::from(event.to_string().into_bytes());
    let event = Tape::from_value(&event);
    let captured = Captured::read(event.tree(), bytes)
        .map_err(|found| PlanError::Spoilt(path.display().to_string(), found))?;
    Ok(Case {
        names: Arc::new(Names {
            path: path.display().to_string().into(),
            event_id: captured.event.invocation().id().into(),
            file_id: captured.event.invocation().file_id().into(),
        }),
        captured,
        content: Some(PathBuf::from(path)),
        expected: None,
        expected_path: None,
        cassette_path: None,
    })
}

fn random() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}
