//! Keeps the mock's files and folders in step with a served folder: when a path has settled, finds
//! out what changed and hands that to the mock. The current time is a parameter.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use notify::{
    Error, ErrorKind, EventKind,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode},
};
use notify_debouncer_full::DebouncedEvent;
use walkdir::WalkDir;

use super::{
    inspect::{Found, FoundFile, Refusal, Stamp, inspect, is_missing, read, unreadable},
    unsettled::{Unsettled, rebased},
};
use crate::{
    mock_box::{
        folder_sync::{FileFound, FileMove, FolderChange, id_for},
        model::folder::ROOT,
    },
    store::Store,
};

/// The most remarks that are remembered, so that none is made twice.
const MAX_REMARKS: usize = 10_000;

/// A served folder, as the mock has it.
pub(super) struct FolderSync {
    store: Arc<Store>,
    root: PathBuf,
    files: BTreeMap<PathBuf, KnownFile>,
    folders: BTreeMap<PathBuf, String>,
    /// The ids of files and folders; each is used once.
    ids: HashSet<String>,
    /// The number of files with each content, by its SHA-1.
    contents: HashMap<String, usize>,
    unsettled: Unsettled,
    remarks: HashSet<(PathBuf, &'static str)>,
}

#[derive(Debug)]
struct KnownFile {
    id: String,
    stamp: Stamp,
    sha1: String,
}

impl FolderSync {
    /// A folder of which the mock has nothing yet.
    pub(super) fn new(store: Arc<Store>, root: PathBuf) -> Self {
        Self {
            store,
            root,
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
            ids: HashSet::new(),
            contents: HashMap::new(),
            unsettled: Unsettled::default(),
            remarks: HashSet::new(),
        }
    }

    /// The folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The number of its files.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    /// Puts everything into the mock that is in the folder at the start.
    pub(super) fn begin(&mut self) {
        for path in self.walk() {
            self.update(&path, true, Instant::now());
        }
    }

    /// When the next path may be settled.
    pub(super) fn next_settled(&self) -> Option<Instant> {
        self.unsettled.next()
    }

    /// The system reported an event.
    pub(super) fn on_event(&mut self, event: &DebouncedEvent, now: Instant) {
        if event.need_rescan() {
            self.recheck_all(now);
            return;
        }
        if let (EventKind::Modify(ModifyKind::Name(RenameMode::Both)), [from, to]) =
            (event.kind, event.paths.as_slice())
        {
            self.renamed(from, to, now);
            return;
        }
        // Only Linux reports the end of writing.
        let begins = cfg!(target_os = "linux").then_some(true);
        let is_open = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(false),
            // Reading changes nothing, and the mock itself reads the files.
            EventKind::Access(_) => return,
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => begins,
            _ => None,
        };
        for path in &event.paths {
            self.unsettled.changed(path, is_open, now);
        }
    }

    /// The system could not watch something.
    pub(super) fn on_watch_error(&mut self, error: &Error) {
        let hint = match error.kind {
            ErrorKind::MaxFilesWatch => "; raise fs.inotify.max_user_watches",
            _ => "",
        };
        let path = error.paths.first().unwrap_or(&self.root).clone();
        self.remark(
            &path,
            &Refusal {
                kind: "watch",
                text: format!("is not watched: {error}{hint}"),
            },
        );
    }

    /// The folder exists again: everything in it is new.
    pub(super) fn on_root_back(&mut self, now: Instant) {
        let text = format!("{} exists again", self.root.display());
        self.store.remark("back", String::new(), text);
        self.recheck_all(now);
    }

    /// Takes over what has settled.
    pub(super) fn settle(&mut self, now: Instant) {
        for path in self.unsettled.take_settled(now) {
            self.update(&path, false, now);
        }
    }

