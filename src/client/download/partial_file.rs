//! The partial file next to a destination, its note, and how it becomes the destination: synced to
//! disk first, then renamed, and an existing file is replaced only on request.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::resume::ResumeNote;

/// The maximum size of a note, in bytes.
const MAX_NOTE: u64 = 64 << 10;

/// Why a file could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// Another process writes it.
    #[error("{} is being written by another process", .0.display())]
    Busy(PathBuf),
    /// The destination was created in the meantime.
    #[error("{} was created in the meantime; the complete download is in {}", .0.display(), .1.display())]
    Exists(PathBuf, PathBuf),
    /// The file system refused.
    #[error("{doing} {}: {error}", .path.display())]
    Io {
        /// What was tried: `cannot write`.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// A partial file, held by this process alone.
#[derive(Debug)]
pub struct PartialFile {
    destination: PathBuf,
    path: PathBuf,
    note_path: PathBuf,
    file: File,
}

impl PartialFile {
    /// Opens or makes the partial file of a destination, and locks it.
    pub fn open(destination: &Path) -> Result<Self, PartError> {
        let path = with_suffix(destination, ".part");
        let file = lock(&path)?;
        Ok(Self {
            destination: destination.to_owned(),
            note_path: with_suffix(destination, ".part.json"),
            path,
            file,
        })
    }

    /// The path of the partial bytes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The partial file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The number of its bytes.
    pub(super) fn length(&self) -> Result<u64, PartError> {
        let metadata = self.file.metadata();
        metadata
            .map(|metadata| metadata.len())
            .map_err(io_error("cannot read the metadata of", &self.path))
    }

    /// What they belong to; `None` where that is not known.
    pub(super) fn note(&self) -> Option<ResumeNote> {
        let file = open_options().read(true).open(&self.note_path).ok()?;
        let fits = file.metadata().ok()?.len() <= MAX_NOTE;
        fits.then(|| serde_json::from_reader(file).ok())?
    }

    /// Records what the bytes belong to.
    pub(super) fn write_note(&self, note: &ResumeNote) -> Result<(), PartError> {
        let write = || {
            let mut file = open_options()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&self.note_path)?;
            file.write_all(&serde_json::to_vec(note)?)
        };
        write().map_err(io_error("cannot write", &self.note_path))
    }

    /// Makes the partial file the destination. Its bytes must be synced.
    pub(super) fn commit(&self, force: bool) -> Result<(), PartError> {
        let moved = if force {
            fs::rename(&self.path, &self.destination)
        } else {
            rename_to_nothing(&self.path, &self.destination)
        };
        moved.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                PartError::Exists(self.destination.clone(), self.path.clone())
            }
            _ => PartError::Io {
                doing: "cannot write",
                path: self.destination.clone(),
                error,
            },
        })?;
        // The download is complete: a note without a partial file is ignored.
        let _ = fs::remove_file(&self.note_path);
        // A folder that cannot be synced (some network file systems) still holds the file.
        let folder = folder_of(&self.destination);
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Removes the partial file: its bytes are of no use.
    pub(super) fn discard(&self) {
        // What cannot be removed is started over the next time.
        let _ = fs::remove_file(&self.note_path);
        let _ = fs::remove_file(&self.path);
    }
}

/// The path with something added to its last name.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Never through a symbolic link: in a folder that others write to, it may point anywhere.
fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn lock(path: &Path) -> Result<File, PartError> {
    loop {
        let file = open_options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io_error("cannot write", path))?;
        let metadata = file
            .metadata()
            .map_err(io_error("cannot read the metadata of", path))?;
        if !metadata.is_file() {
            let error = io::Error::other("it is not a regular file");
            return Err(io_error("cannot write", path)(error));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PartError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io_error("cannot lock", path)(error)),
        }
        // Another process may have finished between the opening and the locking: then this is
        // its destination by now, and no partial file any more.
        if fs::symlink_metadata(path).is_ok_and(|now| is_same(&now, &metadata)) {
            return Ok(file);
        }
    }
}

fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            // A file system without that flag: a hard link refuses an existing name as well.
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        other => Ok(other?),
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PartError {
    let path = path.to_owned();
    move |error| PartError::Io { doing, path, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn a_part_becomes_its_destination_and_leaves_no_other_file() {
        let folder = folder();
        let destination = folder.path().join("a.txt");
        let part = PartialFile::open(&destination).expect("a part");
        part.file().write_all(b"abc").expect("it is written");
        part.write_note(&ResumeNote::default()).expect("a note");
        part.commit(false).expect("it is moved");
        assert_eq!(fs::read(&destination).expect("it is there"), b"abc");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn an_existing_file_is_kept_unless_forced() {
        let folder = folder();
        let destination = folder.path().join("a.txt");
        let part = PartialFile::open(&destination).expect("a part");
        fs::write(&destination, "old").expect("it is written");
        assert!(matches!(part.commit(false), Err(PartError::Exists(..))));
        assert_eq!(fs::read(&destination).expect("it is there"), b"old");
        assert!(part.path().exists(), "the download is kept");
        part.commit(true).expect("it is moved");
        assert_eq!(fs::read(&destination).expect("it is there"), b"");
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let folder = folder();
        let destination = folder.path().join("a.txt");
        let _first = PartialFile::open(&destination).expect("a part");
        assert!(matches!(
            PartialFile::open(&destination),
            Err(PartError::Busy(_))
        ));
    }

    #[test]
    fn a_part_that_is_a_link_is_not_followed() {
        let folder = folder();
        let target = folder.path().join("precious");
        fs::write(&target, "precious").expect("it is written");
        let destination = folder.path().join("a.txt");
        std::os::unix::fs::symlink(&target, folder.path().join("a.txt.part")).expect("a link");
        assert!(PartialFile::open(&destination).is_err());
        assert_eq!(fs::read(&target).expect("it is there"), b"precious");
    }

    #[test]
    fn a_damaged_note_is_ignored() {
        let folder = folder();
        let destination = folder.path().join("a.txt");
        let part = PartialFile::open(&destination).expect("a part");
        assert_eq!(part.note(), None);
        part.write_note(&ResumeNote::default()).expect("a note");
        assert_eq!(part.note(), Some(ResumeNote::default()));
        fs::write(&part.note_path, "{").expect("it is written");
        assert_eq!(part.note(), None);
    }
}
