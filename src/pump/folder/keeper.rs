//! What is known of the served folder, and what is still in motion: decides when a path has been
//! still for long enough, what then became of it, and hands that to the host. Moments are given
//! from outside.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use notify::{
    Error, ErrorKind, EventKind,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode},
};
use notify_debouncer_full::DebouncedEvent;
use walkdir::WalkDir;

use super::look::{Found, Refusal, Seen, Stamp, is_gone, look, read, unreadable};
use crate::{
    host::Host,
    mock_box::{
        folder_sync::{FileFound, FileMove, FolderChange, id_for},
        model::folder::ROOT,
    },
};

/// How long nothing may happen to a path before it counts as still.
const STILL: Duration = Duration::from_millis(400);
/// The same for a file that a program holds open for writing.
const HELD: Duration = Duration::from_secs(10);
/// Remarks that are remembered, so that none is made twice.
const MOST_SAID: usize = 10_000;

/// The folder, as far as it is known.
pub(super) struct Keeper {
    host: Arc<Host>,
    root: PathBuf,
    files: BTreeMap<PathBuf, KnownFile>,
    folders: BTreeMap<PathBuf, String>,
    /// The ids of files and folders, none of which is given twice.
    ids: HashSet<String>,
    /// How many files have a content, by its SHA-1.
    contents: HashMap<String, usize>,
    moving: HashMap<PathBuf, Moving>,
    last_number: u64,
    said: HashSet<(PathBuf, &'static str)>,
}

#[derive(Debug)]
struct KnownFile {
    id: String,
    stamp: Stamp,
    sha1: String,
}

/// A path to which something happens.
#[derive(Clone, Copy, Debug)]
struct Moving {
    /// Counts what began to move: the order in which things came.
    number: u64,
    since: Instant,
    /// Whether a program has it open for writing, as far as the system tells.
    is_open: bool,
}

impl Moving {
    fn due(self) -> Instant {
        self.since + if self.is_open { HELD } else { STILL }
    }
}

impl Keeper {
    /// A folder of which nothing is known yet.
    pub(super) fn new(host: Arc<Host>, root: PathBuf) -> Self {
        Self {
            host,
            root,
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
            ids: HashSet::new(),
            contents: HashMap::new(),
            moving: HashMap::new(),
            last_number: 0,
            said: HashSet::new(),
        }
    }

    /// The folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// How many files it has.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    /// Takes in what is there from the start.
    pub(super) fn begin(&mut self) {
        for path in self.walk() {
            self.inspect(&path, true, Instant::now());
        }
    }

    /// When the next path may be still.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.moving.values().map(|moving| moving.due()).min()
    }