    /// Every path in the folder, folders before what is in them.
    fn walk(&self) -> Vec<PathBuf> {
        let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
        WalkDir::new(&self.root)
            .min_depth(1)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()))
            .filter_map(|entry| match entry {
                Ok(entry) => Some(entry.into_path()),
                // An unreadable path is inspected too, which makes a remark.
                Err(error) => error.path().map(Path::to_owned),
            })
            .collect()
    }

    fn recheck_all(&mut self, now: Instant) {
        let known = self.files.keys().chain(self.folders.keys()).cloned();
        let paths: HashSet<PathBuf> = known.chain(self.walk()).collect();
        for path in paths {
            self.unsettled.changed(&path, None, now);
        }
    }

    /// Finds out what changed at a path; `is_initial` for what was there at the start.
    fn update(&mut self, path: &Path, is_initial: bool, now: Instant) {
        match inspect(&self.root, path) {
            Found::Ignored => {}
            // The watching thread checks for the folder itself.
            Found::Missing if path == self.root => {}
            Found::Missing => self.forget(path),
            Found::Refused(refusal) => {
                self.forget(path);
                self.remark(path, &refusal);
            }
            Found::Folder => {
                self.folder_id(path);
                if !is_initial {
                    self.check_entries(path, now);
                }
            }
            Found::File(found) => self.update_file(path, &found, is_initial, now),
        }
    }

    /// The system does not report what was created before the folder was watched.
    fn check_entries(&mut self, folder: &Path, now: Instant) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return,
            Err(error) => return self.remark(folder, &unreadable(&error)),
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if !self.files.contains_key(&path)
                && !self.folders.contains_key(&path)
                && !self.unsettled.contains(&path)
            {
                self.unsettled.changed(&path, None, now);
            }
        }
    }

    fn update_file(&mut self, path: &Path, found: &FoundFile, is_initial: bool, now: Instant) {
        let known = self.files.get(path);
        if known.is_some_and(|known| known.stamp == found.stamp) {
            return;
        }
        let content = match read(found) {
            Ok(Some(content)) => content,
            Ok(None) => return self.unsettled.changed(path, None, now),
            Err(refusal) => return self.remark(path, &refusal),
        };
        // Two empty files are not copies of each other.
        let is_copy =
            known.is_none() && content.size > 0 && self.contents.contains_key(&content.sha1);
        let known_id = known.map(|known| known.id.clone());
        let parent_id = self.parent_id(path);
        let id = known_id.unwrap_or_else(|| self.new_id(path));
        let sha1 = content.sha1.clone();
        self.apply(FolderChange::File(FileFound {
            id: id.clone(),
            name: name_of(path),
            parent_id,
            content,
            is_copy,
            is_initial,
        }));
        *self.contents.entry(sha1.clone()).or_default() += 1;
        let stamp = found.stamp;
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
            self.unsettled.changed(from, None, now);
            self.unsettled.changed(to, None, now);
            return;
        }
        self.unsettled.renamed(from, to, now);
        let is_served = matches!(inspect(&self.root, to), Found::Folder | Found::File(_));
        let is_taken = self.files.contains_key(to) || self.folders.contains_key(to);
        let is_known = self.files.contains_key(from) || self.folders.contains_key(from);
        if !is_served || is_taken || !is_known {
            // A program that saves by replacing the file gives it new content.
            self.forget(from);
            self.unsettled.changed(to, None, now);
            return;
        }
        let folders = take_below(&mut self.folders, from);
        for (old, id) in folders {
            let path = rebased(&old, from, to);
            let parent_id = self.parent_id(&path);
            self.folders.insert(path.clone(), id.clone());
            let name = name_of(&path);
            self.apply(FolderChange::Folder {
                id,
                name,
                parent_id,
            });
        }
        for (old, file) in take_below(&mut self.files, from) {
            let path = rebased(&old, from, to);
            let parent_id = self.parent_id(&path);
            self.apply(FolderChange::Moved(FileMove {
                id: file.id.clone(),
                name: name_of(&path),
                parent_id,
                from: old,
                to: path.clone(),
            }));
            self.files.insert(path, file);
        }
    }

    /// A path and everything below it no longer exists.
    fn forget(&mut self, path: &Path) {
        for (_, file) in take_below(&mut self.files, path) {
            self.drop_content(&file.sha1);
            self.ids.remove(&file.id);
            self.apply(FolderChange::FileGone(file.id));
        }
        for (_, id) in take_below(&mut self.folders, path) {
            self.ids.remove(&id);
            self.apply(FolderChange::FolderGone(id));
        }
        self.remarks.retain(|(about, _)| !about.starts_with(path));
    }

    /// The folder itself no longer exists.
    pub(super) fn on_root_gone(&mut self) {
        let root = self.root.clone();
        self.forget(&root);
        self.unsettled.clear();
        let text = format!(
            "{} was removed, and its files too; it is served when it exists again",
            root.display()
        );
        self.store.remark("gone", String::new(), text);
    }

    /// The id of a folder; a new folder is put into the mock.
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
        self.apply(FolderChange::Folder {
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
            let is_taken = self.store.read(|state| {
                // Resumed metadata waits for its file.
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

    fn apply(&self, change: FolderChange) {
        if let Err(reason) = self.store.sync_folder(change) {
            self.store.remark("record", String::new(), reason);
        }
    }

    /// Makes a remark of why something is not served, once.
    fn remark(&mut self, path: &Path, refusal: &Refusal) {
        let shown = path.strip_prefix(&self.root).unwrap_or(path);
        let shown = if shown.as_os_str().is_empty() {
            path.display().to_string()
        } else {
            shown.display().to_string()
        };
        if self.remarks.len() < MAX_REMARKS && self.remarks.insert((path.to_owned(), refusal.kind))
        {
            let text = format!("{shown} {}", refusal.text);
            self.store.remark(refusal.kind, shown, text);
        }
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Removes and returns what is at or below `path`, in order.
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
