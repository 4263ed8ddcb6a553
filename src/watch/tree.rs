//! The watched files of a project: which there are, and what changed in a folder since the last look.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsStr,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use ignore::WalkBuilder;

/// Folders that are never watched.
const CACHES: [&str; 4] = ["node_modules", "bower_components", "__pycache__", "venv"];

/// A folder to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRoot {
    /// The absolute path.
    pub path: PathBuf,
    /// How deep: 1 is only what is in the folder itself. `None` is to any depth.
    pub depth: Option<usize>,
    /// Whether what `.gitignore` names is left out.
    pub skips_ignored: bool,
}

/// A change of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The absolute path.
    pub path: PathBuf,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It was not there before.
    Created,
    /// It was there, and is another.
    Modified,
    /// It is gone.
    Removed,
}

/// What distinguishes a file from its earlier state: modification time in seconds and nanoseconds,
/// size, inode.
type Stamp = (i64, i64, u64, u64);

/// What was found in a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) changes: Vec<Change>,
    /// Folders that were not there before, at any depth.
    pub(super) new_folders: Vec<PathBuf>,
}

#[derive(Debug, Default)]
struct Folder {
    files: HashMap<PathBuf, Stamp>,
    folders: HashMap<PathBuf, Option<Identity>>,
}

/// The watched files, by folder.
#[derive(Debug)]
pub(super) struct SourceTree {
    roots: Vec<(WatchRoot, Option<Identity>)>,
    excluded: Vec<PathBuf>,
    left_out: HashSet<PathBuf>,
    folders: BTreeMap<PathBuf, Folder>,
}

impl SourceTree {
    pub(super) fn new(roots: Vec<WatchRoot>, excluded: Vec<PathBuf>) -> Self {
        let with_identity = |root: WatchRoot| {
            let identity = identity(&root.path);
            (root, identity)
        };
        Self {
            roots: roots.into_iter().map(with_identity).collect(),
            excluded,
            left_out: HashSet::new(),
            folders: BTreeMap::new(),
        }
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = &WatchRoot> {
        self.roots.iter().map(|(root, _)| root)
    }

    /// All watched folders.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.keys().map(PathBuf::as_path)
    }

    pub(super) fn has_folder(&self, folder: &Path) -> bool {
        self.folders.contains_key(folder)
    }

    /// Reads everything for the first time. Returns all folders.
    pub(super) fn scan_all(&mut self) -> Vec<PathBuf> {
        let roots: Vec<PathBuf> = self.roots().map(|root| root.path.clone()).collect();
        let mut found = Found::default();
        for root in roots {
            self.add(&root, &mut found);
        }
        found.new_folders
    }

    /// What changed in a folder since the last look; in new folders at any depth.
    pub(super) fn look_at(&mut self, path: &Path) -> Found {
        let mut found = Found::default();
        if !path.is_dir() {
            // A root is checked by itself.
            if !self.roots().any(|root| root.path == path) {
                self.remove(path, &mut found);
            }
            return self.without_left_out(found);
        }
        let Some(before) = self.folders.remove(path) else {
            self.add(path, &mut found);
            return self.without_left_out(found);
        };
        let now = self.list(path);
        for (file, stamp) in &now.files {
            let kind = match before.files.get(file) {
                None => ChangeKind::Created,
                Some(known) if known != stamp => ChangeKind::Modified,
                Some(_) => continue,
            };
            found.changes.push(change(file, kind));
        }
        let gone = before
            .files
            .keys()
            .filter(|it| !now.files.contains_key(*it));
        found
            .changes
            .extend(gone.map(|file| change(file, ChangeKind::Removed)));
        // A folder that was removed and made again between two looks is another one: the system has ended
        // its watch.
        for folder in not_in(&before.folders, &now.folders) {
            self.remove(folder, &mut found);
        }
        let new: Vec<PathBuf> = not_in(&now.folders, &before.folders).cloned().collect();
        self.folders.insert(path.to_owned(), now);
        for folder in new {
            self.add(&folder, &mut found);
        }
        self.without_left_out(found)
    }

