//! Folders for as long as something runs, in the system's place for temporary files, which others
//! share. Each goes away with its owner; those whose owner was killed, and could clear nothing
//! away, go when the next is made.

use std::{
    fs::{self, DirEntry, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use tempfile::TempDir;

/// The file that says that a folder is one of these. Its lock says that the owner lives.
const IN_USE: &str = ".in-use";
/// So many that were left behind are cleared away at most: whoever makes a folder wants to use it.
const MOST_CLEARED: usize = 32;
/// How often it is tried to make a folder, where others take it for one that was left behind.
const TRIES: usize = 8;

/// A folder under a name that nobody can guess, and the user's alone whatever the umask allows. It
/// goes away when dropped.
#[derive(Debug)]
pub struct PrivateFolder {
    folder: TempDir,
    /// Held, for whoever looks for folders that nobody owns.
    #[allow(dead_code, reason = "it is there to be held")]
    lock: File,
}

impl PrivateFolder {
    /// Makes one whose name begins with `prefix`, which should be skillctl's own.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Self::within(&std::env::temp_dir(), prefix)
    }

    fn within(place: &Path, prefix: &str) -> io::Result<Self> {
        clear(place, prefix);
        for _ in 0..TRIES {
            let folder = tempfile::Builder::new()
                .prefix(prefix)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(place)?;
            if let Some(lock) = take(&folder.path().join(IN_USE))? {
                return Ok(Self { folder, lock });
            }
        }
        let reason = "other processes clear every new folder away";
        Err(io::Error::other(reason))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes and locks the file of an owner; nothing where somebody was faster to take its folder for
/// one that was left behind.
fn take(path: &Path) -> io::Result<Option<File>> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    let file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        // Where there are no locks nobody clears anything away.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok((file.metadata()?.nlink() > 0).then_some(file))
}

/// Clears away what owners that were killed have left. Nothing of it is worth an error: another
/// time will do.
fn clear(place: &Path, prefix: &str) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let named = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(prefix))
    });
    for entry in named.filter(is_folder).take(MOST_CLEARED) {
        if let Some(_lock) = abandoned(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Links lead elsewhere, and are not followed.
fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// The lock of a folder that nobody owns any more; nothing for one that somebody owns, that is
/// none of these, or that is another user's.
fn abandoned(folder: &Path) -> Option<File> {
    let lock = OpenOptions::new()
        .write(true)
        .open(folder.join(IN_USE))
        .ok()?;
    lock.try_lock().ok()?;
    Some(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "skillctl-test-";

    fn count(place: &Path) -> usize {
        fs::read_dir(place).expect("a folder").count()
    }

    #[test]
    fn what_is_owned_stays_and_what_was_left_behind_goes() {
        let place = tempfile::tempdir().expect("a folder");
        let owned = PrivateFolder::within(place.path(), PREFIX).expect("a folder");
        let killed = PrivateFolder::within(place.path(), PREFIX).expect("a folder");
        fs::write(killed.path().join("content"), "x").expect("it is written");
        let PrivateFolder { folder, lock } = killed;
        let left = folder.keep();
        drop(lock);

        let next = PrivateFolder::within(place.path(), PREFIX).expect("a folder");
        assert!(!left.exists(), "its owner is gone");
        assert!(owned.path().exists() && next.path().exists());
        drop((owned, next));
        assert_eq!(count(place.path()), 0);
    }

    #[test]
    fn what_is_none_of_these_stays_whatever_its_name() {
        let place = tempfile::tempdir().expect("a folder");
        let mine = place.path().join("skillctl-test-notes");
        fs::create_dir(&mine).expect("a folder");
        fs::write(mine.join("notes"), "mine").expect("it is written");
        let elsewhere = tempfile::tempdir().expect("a folder");
        fs::write(elsewhere.path().join(IN_USE), "").expect("it is written");
        let link = place.path().join("skillctl-test-link");
        std::os::unix::fs::symlink(elsewhere.path(), &link).expect("a link");

        drop(PrivateFolder::within(place.path(), PREFIX).expect("a folder"));
        assert!(mine.join("notes").exists());
        assert!(elsewhere.path().join(IN_USE).exists());
        assert_eq!(count(place.path()), 2);
    }

    #[test]
    fn many_at_once_each_have_their_own() {
        let place = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let own = PrivateFolder::within(place.path(), PREFIX).expect("a folder");
                        fs::write(own.path().join("content"), "x").expect("it stands");
                    }
                });
            }
        });
        assert_eq!(count(place.path()), 0);
    }
}
