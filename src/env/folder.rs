//! Private folders in the system's folder for temporary files, which other users share. A folder is
//! removed with its owner. One whose owner was killed is removed by the next owner of a folder with
//! the same prefix.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, process::geteuid};
use tempfile::TempDir;

/// The file that marks such a folder. It is locked as long as the owner lives.
const IN_USE: &str = ".in-use";
/// The most abandoned folders that are removed at once, so that the end of a command is not delayed.
const MAX_REMOVED: usize = 32;
/// How often to try to make a folder, if another process removes it as an abandoned one.
const MAX_TRIES: usize = 8;

/// A folder with a random name and mode 0700, whatever the umask. Removed on drop.
#[derive(Debug)]
pub struct PrivateFolder {
    /// `Some` until drop.
    folder: Option<TempDir>,
    prefix: String,
    /// Locked: the folder has an owner.
    #[allow(dead_code, reason = "holds the lock")]
    lock: File,
}

impl PrivateFolder {
    /// Makes a folder whose name begins with `prefix`, which should be used by skillctl alone.
    ///
    /// # Errors
    /// The system's error.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Self::within(&temporary_folder(), prefix)
    }

    fn within(place: &Path, prefix: &str) -> io::Result<Self> {
        for _ in 0..MAX_TRIES {
            let folder = tempfile::Builder::new()
                .prefix(prefix)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(place)?;
            if let Some(lock) = lock_marker(&folder.path().join(IN_USE))? {
                let prefix = prefix.to_owned();
                return Ok(Self {
                    folder: Some(folder),
                    prefix,
                    lock,
                });
            }
        }
        let reason = "other processes remove every new folder";
        Err(io::Error::other(reason))
    }

    /// The path.
    pub fn path(&self) -> &Path {
        self.folder
            .as_ref()
            .map(TempDir::path)
            .expect("it is not dropped")
    }
}

/// Abandoned folders are removed here, because nobody waits for the end of an owner.
impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let place = self.path().parent().map(Path::to_owned);
        self.folder = None;
        if let Some(place) = place {
            remove_abandoned(&place, &self.prefix);
        }
    }
}

/// Makes and locks the marker file; `None` if another process has just removed the folder as an
/// abandoned one.
fn lock_marker(path: &Path) -> io::Result<Option<File>> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    let file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // On a file system without locks no folder is taken for an abandoned one.
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Ok(None);
    }
    Ok((file.metadata()?.nlink() > 0).then_some(file))
}

/// Removes folders whose owners were killed. Errors are ignored: a later run tries again.
fn remove_abandoned(place: &Path, prefix: &str) {
    for (folder, _lock) in all_abandoned(place, prefix).take(MAX_REMOVED) {
        remove(&folder);
    }
}

/// The abandoned folders in `place` whose name begins with `prefix`, each with its lock.
fn all_abandoned(place: &Path, prefix: &str) -> impl Iterator<Item = (PathBuf, File)> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let named = entries.filter(move |entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(prefix))
    });
    named.filter_map(|entry| Some((entry.path(), abandoned(&entry.path())?)))
}

/// The folder for temporary files: `TMPDIR`, or the system's.
pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// The private folders whose owners were killed, of those whose name begins with `prefix`.
pub fn abandoned_folders(prefix: &str) -> Vec<PathBuf> {
    let place = temporary_folder();
    let found = all_abandoned(&place, prefix);
    found.map(|(folder, _lock)| folder).collect()
}

/// The marker file is removed last, so that an interrupted removal is continued later.
fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() == IN_USE {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let _ = if is_folder {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
    }
    let is_last = fs::read_dir(folder).is_ok_and(|entries| entries.count() == 1);
    if is_last {
        let _ = fs::remove_dir_all(folder);
    }
}

/// The lock of an abandoned folder; `None` for a folder that has an owner, has no marker file, or is
/// another user's. Other users may put anything there, so links are not followed, and opening never
/// blocks.
fn abandoned(folder: &Path) -> Option<File> {
    let is_ours = |found: &Metadata| found.uid() == geteuid().as_raw();
    let found = folder.symlink_metadata().ok()?;
    if !found.is_dir() || !is_ours(&found) {
        return None;
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let lock = OpenOptions::new()
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(folder.join(IN_USE))
        .ok()?;
    let found = lock.metadata().ok()?;
    if !found.is_file() || !is_ours(&found) {
        return None;
    }
    lock.try_lock().ok()?;
    Some(lock)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const PREFIX: &str = "skillctl-test-";

    fn count(place: &Path) -> usize {
        fs::read_dir(place).expect("a folder").count()
    }

    fn made(place: &Path) -> PrivateFolder {
        PrivateFolder::within(place, PREFIX).expect("a folder")
    }

    /// A folder whose owner was killed.
    fn killed(place: &Path) -> PathBuf {
        let mut folder = made(place);
        fs::create_dir(folder.path().join("deep")).expect("a folder");
        fs::write(folder.path().join("deep/content"), "x").expect("it is written");
        fs::write(folder.path().join("content"), "x").expect("it is written");
        let left = folder.folder.take().expect("it is there").keep();
        folder.lock.unlock().expect("it is let go");
        // Its own end would clear it away.
        std::mem::forget(folder);
        left
    }

    #[test]
    fn owned_folders_stay_and_abandoned_ones_are_removed() {
        let place = tempfile::tempdir().expect("a folder");
        let owned: Vec<_> = (0..=MAX_REMOVED).map(|_| made(place.path())).collect();
        let left = killed(place.path());
        drop(made(place.path()));
        assert!(!left.exists(), "its owner is gone");
        assert!(owned.iter().all(|folder| folder.path().exists()));
        drop(owned);
        assert_eq!(count(place.path()), 0);
    }

    #[test]
    fn other_folders_with_the_prefix_stay() {
        let place = tempfile::tempdir().expect("a folder");
        let mine = place.path().join("skillctl-test-notes");
        fs::create_dir(&mine).expect("a folder");
        fs::write(mine.join("notes"), "mine").expect("it is written");
        let elsewhere = tempfile::tempdir().expect("a folder");
        fs::write(elsewhere.path().join(IN_USE), "").expect("it is written");
        let link = place.path().join("skillctl-test-link");
        std::os::unix::fs::symlink(elsewhere.path(), &link).expect("a link");

        let pipe = place.path().join("skillctl-test-pipe");
        fs::create_dir(&pipe).expect("a folder");
        let mode = Mode::from_raw_mode(0o666);
        mknodat(CWD, pipe.join(IN_USE), FileType::Fifo, mode, 0).expect("a pipe");
        let linked = place.path().join("skillctl-test-linked");
        fs::create_dir(&linked).expect("a folder");
        std::os::unix::fs::symlink(mine.join("notes"), linked.join(IN_USE)).expect("a link");

        drop(made(place.path()));
        assert!(mine.join("notes").exists());
        assert!(elsewhere.path().join(IN_USE).exists());
        assert!(pipe.exists() && linked.exists());
        assert_eq!(count(place.path()), 4);
    }

    #[test]
    fn concurrent_owners_never_remove_each_others_folders() {
        let place = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let own = made(place.path());
                        fs::write(own.path().join("content"), "x").expect("it is written");
                    }
                });
            }
        });
        assert_eq!(count(place.path()), 0);
    }
}