    /// Adds a folder with everything in it. All of it is new.
    fn add(&mut self, path: &Path, found: &mut Found) {
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            if self.folders.contains_key(&path) || !path.is_dir() {
                continue;
            }
            let folder = self.list(&path);
            let files = folder.files.keys();
            found
                .changes
                .extend(files.map(|file| change(file, ChangeKind::Created)));
            open.extend(folder.folders.keys().cloned());
            found.new_folders.push(path.clone());
            self.folders.insert(path, folder);
        }
    }

    /// Removes a folder with everything in it.
    fn remove(&mut self, path: &Path, found: &mut Found) {
        let below: Vec<PathBuf> = self
            .folders
            .range(path.to_owned()..)
            .map(|(folder, _)| folder)
            .take_while(|folder| folder.starts_with(path))
            .cloned()
            .collect();
        for folder in below {
            let files = self.folders.remove(&folder).unwrap_or_default().files;
            found
                .changes
                .extend(files.keys().map(|file| change(file, ChangeKind::Removed)));
        }
    }

    /// Takes the present state of a file as known.
    pub(super) fn accept(&mut self, path: &Path) {
        let Some(parent) = path.parent() else {
            return;
        };
        let Some(folder) = self.folders.get_mut(parent) else {
            return;
        };
        match fs::metadata(path) {
            Ok(about) => {
                folder.files.insert(path.to_owned(), stamp(&about));
            }
            Err(_) => {
                folder.files.remove(path);
            }
        }
    }

    pub(super) fn leave_out(&mut self, path: PathBuf) {
        self.left_out.insert(path);
    }

    pub(super) fn watch_again(&mut self) {
        self.left_out.clear();
    }

    /// The roots that are gone since the last check, and those that are back (true).
    pub(super) fn check_roots(&mut self) -> Vec<(PathBuf, bool)> {
        let mut changed = Vec::new();
        for (root, known) in &mut self.roots {
            let now = identity(&root.path);
            if now == *known {
                continue;
            }
            *known = now;
            changed.push((root.path.clone(), now.is_some()));
        }
        for (path, _) in &changed {
            self.remove(path, &mut Found::default());
        }
        changed
    }

    /// The files and folders in a folder, without those that are not watched.
    fn list(&self, path: &Path) -> Folder {
        let mut folder = Folder::default();
        for (root, _) in &self.roots {
            let Ok(below) = path.strip_prefix(&root.path) else {
                continue;
            };
            let depth = below.components().count();
            if root.depth.is_some_and(|max| depth >= max) || passes_cache(below) {
                continue;
            }
            for entry in walk(path, root.skips_ignored).flatten() {
                let path = entry.path();
                if entry.depth() == 0 || self.excluded.iter().any(|it| path.starts_with(it)) {
                    continue;
                }
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                if is_folder {
                    let is_within = root.depth.is_none_or(|max| depth + 1 < max);
                    if is_within && !is_cache(entry.file_name()) {
                        folder.folders.insert(path.to_owned(), identity(path));
                    }
                } else if !is_temporary(entry.file_name())
                    && let Ok(about) = fs::metadata(path)
                    && about.is_file()
                {
                    folder.files.insert(path.to_owned(), stamp(&about));
                }
            }
        }
        folder
    }

    fn without_left_out(&self, mut found: Found) -> Found {
        if !self.left_out.is_empty() {
            found.changes.retain(|change| {
                let is_new_in = |folder: &Path| {
                    change.kind != ChangeKind::Modified && self.left_out.contains(folder)
                };
                !self.left_out.contains(&change.path)
                    && !change.path.parent().is_some_and(is_new_in)
            });
        }
        found
    }
}

/// The entries of one folder.
fn walk(path: &Path, skips_ignored: bool) -> ignore::Walk {
    WalkBuilder::new(path)
        .max_depth(Some(1))
        .hidden(false)
        .parents(skips_ignored)
        .ignore(false)
        .git_ignore(skips_ignored)
        .git_global(skips_ignored)
        .git_exclude(skips_ignored)
        .require_git(false)
        .build()
}

fn change(path: &Path, kind: ChangeKind) -> Change {
    Change {
        path: path.to_owned(),
        kind,
    }
}

fn stamp(about: &Metadata) -> Stamp {
    (about.mtime(), about.mtime_nsec(), about.size(), about.ino())
}

/// Device, inode and time of birth: another folder with the same path differs. An inode alone may be used
/// again at once.
type Identity = (u64, u64, Option<SystemTime>);

/// Which folder is at a path; `None` if there is none.
fn identity(folder: &Path) -> Option<Identity> {
    let about = fs::metadata(folder).ok().filter(Metadata::is_dir)?;
    Some((about.dev(), about.ino(), about.created().ok()))
}

/// The folders of one look that another look does not have.
fn not_in<'a>(
    folders: &'a HashMap<PathBuf, Option<Identity>>,
    others: &'a HashMap<PathBuf, Option<Identity>>,
) -> impl Iterator<Item = &'a PathBuf> {
    let is_in_others = |path: &PathBuf, id: &Option<Identity>| others.get(path) == Some(id);
    let folders = folders.iter();
    folders
        .filter(move |(path, id)| !is_in_others(path, id))
        .map(|(path, _)| path)
}

fn passes_cache(below: &Path) -> bool {
    below.iter().any(is_cache)
}

/// Whether a folder is hidden or a cache.
fn is_cache(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || CACHES.iter().any(|cache| name == *cache)
}

/// Whether an editor or an interpreter writes such a file next to those that a person edits.
fn is_temporary(name: &OsStr) -> bool {
    // vim, Emacs, JetBrains, Kate, LibreOffice, Python, macOS
    const ENDS: [&str; 8] = [
        "~",
        ".swp",
        ".swo",
        ".swx",
        "___jb_tmp___",
        "___jb_old___",
        ".kate-swp",
        ".pyc",
    ];
    const STARTS: [&str; 2] = [".#", ".~lock."];
    const NAMES: [&str; 2] = ["4913", ".DS_Store"];
    let Some(name) = name.to_str() else {
        return false;
    };
    ENDS.iter().any(|end| name.ends_with(end))
        || STARTS.iter().any(|start| name.starts_with(start))
        || NAMES.contains(&name)
        || (name.starts_with('#') && name.ends_with('#'))
}
