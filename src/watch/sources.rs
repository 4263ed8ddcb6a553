//! Follows the files of a project, for `--watch`: reports the files that changed, a batch at a time.
//!
//! Left out are what `.gitignore` names, hidden folders, `node_modules` and caches, temporary files of
//! editors, and what skillctl writes itself. An event of the system only says which folder to look at;
//! a file has changed if its size, time or inode has. So reading a file, or an event that comes twice,
//! changes nothing.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::tree::{Change, SourceTree};
pub use super::tree::{ChangeKind, WatchRoot};

/// A batch ends after this time without an event: an editor writes a file several times.
const QUIET_TIME: Duration = Duration::from_millis(40);
/// A batch ends after this time, even if there are still events.
const MAX_BATCH_TIME: Duration = Duration::from_millis(500);
/// How often it is checked whether the folders still exist.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// How often all files are checked on a file system without notifications.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// By the system's notifications, where the file system has them; else by polling.
    Auto,
    /// By checking all files every second.
    Poll,
}

/// What happened to the watched files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// Files changed. Never empty.
    Changed(Vec<FileChange>),
    /// Something that the user should know, as a sentence.
    Remark(String),
}

/// A change of a file.
pub type FileChange = Change;

/// The watched files. Watching ends on drop.
#[derive(Debug)]
pub struct SourceWatch {
    messages: Sender<Message>,
    events: UnboundedReceiver<WatchEvent>,
}

enum Message {
    Notified(notify::Result<notify::Event>),
    Accept(PathBuf),
    LeaveOut(PathBuf),
    WatchAgain,
    Stop,
}

impl SourceWatch {
    /// Starts to watch `roots`, without the files and folders in `excluded`. All paths are absolute.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(
        roots: Vec<WatchRoot>,
        excluded: Vec<PathBuf>,
        mode: WatchMode,
    ) -> std::io::Result<Self> {
        let (messages, received) = mpsc::channel();
        let (sender, events) = unbounded_channel();
        let from_system = messages.clone();
        let polled = match mode {
            WatchMode::Poll => Some(String::new()),
            WatchMode::Auto => roots.iter().find_map(|root| reason_to_poll(&root.path)),
        };
        let mut worker = Worker {
            tree: SourceTree::new(roots, excluded),
            watcher: None,
            polls: false,
            pending: HashSet::new(),
            first: Instant::now(),
            last: Instant::now(),
            events: sender,
        };
        thread::Builder::new()
            .name("watched files".to_owned())
            .spawn(move || {
                match polled {
                    Some(reason) => worker.poll(&reason),
                    None => worker.use_notifications(from_system),
                }
                worker.run(&received);
            })?;
        Ok(Self { messages, events })
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> WatchEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Takes the present state of a file, which skillctl has just written, as known.
    pub fn accept(&self, path: &Path) {
        self.send(Message::Accept(path.to_owned()));
    }

    /// Reports no more changes of a file; of a folder, no more new files in it.
    pub fn leave_out(&self, path: &Path) {
        self.send(Message::LeaveOut(path.to_owned()));
    }

    /// Reports changes again of what was left out.
    pub fn watch_again(&self) {
        self.send(Message::WatchAgain);
    }

    fn send(&self, message: Message) {
        // The thread ends only with this.
        let _ = self.messages.send(message);
    }
}

impl Drop for SourceWatch {
    fn drop(&mut self) {
        self.send(Message::Stop);
    }
}

/// What the watching thread owns.
struct Worker {
    tree: SourceTree,
    watcher: Option<RecommendedWatcher>,
    polls: bool,
    /// The folders to look at.
    pending: HashSet<PathBuf>,
    /// The time of the first and of the last event of the batch.
    first: Instant,
    last: Instant,
    events: UnboundedSender<WatchEvent>,
}

impl Worker {
    fn use_notifications(&mut self, messages: Sender<Message>) {
        let handler = move |event| {
            // The thread may have ended.
            let _ = messages.send(Message::Notified(event));
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => return self.poll(&error.to_string()),
        }
        // Watch before the first look, so that no change is missed between the two.
        let roots: Vec<PathBuf> = self.tree.roots().map(|root| root.path.clone()).collect();
        for root in roots {
            self.watch(&root);
        }
        let folders = self.tree.scan_all();
        self.watch_new(&folders);
    }

