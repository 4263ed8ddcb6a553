//! What is at a path of a served folder, and whether Box could have it.

use std::{
    fs::{self, Metadata},
    io::{self, Read},
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

use sha1::{Digest, Sha1};

use crate::{
    domain::hex,
    mock_box::{Content, Source, model::item_name},
    store::content::file as contents,
};

/// The deepest that a served file or folder may be.
const MAX_DEPTH: usize = 90;

/// What is at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Missing,
    /// A folder.
    Folder,
    /// A file.
    File(FoundFile),
    /// Something that is not served, and why.
    Refused(Refusal),
    /// Something that is ignored without a remark: it is hidden, or in a folder that is not served.
    Ignored,
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct FoundFile {
    /// Where its content is; of a link, the target.
    pub(super) path: PathBuf,
    /// Changes with its content.
    pub(super) stamp: Stamp,
}

/// The length and time of a file, by which a change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

/// Why something is not served.
#[derive(Debug)]
pub(super) struct Refusal {
    /// For programs.
    pub(super) kind: &'static str,
    /// For a person: what follows the path.
    pub(super) text: String,
}

impl Refusal {
    fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}

/// What is at `path`, which is below `root`.
pub(super) fn inspect(root: &Path, path: &Path) -> Found {
    let Ok(below) = path.strip_prefix(root) else {
        return Found::Ignored;
    };
    if below.as_os_str().is_empty() {
        return if root.is_dir() {
            Found::Folder
        } else {
            Found::Missing
        };
    }
    match check_names(below) {
        Ok(()) => {}
        Err(None) => return Found::Ignored,
        Err(Some(refusal)) => {
            return match fs::symlink_metadata(path) {
                Ok(_) => Found::Refused(refusal),
                Err(_) => Found::Missing,
            };
        }
    }
    match fs::symlink_metadata(path) {
        Err(error) if is_missing(&error) => Found::Missing,
        Err(error) => Found::Refused(unreadable(&error)),
        Ok(about) if about.is_symlink() => link(root, path),
        Ok(about) if about.is_dir() => Found::Folder,
        Ok(about) if about.is_file() => file(path.to_owned(), &about),
        Ok(_) => Found::Refused(Refusal::new("special", "is neither a file nor a folder")),
    }
}

/// Whether a path is ignored or refused for its own name, or that of a folder above it.
fn check_names(below: &Path) -> Result<(), Option<Refusal>> {
    let mut parts = below.components().peekable();
    let mut depth = 0;
    while let Some(part) = parts.next() {
        depth += 1;
        let is_last = parts.peek().is_none();
        let refusal = match part {
            Component::Normal(name) if name.as_encoded_bytes().starts_with(b".") => {
                return Err(None);
            }
            Component::Normal(name) => forbidden(name.to_str()),
            _ => return Err(None),
        };
        let refusal = match depth {
            MAX_DEPTH.. => Some(Refusal::new("deep", "is nested too deep")),
            _ => refusal,
        };
        if let Some(refusal) = refusal {
            return Err(is_last.then_some(refusal));
        }
    }
    Ok(())
}

/// Why Box would not take a name.
fn forbidden(name: Option<&str>) -> Option<Refusal> {
    let Some(name) = name else {
        return Some(Refusal::new("name", "has a name that is not UTF-8"));
    };
    let invalid = item_name::check(name).err()?;
    Some(Refusal::new(
        "name",
        format!("has a name that Box forbids ({})", invalid.code()),
    ))
}

fn link(root: &Path, path: &Path) -> Found {
    let refused = |text: &str| Found::Refused(Refusal::new("link", text));
    let Ok(target) = fs::canonicalize(path) else {
        return refused("is a broken link");
    };
    if !target.starts_with(root) {
        return refused("is a link out of the folder, and is not followed");
    }
    match fs::metadata(&target) {
        Ok(about) if about.is_file() => file(target, &about),
        _ => refused("is a link to a folder, and is not followed"),
    }
}

fn file(path: PathBuf, about: &Metadata) -> Found {
    Found::File(FoundFile {
        path,
        stamp: stamp(about),
    })
}

fn stamp(about: &Metadata) -> Stamp {
    Stamp {
        length: about.len(),
        modified: about.modified().ok(),
    }
}

/// Reads a file to its end for its SHA-1; `None` where it changed meanwhile and may be incomplete.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn read(found: &FoundFile) -> Result<Option<Content>, Refusal> {
    let failed = |error: io::Error| unreadable(&error);
    let mut file = contents::open(&found.path).map_err(failed)?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0_u64;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                hash.update(&buffer[..length]);
                size += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let after = file.metadata().map_err(failed)?;
    let is_whole = stamp(&after) == found.stamp && size == found.stamp.length;
    Ok(is_whole.then(|| Content {
        source: Source::Disk(found.path.clone()),
        size,
        sha1: hex::encode(&hash.finalize()),
    }))
}

/// Whether an error means that the path does not exist.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Why a file or folder that cannot be read is not served.
pub(super) fn unreadable(error: &io::Error) -> Refusal {
    Refusal::new("unreadable", format!("cannot be read: {error}"))
}