    /// The system told of something.
    pub(super) fn told(&mut self, event: &DebouncedEvent, now: Instant) {
        if event.need_rescan() {
            self.look_everywhere(now);
            return;
        }
        if let (EventKind::Modify(ModifyKind::Name(RenameMode::Both)), [from, to]) =
            (event.kind, event.paths.as_slice())
        {
            self.renamed(from, to, now);
            return;
        }
        // Only Linux tells of the end of writing.
        let begins = cfg!(target_os = "linux").then_some(true);
        let is_open = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(false),
            // Reading changes nothing, and the mock itself reads.
            EventKind::Access(_) => return,
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => begins,
            _ => None,
        };
        for path in &event.paths {
            self.touch(path, is_open, now);
        }
    }

    /// The system could not watch something.
    pub(super) fn not_watched(&mut self, error: &Error) {
        let hint = match error.kind {
            ErrorKind::MaxFilesWatch => "; raise fs.inotify.max_user_watches",
            _ => "",
        };
        let path = error.paths.first().unwrap_or(&self.root).clone();
        self.say(
            &path,
            &Refusal {
                kind: "watch",
                text: format!("is not watched: {error}{hint}"),
            },
        );
    }

    /// The folder is there again: what lies in it is new.
    pub(super) fn back(&mut self, now: Instant) {
        let text = format!("{} is there again", self.root.display());
        self.host.remark("back", String::new(), text);
        self.look_everywhere(now);
    }

    /// Takes in what has been still for long enough.
    pub(super) fn settle(&mut self, now: Instant) {
        let mut still: Vec<(u64, PathBuf)> = self
            .moving
            .iter()
            .filter(|(_, moving)| moving.due() <= now)
            .map(|(path, moving)| (moving.number, path.clone()))
            .collect();
        still.sort();
        for (_, path) in still {
            self.moving.remove(&path);
            self.inspect(&path, false, now);
        }
    }

    fn touch(&mut self, path: &Path, is_open: Option<bool>, now: Instant) {
        let moving = self.moving.entry(path.to_owned()).or_insert_with(|| {
            self.last_number += 1;
            Moving {
                number: self.last_number,
                since: now,
                is_open: false,
            }
        });
        moving.since = now;
        if let Some(is_open) = is_open {
            moving.is_open = is_open;
        }
    }

    /// Every path that is there, folders before what lies in them.
    fn walk(&self) -> Vec<PathBuf> {
        let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
        WalkDir::new(&self.root)
            .min_depth(1)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()))
            .filter_map(|entry| match entry {
                Ok(entry) => Some(entry.into_path()),
                // What cannot be read is looked at too, and says so.
                Err(error) => error.path().map(Path::to_owned),
            })
            .collect()
    }

    fn look_everywhere(&mut self, now: Instant) {
        let known = self.files.keys().chain(self.folders.keys()).cloned();
        let paths: HashSet<PathBuf> = known.chain(self.walk()).collect();
        for path in paths {
            self.touch(&path, None, now);
        }
    }

    /// Finds out what became of a path.
    fn inspect(&mut self, path: &Path, was_there: bool, now: Instant) {
        match look(&self.root, path) {
            Found::Passed => {}
            // That the folder itself is gone is seen by whoever watches it.
            Found::Gone if path == self.root => {}
            Found::Gone => self.forget(path),
            Found::Refused(refusal) => {
                self.forget(path);
                self.say(path, &refusal);
            }
            Found::Folder => {
                self.folder_id(path);
                if !was_there {
                    self.look_inside(path, now);
                }
            }
            Found::File(seen) => self.take(path, &seen, was_there, now),
        }
    }

    /// What came before the folder was watched is not told of.
    fn look_inside(&mut self, folder: &Path, now: Instant) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if is_gone(&error) => return,
            Err(error) => return self.say(folder, &unreadable(&error)),
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if !self.files.contains_key(&path)
                && !self.folders.contains_key(&path)
                && !self.moving.contains_key(&path)
            {
                self.touch(&path, None, now);
            }
        }
    }

    fn take(&mut self, path: &Path, seen: &Seen, was_there: bool, now: Instant) {
        let known = self.files.get(path);
        if known.is_some_and(|known| known.stamp == seen.stamp) {
            return;
        }
        let content = match read(seen) {
            Ok(Some(content)) => content,
            Ok(None) => return self.touch(path, None, now),
            Err(refusal) => return self.say(path, &refusal),
        };
        // Nothing is the same in two empty files.
        let is_copy =
            known.is_none() && content.size > 0 && self.contents.contains_key(&content.sha1);
        let known_id = known.map(|known| known.id.clone());
        let parent_id = self.parent_id(path);
        let id = known_id.unwrap_or_else(|| self.new_id(path));
        let sha1 = content.sha1.clone();
        self.serve(FolderChange::File(FileFound {
            id: id.clone(),
            name: name_of(path),
            parent_id,
            content,
            is_copy,
            was_there,
        }));
        *self.contents.entry(sha1.clone()).or_default() += 1;
        let stamp = seen.stamp;
        if let Some(before) = self
            .files
            .insert(path.to_owned(), KnownFile { id, stamp, sha1 })
        {
            self.drop_content(&before.sha1);
        }
    }

    fn renamed(&mut self, from: &Path, to: &Path, now: Instant) {
        let is_there = |path: &Path| fs::symlink_metadata(path).is_ok();
        if is_there(from) || !is_there(to) {
            // More has happened since: what is there now counts.
            self.touch(from, None, now);
            self.touch(to, None, now);
            return;
        }
        self.carry_moving(from, to, now);
        let is_served = matches!(look(&self.root, to), Found::Folder | Found::File(_));
        let is_taken = self.files.contains_key(to) || self.folders.contains_key(to);
        let is_known = self.files.contains_key(from) || self.folders.contains_key(from);
        if !is_served || is_taken || !is_known {
            // A program that saves by way of another file gives the one in its place new content.
            self.forget(from);
            self.touch(to, None, now);
            return;
        }
        let folders = take_below(&mut self.folders, from);
        for (old, id) in folders {
            let path = moved(&old, from, to);
            let parent_id = self.parent_id(&path);
            self.folders.insert(path.clone(), id.clone());
            let name = name_of(&path);
            self.serve(FolderChange::Folder {
                id,
                name,
                parent_id,
            });
        }
        for (old, file) in take_below(&mut self.files, from) {
            let path = moved(&old, from, to);
            let parent_id = self.parent_id(&path);
            self.serve(FolderChange::Moved(FileMove {
                id: file.id.clone(),
                name: name_of(&path),
                parent_id,
                from: old,
                to: path.clone(),
            }));
            self.files.insert(path, file);
        }
    }

    /// What was in motion before a rename still is, under the new name.
    fn carry_moving(&mut self, from: &Path, to: &Path, now: Instant) {
        let carried: Vec<PathBuf> = self
            .moving
            .keys()
            .filter(|path| path.starts_with(from))
            .cloned()
            .collect();
        for path in carried {
            if let Some(moving) = self.moving.remove(&path) {
                let since = now;
                self.moving
                    .insert(moved(&path, from, to), Moving { since, ..moving });
            }
        }
    }

    /// A path is there no longer, with all that lay below it.
    fn forget(&mut self, path: &Path) {
        for (_, file) in take_below(&mut self.files, path) {
            self.drop_content(&file.sha1);
            self.ids.remove(&file.id);
            self.serve(FolderChange::FileGone(file.id));
        }
        for (_, id) in take_below(&mut self.folders, path) {
            self.ids.remove(&id);
            self.serve(FolderChange::FolderGone(id));
        }
        self.said.retain(|(about, _)| !about.starts_with(path));
    }

    /// The folder itself is gone.
    pub(super) fn vanish(&mut self) {
        let root = self.root.clone();
        self.forget(&root);
        self.moving.clear();
        let text = format!(
            "{} is gone, and its files with it; it is served again when it is back",
            root.display()
        );
        self.host.remark("gone", String::new(), text);
    }

    /// The id of a folder, which is put into the mock where it is new.
    fn folder_id(&mut self, path: &Path) -> String {
        if path == self.root {
            return ROOT.to_owned();
        }
        if let Some(id) = self.folders.get(path) {
            return id.clone();
        }
        let parent_id = self.parent_id(path);
        let id = self.new_id(path);
        self.folders.insert(path.to_owned(), id.clone());
        self.serve(FolderChange::Folder {
            id: id.clone(),
            name: name_of(path),
            parent_id,
        });
        id
    }

    fn parent_id(&mut self, path: &Path) -> String {
        match path.parent() {
            Some(parent) if parent.starts_with(&self.root) => self.folder_id(parent),
            _ => ROOT.to_owned(),
        }
    }

    fn new_id(&mut self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let bytes = below.as_os_str().as_encoded_bytes();
        let mut again = 0;
        loop {
            let id = id_for(bytes, again);
            let is_taken = self.host.look(|state| {
                // Metadata that was resumed waits for its file.
                state.file(&id).is_some_and(|file| !file.resumed) || state.folder(&id).is_some()
            });
            if !is_taken && self.ids.insert(id.clone()) {
                return id;
            }
            again += 1;
        }
    }

    fn drop_content(&mut self, sha1: &str) {
        if let Some(count) = self.contents.get_mut(sha1) {
            *count -= 1;
            if *count == 0 {
                self.contents.remove(sha1);
            }
        }
    }

    fn serve(&self, change: FolderChange) {
        if let Err(reason) = self.host.serve(change) {
            self.host.remark("record", String::new(), reason);
        }
    }

    /// Says why something is not served, once.
    fn say(&mut self, path: &Path, refusal: &Refusal) {
        let shown = path.strip_prefix(&self.root).unwrap_or(path);
        let shown = if shown.as_os_str().is_empty() {
            path.display().to_string()
        } else {
            shown.display().to_string()
        };
        if self.said.len() < MOST_SAID && self.said.insert((path.to_owned(), refusal.kind)) {
            let text = format!("{shown} {}", refusal.text);
            self.host.remark(refusal.kind, shown, text);
        }
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// `path`, which lies at or below `from`, as it lies at or below `to`.
fn moved(path: &Path, from: &Path, to: &Path) -> PathBuf {
    match path.strip_prefix(from) {
        Ok(below) if !below.as_os_str().is_empty() => to.join(below),
        _ => to.to_owned(),
    }
}

/// Takes out what lies at or below `path`, in order.
fn take_below<T>(map: &mut BTreeMap<PathBuf, T>, path: &Path) -> Vec<(PathBuf, T)> {
    let keys: Vec<PathBuf> = map
        .range(path.to_owned()..)
        .map(|(key, _)| key)
        .take_while(|key| key.starts_with(path))
        .cloned()
        .collect();
    keys.into_iter()
        .filter_map(|key| map.remove_entry(&key))
        .collect()
}
