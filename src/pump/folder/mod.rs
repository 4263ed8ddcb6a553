//! A folder of this machine as folders and files of Box, read-only, and watched: what changes in
//! it is told on the bus, once it has been still for a moment. Runs on a thread of its own, since
//! all of it waits for the disk.

mod keeper;
mod look;

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use crate::host::Host;
use keeper::Keeper;

/// What comes within so long is told as one: the two halves of a rename, above all.
const TOGETHER: Duration = Duration::from_millis(100);
/// The longest wait until it is looked whether to end, or whether the folder is back.
const LOOK_UP: Duration = Duration::from_millis(500);

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be read, or is none.
    #[error("cannot serve {}: {reason}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The system does not watch it.
    #[error("cannot watch {}: {source}", path.display())]
    Unwatched {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: notify::Error,
    },
}

/// The folder at `path`, where it can be served.
///
/// # Errors
/// Where it is no folder, or cannot be read.
pub fn usable(path: &Path) -> Result<PathBuf, FolderError> {
    let unusable = |reason: String| FolderError::Unusable {
        path: path.to_owned(),
        reason,
    };
    let root = fs::canonicalize(path).map_err(|error| unusable(error.to_string()))?;
    if !root.is_dir() {
        return Err(unusable("it is no folder".to_owned()));
    }
    fs::read_dir(&root).map_err(|error| unusable(error.to_string()))?;
    Ok(root)
}

/// A folder that is served and watched; until it is dropped.
#[derive(Debug)]
pub struct ServedFolder {
    /// How many files were there at the start.
    pub files: usize,
    stop: Arc<AtomicBool>,
}

impl ServedFolder {
    /// Puts what lies in the folder at `path` into the mock, and watches it from then on. Reads
    /// every file once.
    ///
    /// # Errors
    /// Where it is no folder, or cannot be watched.
    pub fn open(host: Arc<Host>, path: &Path) -> Result<Self, FolderError> {
        let root = usable(path)?;
        let unwatched = |source| FolderError::Unwatched {
            path: path.to_owned(),
            source,
        };
        let (tell, told) = mpsc::channel();
        let mut watcher = new_debouncer(TOGETHER, None, tell).map_err(unwatched)?;
        // Before the first look, so that nothing falls between the two.
        watcher
            .watch(&root, RecursiveMode::Recursive)
            .map_err(unwatched)?;
        let own = identity(&root);
        let mut keeper = Keeper::new(host, root);
        keeper.begin();
        let files = keeper.files();
        let stop = Arc::new(AtomicBool::new(false));
        let watch = Watch {
            keeper,
            watcher,
            told,
            identity: own,
            stop: Arc::clone(&stop),
        };
        thread::Builder::new()
            .name("served folder".to_owned())
            .spawn(move || watch.run())
            .map_err(|error| FolderError::Unusable {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self { files, stop })
    }
}

impl Drop for ServedFolder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The thread's own.
struct Watch {
    keeper: Keeper,
    watcher: Watcher,
    told: Receiver<DebounceEventResult>,
    /// The folder that is watched.
    identity: Option<(u64, u64)>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let wait = self
                .keeper
                .next_due()
                .map_or(LOOK_UP, |due| due.saturating_duration_since(Instant::now()));
            match self.told.recv_timeout(wait.min(LOOK_UP)) {
                Ok(told) => self.take(told),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_for_it();
            self.keeper.settle(Instant::now());
        }
    }

    fn take(&mut self, told: DebounceEventResult) {
        let now = Instant::now();
        match told {
            Ok(events) => {
                for event in &events {
                    self.keeper.told(event, now);
                }
            }
            Err(errors) => {
                for error in errors {
                    self.keeper.not_watched(&error);
                }
            }
        }
    }

    /// Not every system tells when the folder itself goes. One that comes back is another, which
    /// has to be watched anew.
    fn look_for_it(&mut self) {
        let root = self.keeper.root().to_owned();
        let found = identity(&root);
        if found == self.identity {
            return;
        }
        if self.identity.take().is_some() {
            self.keeper.vanish();
            // The watch went with the folder.
            let _ = self.watcher.unwatch(&root);
        }
        if found.is_none() {
            return;
        }
        match self.watcher.watch(&root, RecursiveMode::Recursive) {
            Ok(()) => {
                self.identity = found;
                self.keeper.back(Instant::now());
            }
            Err(error) => self.keeper.not_watched(&error),
        }
    }
}

/// What tells a folder from another that stands in its place.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let about = fs::metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    Some((about.dev(), about.ino()))
}
