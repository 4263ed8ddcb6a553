//! The files of cassettes: read whole, locked while they are recorded, and written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::wrong_input;
use crate::{
    domain::cassette::{
        deck::Mode,
        exchange::{Cassette, Entry},
        har::{self, HarError},
    },
    exit::{Failure, Problem},
    terminal::Terminal,
};

/// The bytes of a file; `None` where there is none.
///
/// # Errors
/// Exit code 2 for a file that cannot be read, or is too large.
pub(super) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    read_bytes(path)
        .map_err(|reason| Problem::new(format!("cannot read {}: {reason}", path.display())).usage())
}

fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let length = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if length > har::MAX_BYTES {
        let limit = har::MAX_BYTES >> 20;
        return Err(format!("it is larger than {limit} MiB"));
    }
    fs::read(path).map(Some).map_err(|error| error.to_string())
}

/// Reads a cassette from the bytes of its file.
///
/// # Errors
/// Exit code 2 for bytes that cannot be read as a cassette.
pub(super) fn parse(path: &Path, bytes: Vec<u8>, terminal: &Terminal) -> Result<Cassette, Failure> {
    har::read(&path.display().to_string(), bytes).map_err(|error| wrong(error, terminal))
}

fn wrong(error: HarError, terminal: &Terminal) -> Failure {
    let width = terminal.width.saturating_sub(2);
    match error {
        HarError::Syntax(error) => wrong_input::syntax(&error, width),
        HarError::Wrong(wrong) => {
            let (document, finding) = *wrong;
            wrong_input::wrong_document("cannot be used as a cassette", &document, finding, width)
        }
    }
}

/// Locks the folders of cassettes, as long as the files that it returns are open: two runs must not record
/// into one file.
///
/// # Errors
/// Exit code 3 where another run records.
pub(super) fn lock<'p>(paths: impl Iterator<Item = &'p Path>) -> Result<Vec<File>, Failure> {
    let mut folders: Vec<PathBuf> = paths.map(folder_of).collect();
    folders.sort();
    folders.dedup();
    let mut locked = Vec::new();
    for folder in folders {
        // The folder of a line of a .jsonl is made when its cassette is written.
        let Ok(file) = File::open(&folder) else {
            continue;
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let shown = folder.display();
            return Err(
                Problem::new(format!("another run records a cassette in {shown}"))
                    .help("wait until it has ended")
                    .outside(),
            );
        }
        locked.push(file);
    }
    Ok(locked)
}

/// The text of a cassette with what was recorded. [`Mode::Auto`] adds it to the `old` text; else a new text
/// keeps the calls of providers to the skill, which are not recorded.
pub(super) fn recorded_text(old: Option<&str>, mode: Mode, entries: &[Entry]) -> String {
    match old {
        Some(old) if mode == Mode::Auto => har::append(old, entries),
        old => new_text(old, entries),
    }
}

fn new_text(old: Option<&str>, entries: &[Entry]) -> String {
    let old = old.and_then(|text| har::read("", text.as_bytes().to_vec()).ok());
    let kept = old.iter().flat_map(Cassette::callbacks).cloned();
    let mut cassette = Cassette {
        entries: entries.to_vec(),
    };
    cassette.entries.extend(kept.map(Entry::Callback));
    har::write(&cassette, env!("CARGO_PKG_VERSION"))
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes a cassette whole or not at all.
///
/// # Errors
/// Exit code 3 where it cannot be written.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    write_whole(path, text).map_err(|error| {
        Problem::new(format!("cannot write {}: {error}", path.display())).outside()
    })
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(&folder)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
