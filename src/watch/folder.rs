//! A folder of this machine that the mock serves, read-only: it is watched, and each change is passed
//! to the mock once it has settled. Runs on a thread of its own, since all of it waits for the disk.

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

use super::sync::FolderSync;
use crate::store::Store;

/// Events within this time are merged: above all the two halves of a rename.
const MERGE_TIME: Duration = Duration::from_millis(100);
/// How often the thread checks whether to end, and whether the folder still exists.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be read, or is not a folder.
    #[error("cannot serve {}: {reason}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The system cannot watch it.
    #[error("cannot watch {}: {source}", path.display())]
    Unwatched {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: notify::Error,
    },
}

/// The absolute path of a folder that can be served.
///
/// # Errors
/// Where it is not a folder, or cannot be read.
pub fn usable(path: &Path) -> Result<PathBuf, FolderError> {
    let unusable = |reason: String| FolderError::Unusable {
        path: path.to_owned(),
        reason,
    };
    let root = fs::canonicalize(path).map_err(|error| unusable(error.to_string()))?;
    if !root.is_dir() {
        return Err(unusable("not a folder".to_owned()));
    }
    fs::read_dir(&root).map_err(|error| unusable(error.to_string()))?;
    Ok(root)
}

/// A folder that is served and watched until this is dropped.
#[derive(Debug)]
pub struct ServedFolder {
    /// The number of files at the start.
    pub files: usize,
    stop: Arc<AtomicBool>,
}

impl ServedFolder {
    /// Puts the files and folders at `path` into the mock, and watches them from then on. Reads
    /// every file once.
    ///
    /// # Errors
    /// Where it is not a folder, or cannot be watched.
    pub fn open(store: Arc<Store>, path: &Path) -> Result<Self, FolderError> {
        let root = usable(path)?;
        let unwatched = |source| FolderError::Unwatched {
            path: path.to_owned(),
            source,
        };
        let (sender, events) = mpsc::channel();
        let mut watcher = new_debouncer(MERGE_TIME, None, sender).map_err(unwatched)?;
        // Watch before the first walk, so that no change is missed between the two.
        watcher
            .watch(&root, RecursiveMode::Recursive)
            .map_err(unwatched)?;
        let identity = identity_of(&root);
        let mut sync = FolderSync::new(store, root);
        sync.begin();
        let files = sync.files();
        let stop = Arc::new(AtomicBool::new(false));
        let watch = WatchThread {
            sync,
            watcher,
            events,
            identity,
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

/// What the watching thread owns.
struct WatchThread {
    sync: FolderSync,
    watcher: Watcher,
    events: Receiver<DebounceEventResult>,
    /// The folder that is watched.
    identity: Option<(u64, u64)>,
    stop: Arc<AtomicBool>,
}

impl WatchThread {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let wait = self.sync.next_settled().map_or(CHECK_INTERVAL, |due| {
                due.saturating_duration_since(Instant::now())
            });
            match self.events.recv_timeout(wait.min(CHECK_INTERVAL)) {
                Ok(events) => self.on_events(events),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.check_root();
            self.sync.settle(Instant::now());
        }
    }

    fn on_events(&mut self, events: DebounceEventResult) {
        let now = Instant::now();
        match events {
            Ok(events) => {
                for event in &events {
                    self.sync.on_event(event, now);
                }
            }
            Err(errors) => {
                for error in errors {
                    self.sync.on_watch_error(&error);
                }
            }
        }
    }

    /// Not every system reports that the watched folder itself is removed. A folder that replaces
    /// it must be watched again.
    fn check_root(&mut self) {
        let root = self.sync.root().to_owned();
        let found = identity_of(&root);
        if found == self.identity {
            return;
        }
        if self.identity.take().is_some() {
            self.sync.on_root_gone();
            // The watch ended with the folder.
            let _ = self.watcher.unwatch(&root);
        }
        if found.is_none() {
            return;
        }
        match self.watcher.watch(&root, RecursiveMode::Recursive) {
            Ok(()) => {
                self.identity = found;
                self.sync.on_root_back(Instant::now());
            }
            Err(error) => self.sync.on_watch_error(&error),
        }
    }
}

/// Device and inode, which differ for a folder that replaces another.
fn identity_of(folder: &Path) -> Option<(u64, u64)> {
    let about = fs::metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    Some((about.dev(), about.ino()))
}