    /// Falls back to polling. An empty reason is not reported.
    fn poll(&mut self, reason: &str) {
        if self.polls {
            return;
        }
        self.polls = true;
        self.watcher = None;
        self.tree.scan_all();
        if !reason.is_empty() {
            let seconds = POLL_INTERVAL.as_secs();
            self.remark(format!("{reason}; checking all files every {seconds} s"));
        }
    }

    fn watch_new(&mut self, folders: &[PathBuf]) {
        // On macOS the roots are watched recursively: a watch for each folder is slow there.
        if cfg!(target_os = "macos") {
            return;
        }
        for folder in folders {
            self.watch(folder);
        }
    }

    fn watch(&mut self, folder: &Path) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let mode = if cfg!(target_os = "macos") {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        let Err(error) = watcher.watch(folder, mode) else {
            return;
        };
        match error.kind {
            ErrorKind::MaxFilesWatch => self.poll(
                "the system's limit on watched folders is reached; raise fs.inotify.max_user_watches",
            ),
            // It was removed meanwhile, which the folder above reports.
            _ if !folder.exists() => {}
            _ => self.remark(format!("{} is not watched: {error}", folder.display())),
        }
    }

    fn run(&mut self, messages: &Receiver<Message>) {
        let mut next_check = Instant::now() + CHECK_INTERVAL;
        loop {
            let due = self.due().map_or(next_check, |due| due.min(next_check));
            let wait = due.saturating_duration_since(Instant::now());
            match messages.recv_timeout(wait) {
                Ok(Message::Notified(event)) => self.notified(event),
                Ok(Message::Accept(path)) => self.tree.accept(&path),
                Ok(Message::LeaveOut(path)) => self.tree.leave_out(path),
                Ok(Message::WatchAgain) => self.tree.watch_again(),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next_check {
                next_check = now + self.check();
            }
            if self.due().is_some_and(|due| now >= due) {
                self.report();
            }
        }
    }

    /// When the batch ends; `None` without one.
    fn due(&self) -> Option<Instant> {
        let is_open = !self.pending.is_empty();
        is_open.then(|| (self.last + QUIET_TIME).min(self.first + MAX_BATCH_TIME))
    }

    fn notified(&mut self, event: notify::Result<notify::Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.remark(format!("a folder is not watched: {error}")),
        };
        if event.need_rescan() {
            let folders: Vec<PathBuf> = self.tree.folders().map(Path::to_owned).collect();
            for folder in folders {
                self.mark(folder);
            }
        }
        // Reading a file changes nothing.
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in event.paths {
            if let Some(folder) = path.parent().filter(|folder| self.tree.has_folder(folder)) {
                self.mark(folder.to_owned());
            }
        }
    }

    fn mark(&mut self, folder: PathBuf) {
        self.last = Instant::now();
        if self.pending.is_empty() {
            self.first = self.last;
        }
        self.pending.insert(folder);
    }

    /// Looks at the folders of the batch, and reports what changed in them.
    fn report(&mut self) {
        let mut changes = Vec::new();
        for folder in std::mem::take(&mut self.pending) {
            let found = self.tree.look_at(&folder);
            self.watch_new(&found.new_folders);
            changes.extend(found.changes);
        }
        self.send_changes(changes);
    }

    fn send_changes(&self, mut changes: Vec<Change>) {
        changes.sort();
        changes.dedup();
        if !changes.is_empty() {
            self.send(WatchEvent::Changed(changes));
        }
    }

