//! Folders for as long as something runs, in the system's place for temporary files, which others
//! share. Each goes away with its owner; those whose owner was killed, and could clear nothing
//! away, go with the next of their kind.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};
use tempfile::TempDir;

/// The file that says that a folder is one of these. Its lock says that the owner lives.
const IN_USE: &str = ".in-use";
/// The most abandoned folders that are removed at once, so that the end of a command is not delayed.
const MAX_CLEARED: usize = 32;
/// How often it is tried to make a folder, where others take it for one that was left behind.
const TRIES: usize = 8;

/// A folder under a name that nobody can guess, and the user's alone whatever the umask allows. It
/// goes away when dropped.
#[derive(Debug)]
pub struct PrivateFolder {
    /// Always there, until it is dropped.
    folder: Option<TempDir>,
    prefix: String,
    /// Held, as the sign that the folder has an owner.
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
        for _ in 0..TRIES {
            let folder = tempfile::Builder::new()
                .prefix(prefix)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(place)?;
            if let Some(lock) = take(&folder.path().join(IN_USE))? {
                let prefix = prefix.to_owned();
                return Ok(Self {
                    folder: Some(folder),
                    prefix,
                    lock,
                });
            }
        }
        let reason = "other processes clear every new folder away";
        Err(io::Error::other(reason))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder
            .as_ref()
            .map(TempDir::path)
            .expect("it is not dropped")
    }
}

/// At the end, when nobody waits for anything.
impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let place = self.path().parent().map(Path::to_owned);
        self.folder = None;
        if let Some(place) = place {
            clear(&place, &self.prefix);
        }
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
    // Where there are no locks nobody clears anything away, and nobody needs them.
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Ok(None);
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
    let left = named.filter_map(|entry| Some((entry.path(), abandoned(&entry.path())?)));
    for (folder, _lock) in left.take(MAX_CLEARED) {
        remove(&folder);
    }
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

/// The lock of a folder that nobody owns any more; nothing for one that somebody owns, that is none
/// of these, or that is another user's. Others may put anything there: links are not followed, and
/// nothing is waited for.
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
    use std::path::PathBuf;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const PREFIX: &str = "skillctl-test-";

    fn count(place: &Path) -> usize {
        fs::read_dir(place).expect("a folder").count()
    }

    fn made(place: &Path) -> PrivateFolder {
        PrivateFolder::within(place, PREFIX).expect("a folder")
    }

    /// What is left of one whose owner is killed.
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
    fn what_is_owned_stays_and_what_was_left_behind_goes() {
        let place = tempfile::tempdir().expect("a folder");
        let owned: Vec<_> = (0..=MAX_CLEARED).map(|_| made(place.path())).collect();
        let left = killed(place.path());
        drop(made(place.path()));
        assert!(!left.exists(), "its owner is gone");
        assert!(owned.iter().all(|folder| folder.path().exists()));
        drop(owned);
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
    fn many_at_once_each_have_their_own() {
        let place = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let own = made(place.path());
                        fs::write(own.path().join("content"), "x").expect("it stands");
                    }
                });
            }
        });
        assert_eq!(count(place.path()), 0);
    }
}
