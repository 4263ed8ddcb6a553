//! What a fetch downloads and where to, checked before anything is sent.

use std::path::{Path, PathBuf};

use super::box_source::FileSelection;
use crate::{domain::file_name, env::input::STDIN};

/// A form that Box can make of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The text in it.
    Text,
    /// An image of it.
    Jpg,
    /// Its sound.
    Mp3,
    /// Its video.
    Mp4,
    /// Its pages.
    Pdf,
}

impl Form {
    /// Its hint (`X-Rep-Hints`): of images, the largest size that Box makes for all types.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Text => "extracted_text",
            Self::Jpg => "jpg?dimensions=1024x1024",
            Self::Mp3 => "mp3",
            Self::Mp4 => "mp4",
            Self::Pdf => "pdf",
        }
    }
}

/// What to fetch, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchPlan {
    /// What is fetched.
    pub selection: FileSelection,
    /// The name of the file, where it is known without asking Box.
    pub file_name: Option<String>,
    /// Where the bytes go.
    pub destination: Destination,
    /// Whether an existing file is replaced.
    pub force: bool,
}

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The standard output.
    Stdout,
    /// Something other than a regular file: a pipe, `/dev/null`. It gets the bytes as they come.
    Special(PathBuf),
    /// A file.
    File(PathBuf),
    /// A folder, in which the file gets its own name.
    Folder(PathBuf),
}

/// Why a destination cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// The folder does not exist.
    #[error("there is no folder {}", _0.display())]
    NoFolder(PathBuf),
    /// The file exists, and is not to be replaced.
    #[error("{} exists", _0.display())]
    Exists(PathBuf),
}

impl Destination {
    /// The destination that `path` names: `-` is the standard output, no path the current folder.
    ///
    /// # Errors
    /// [`DestinationError`]; an existing file only without `force`.
    pub fn resolve(path: Option<&Path>, force: bool) -> Result<Self, DestinationError> {
        let Some(path) = path else {
            return Ok(Self::Folder(PathBuf::new()));
        };
        if path == Path::new(STDIN) {
            return Ok(Self::Stdout);
        }
        let names_folder = path.as_os_str().to_string_lossy().ends_with('/');
        match path.metadata() {
            Ok(found) if found.is_dir() => Ok(Self::Folder(path.to_owned())),
            _ if names_folder => Err(DestinationError::NoFolder(path.to_owned())),
            Ok(found) if !found.is_file() => Ok(Self::Special(path.to_owned())),
            _ => {
                check_free(path, force)?;
                Ok(Self::File(path.to_owned()))
            }
        }
    }
}

/// Refuses a path at which there is something already.
pub(super) fn check_free(path: &Path, force: bool) -> Result<(), DestinationError> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(DestinationError::Exists(path.to_owned()));
    }
    Ok(())
}

/// The name that a selection gets on this machine, by the one that Box gives the file.
pub(super) fn local_name(selection: &FileSelection, given: Option<&str>) -> String {
    let fallback = format!("file-{}", file_name::safe(&selection.file_id, "unnamed"));
    let name = file_name::safe(given.unwrap_or_default(), &fallback);
    match &selection.representation {
        Some(hint) => file_name::with_extension(&name, extension_for(hint)),
        None => name,
    }
}

/// The extension of a file that holds the representation of a hint.
fn extension_for(hint: &str) -> &str {
    match hint.split(['?', ']']).next().unwrap_or_default() {
        "extracted_text" => "txt",
        kind if !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) => kind,
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(hint: Option<&str>) -> FileSelection {
        FileSelection {
            file_id: "7".to_owned(),
            version: None,
            representation: hint.map(str::to_owned),
        }
    }

    #[test]
    fn extensions_follow_the_hint() {
        assert_eq!(extension_for(Form::Text.hint()), "txt");
        assert_eq!(extension_for(Form::Jpg.hint()), "jpg");
        assert_eq!(extension_for("../x"), "bin");
        assert_eq!(extension_for(""), "bin");
    }

    #[test]
    fn a_local_name_stays_in_its_folder_and_has_the_extension_of_its_form() {
        let name = |hint, given| local_name(&selection(hint), given);
        assert_eq!(name(None, Some("../talk.mp4")), "talk.mp4");
        assert_eq!(name(Some("extracted_text"), Some("talk.mp4")), "talk.txt");
        assert_eq!(name(None, None), "file-7");
    }

    #[test]
    fn destinations_are_recognised_before_anything_is_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("talk.mp4");
        let resolve = |path: &Path, force| Destination::resolve(Some(path), force);
        assert_eq!(resolve(Path::new("-"), false), Ok(Destination::Stdout));
        assert_eq!(
            resolve(folder.path(), false),
            Ok(Destination::Folder(folder.path().to_owned()))
        );
        assert_eq!(resolve(&file, false), Ok(Destination::File(file.clone())));
        std::fs::write(&file, "x").expect("written");
        assert_eq!(
            resolve(&file, false),
            Err(DestinationError::Exists(file.clone()))
        );
        assert_eq!(resolve(&file, true), Ok(Destination::File(file)));
        let missing = folder.path().join("missing/");
        assert_eq!(
            resolve(&missing, false),
            Err(DestinationError::NoFolder(missing.clone()))
        );
        assert_eq!(
            resolve(Path::new("/dev/null"), false),
            Ok(Destination::Special("/dev/null".into()))
        );
    }
}