    /// Checks whether the roots still exist and, when polling, all files. Returns the time until the
    /// next check.
    fn check(&mut self) -> Duration {
        for (path, is_back) in self.tree.check_roots() {
            let shown = path.display();
            if is_back {
                self.remark(format!("{shown} exists again"));
                self.watch(&path);
                let found = self.tree.look_at(&path);
                self.watch_new(&found.new_folders);
                self.send_changes(found.changes);
            } else {
                self.remark(format!(
                    "{shown} was removed; waiting until it exists again"
                ));
            }
        }
        if !self.polls {
            return CHECK_INTERVAL;
        }
        let start = Instant::now();
        let folders: Vec<PathBuf> = self.tree.folders().map(Path::to_owned).collect();
        let mut changes = Vec::new();
        for folder in folders {
            changes.extend(self.tree.look_at(&folder).changes);
        }
        self.send_changes(changes);
        // A large project must not keep a core busy.
        POLL_INTERVAL.max(start.elapsed() * 10)
    }

    fn remark(&self, text: String) {
        self.send(WatchEvent::Remark(text));
    }

    fn send(&self, event: WatchEvent) {
        // The receiver may be gone; then a stop follows.
        let _ = self.events.send(event);
    }
}

/// Why a folder must be polled: its file system does not report what other machines change.
#[cfg(target_os = "linux")]
fn reason_to_poll(folder: &Path) -> Option<String> {
    const WITHOUT_NOTIFICATIONS: [(u32, &str); 8] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB"),
        (0x0102_1997, "9p"),
        (0x6573_5546, "FUSE"),
        (0x786f_4256, "vboxsf"),
        (0xbacb_acbc, "vmhgfs"),
    ];
    let about = rustix::fs::statfs(folder).ok()?;
    // The type of the number differs between machines; the magic numbers have 32 bits.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "32 bits"
    )]
    let magic = about.f_type as u32;
    let (_, name) = WITHOUT_NOTIFICATIONS.iter().find(|(it, _)| *it == magic)?;
    Some(format!(
        "{} is on a file system without notifications ({name})",
        folder.display()
    ))
}

#[cfg(not(target_os = "linux"))]
fn reason_to_poll(_folder: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    struct Watched {
        folder: tempfile::TempDir,
        root: PathBuf,
    }

    impl Watched {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let root = folder.path().canonicalize().expect("it exists").join("p");
            fs::create_dir_all(root.join("src")).expect("a folder");
            fs::write(root.join("src/a.js"), "1").expect("it writes");
            fs::write(root.join(".gitignore"), "dist/\n").expect("it writes");
            Self { folder, root }
        }

        fn watch(&self, mode: WatchMode) -> SourceWatch {
            let root = WatchRoot {
                path: self.root.clone(),
                depth: None,
                skips_ignored: true,
            };
            let excluded = vec![self.root.join("report.json")];
            SourceWatch::start(vec![root], excluded, mode).expect("a thread")
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("it writes");
        }
    }

    /// The names of the next changes, without those of the first look.
    async fn next(watch: &mut SourceWatch, root: &Path) -> Vec<(String, ChangeKind)> {
        let event = tokio::time::timeout(TIMEOUT, watch.next()).await;
        match event.expect("in time") {
            WatchEvent::Changed(changes) => changes
                .iter()
                .map(|it| {
                    let name = it.path.strip_prefix(root).expect("below");
                    (name.display().to_string(), it.kind)
                })
                .collect(),
            WatchEvent::Remark(text) => panic!("{text}"),
        }
    }

    /// Writes `name` again and again until its change is reported: the first look is over then.
    async fn until_watched(watched: &Watched, watch: &mut SourceWatch) {
        for n in 0.. {
            watched.write("src/probe.js", &n.to_string());
            let soon = Duration::from_millis(300);
            if tokio::time::timeout(soon, watch.next()).await.is_ok() {
                return;
            }
        }
    }

    #[tokio::test]
    async fn changes_are_reported_by_notifications_and_by_polling() {
        for mode in [WatchMode::Auto, WatchMode::Poll] {
            let watched = Watched::new();
            let mut watch = watched.watch(mode);
            until_watched(&watched, &mut watch).await;
            watched.write("src/a.js", "22");
            let changes = next(&mut watch, &watched.root).await;
            assert_eq!(
                changes,
                [("src/a.js".to_owned(), ChangeKind::Modified)],
                "{mode:?}"
            );
            watched.write("src/new/deep/b.js", "1");
            let changes = next(&mut watch, &watched.root).await;
            let created = ("src/new/deep/b.js".to_owned(), ChangeKind::Created);
            assert!(changes.contains(&created), "{mode:?}: {changes:?}");
            watched.write("src/new/deep/b.js", "22");
            let changes = next(&mut watch, &watched.root).await;
            assert_eq!(
                changes,
                [("src/new/deep/b.js".to_owned(), ChangeKind::Modified)]
            );
            fs::remove_dir_all(watched.root.join("src/new")).expect("it is removed");
            let changes = next(&mut watch, &watched.root).await;
            assert!(
                changes.iter().all(|(_, kind)| *kind == ChangeKind::Removed),
                "{changes:?}"
            );
        }
    }

    #[tokio::test]
    async fn files_that_are_ignored_excluded_or_accepted_are_not_reported() {
        let watched = Watched::new();
        watched.write("dist/a.js", "1");
        let mut watch = watched.watch(WatchMode::Auto);
        until_watched(&watched, &mut watch).await;
        for name in [
            "dist/a.js",
            "dist/b.js",
            "node_modules/x/a.js",
            "src/__pycache__/a.pyc",
            ".cache/a",
            "report.json",
            "src/.a.js.swp",
            "src/a.js~",
        ] {
            watched.write(name, "22");
        }
        watched.write("src/accepted.json", "1");
        watch.accept(&watched.root.join("src/accepted.json"));
        watched.write("src/z.js", "1");
        let mut changes = next(&mut watch, &watched.root).await;
        if changes.len() == 1 && changes[0].0 == "src/accepted.json" {
            // It was reported before it was accepted.
            changes = next(&mut watch, &watched.root).await;
        }
        assert_eq!(changes, [("src/z.js".to_owned(), ChangeKind::Created)]);
        watch.leave_out(&watched.root.join("src/z.js"));
        watched.write("src/z.js", "22");
        watched.write("src/a.js", "22");
        let changes = next(&mut watch, &watched.root).await;
        assert_eq!(changes, [("src/a.js".to_owned(), ChangeKind::Modified)]);
    }

    #[tokio::test]
    async fn a_folder_that_is_removed_and_made_again_within_one_batch_is_watched_again() {
        let watched = Watched::new();
        let mut watch = watched.watch(WatchMode::Auto);
        until_watched(&watched, &mut watch).await;
        fs::remove_dir_all(watched.root.join("src")).expect("it goes");
        watched.write("src/b.js", "1");
        let changes = next(&mut watch, &watched.root).await;
        let made = ("src/b.js".to_owned(), ChangeKind::Created);
        assert!(changes.contains(&made), "{changes:?}");
        watched.write("src/b.js", "another text");
        let changes = next(&mut watch, &watched.root).await;
        assert_eq!(changes, [("src/b.js".to_owned(), ChangeKind::Modified)]);
    }

    #[tokio::test]
    async fn a_folder_that_vanishes_is_named_and_watched_again_when_it_is_back() {
        let watched = Watched::new();
        let mut watch = watched.watch(WatchMode::Auto);
        until_watched(&watched, &mut watch).await;
        let away = watched.folder.path().join("away");
        fs::rename(&watched.root, &away).expect("it moves");
        let remark = async |watch: &mut SourceWatch| loop {
            let event = tokio::time::timeout(TIMEOUT, watch.next()).await;
            if let WatchEvent::Remark(text) = event.expect("in time") {
                return text;
            }
        };
        assert!(remark(&mut watch).await.contains("was removed; waiting"));
        fs::rename(&away, &watched.root).expect("it moves back");
        assert!(remark(&mut watch).await.contains("exists again"));
        let changes = next(&mut watch, &watched.root).await;
        assert!(
            changes.iter().any(|(name, _)| name == "src/a.js"),
            "{changes:?}"
        );
        watched.write("src/a.js", "333");
        let changes = next(&mut watch, &watched.root).await;
        assert_eq!(changes, [("src/a.js".to_owned(), ChangeKind::Modified)]);
    }
}
