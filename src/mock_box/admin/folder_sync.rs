//! Applies changes of a served folder to the files and folders of the mock. `watch` watches the disk.

use std::path::PathBuf;

use jiff::Timestamp;
use sha1::{Digest, Sha1};

use crate::{
    domain::notice::{By, Placed, Placement},
    mock_box::{
        model::{
            content::{Content, Source},
            file::{File, Version},
            folder::Folder,
            grant::Writer,
        },
        ops,
        state::{Change, State},
    },
};

/// A change in the served folder.
#[derive(Clone, Debug)]
pub enum FolderChange {
    /// A folder exists.
    Folder {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its parent folder.
        parent_id: String,
    },
    /// A folder was deleted.
    FolderGone(String),
    /// A file exists, with this content.
    File(FileFound),
    /// A file was renamed or moved.
    Moved(FileMove),
    /// A file was deleted.
    FileGone(String),
}

/// A file with its content.
#[derive(Clone, Debug)]
pub struct FileFound {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub parent_id: String,
    /// Its content.
    pub content: Content,
    /// Whether another file has the same content.
    pub is_copy: bool,
    /// Whether it existed at the start, so that no event is sent for it.
    pub is_initial: bool,
}

/// A move of a file.
#[derive(Clone, Debug)]
pub struct FileMove {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its new folder.
    pub parent_id: String,
    /// The old path of its content.
    pub from: PathBuf,
    /// The new path of its content.
    pub to: PathBuf,
}

/// The result of a change.
#[derive(Clone, Debug, Default)]
pub struct Synced {
    /// The changes of the state.
    pub changes: Vec<Change>,
    /// The file that an event is sent for.
    pub placed: Option<Placed>,
}

/// Decides a change.
pub fn sync(state: &State, change: FolderChange, now: Timestamp) -> Synced {
    match change {
        FolderChange::Folder {
            id,
            name,
            parent_id,
        } => {
            let created_at = state.folder(&id).map_or(now, |folder| folder.created_at);
            only(Change::PutFolder(Box::new(Folder {
                lasting: true,
                ..Folder::new(id, name, Some(parent_id), created_at)
            })))
        }
        FolderChange::FolderGone(id) => only(Change::RemoveFolder(id)),
        FolderChange::File(seen) => file_found(state, seen, now),
        FolderChange::Moved(place) => match state.file(&place.id) {
            Some(before) => moved(before, place, now),
            None => Synced::default(),
        },
        FolderChange::FileGone(id) => Synced {
            changes: file_gone(state, &id, now),
            placed: None,
        },
    }
}

fn only(change: Change) -> Synced {
    Synced {
        changes: vec![change],
        placed: None,
    }
}

fn put(file: File, placed: Option<Placed>) -> Synced {
    Synced {
        changes: vec![Change::SyncFile(Box::new(file))],
        placed,
    }
}

fn file_found(state: &State, seen: FileFound, now: Timestamp) -> Synced {
    if let Some(before) = state.file(&seen.id).filter(|file| !file.resumed) {
        return changed(before, seen.content, now);
    }
    let version = version(&seen.id, 0, seen.content, now);
    let file = File {
        lasting: true,
        ..File::new(seen.id, seen.name, seen.parent_id, version)
    };
    let how = if seen.is_copy {
        Placement::Copy
    } else {
        Placement::Upload
    };
    let placed = (!seen.is_initial).then(|| ops::files::placed(&file, how, By::Folder, None, now));
    put(file, placed)
}

/// Other content is a new version; the same content may have another path.
fn changed(before: &File, content: Content, now: Timestamp) -> Synced {
    let mut file = before.clone();
    if before.current().content.sha1 == content.sha1 {
        if let Some(current) = file.versions.last_mut() {
            current.content = content;
        }
        return put(file, None);
    }
    // The disk has the newest content only.
    for version in &mut file.versions {
        if version.content.source == content.source {
            // The old content no longer exists.
            version.content.source = Source::Disk(PathBuf::new());
        }
    }
    let number = file.versions.len();
    let file = file.with_version(version(&before.id, number, content, now), None);
    let placed = ops::files::placed(&file, Placement::Upload, By::Folder, None, now);
    put(file, Some(placed))
}

fn moved(before: &File, place: FileMove, now: Timestamp) -> Synced {
    let mut file = before.clone();
    for version in &mut file.versions {
        if version.content.source == Source::Disk(place.from.clone()) {
            version.content.source = Source::Disk(place.to.clone());
        }
    }
    if file.name == place.name && file.parent_id == place.parent_id {
        // A parent folder has moved.
        return put(file, None);
    }
    file.name = place.name;
    file.parent_id = place.parent_id;
    file.etag += 1;
    file.modified_at = now;
    let is_moved = before.parent_id != file.parent_id;
    let old = before.parent_id.clone();
    let placed =
        is_moved.then(|| ops::files::placed(&file, Placement::Move, By::Folder, Some(old), now));
    put(file, placed)
}

/// Deletes a file with its metadata, which is recorded.
fn file_gone(state: &State, id: &str, now: Timestamp) -> Vec<Change> {
    let Some(file) = state.file(id) else {
        return Vec::new();
    };
    let mut changes = ops::metadata::delete_all(state, file, &Writer::default(), now);
    changes.push(Change::UnsyncFile(id.to_owned()));
    changes
}

/// The id of a version depends on the content alone, so that recorded cards still belong to the current
/// version when the same folder is served again.
fn version(file_id: &str, number: usize, content: Content, now: Timestamp) -> Version {
    let mut hash = Sha1::new();
    for part in [file_id, &number.to_string(), &content.sha1] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    Version::new(digits(&hash.finalize()), content, now)
}

/// The id of the item at `path` in the served folder, the same each time. `again` resolves collisions.
pub fn id_for(path: &[u8], again: u64) -> String {
    let mut hash = Sha1::new();
    hash.update(again.to_le_bytes());
    hash.update(path);
    digits(&hash.finalize())
}

/// Twelve digits, as Box's newer ids have.
fn digits(hash: &[u8]) -> String {
    let number = hash
        .iter()
        .take(7)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (100_000_000_000 + number % 900_000_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock_box::model::{content::placeholder, ids::Ids, settings::Settings};

    fn state() -> State {
        State::new(Settings::default(), &mut Ids::new(1))
    }

    fn content(text: &str) -> Content {
        Content {
            sha1: text.to_owned(),
            ..placeholder("a.txt")
        }
    }

    fn file(text: &str) -> FolderChange {
        FolderChange::File(FileFound {
            id: "7".to_owned(),
            name: "a.txt".to_owned(),
            parent_id: "0".to_owned(),
            content: content(text),
            is_copy: false,
            is_initial: false,
        })
    }

    fn carry_out(state: &mut State, change: FolderChange) -> Option<Placed> {
        let synced = sync(state, change, Timestamp::UNIX_EPOCH);
        for change in &synced.changes {
            state.apply(change);
        }
        synced.placed
    }

    #[test]
    fn a_new_file_is_uploaded_and_other_content_is_a_new_version() {
        let mut state = state();
        let first = carry_out(&mut state, file("one")).expect("an event");
        assert_eq!(
            (first.how, first.name.as_str()),
            (Placement::Upload, "a.txt")
        );
        assert_eq!(carry_out(&mut state, file("one")), None);
        let second = carry_out(&mut state, file("two")).expect("an event");
        assert_eq!(second.how, Placement::Upload);
        let stored = state.file("7").expect("it is there");
        assert_eq!((stored.versions.len(), stored.etag), (2, 1));
    }

    #[test]
    fn a_move_sends_an_event_and_a_rename_does_not() {
        let mut state = state();
        carry_out(&mut state, file("one"));
        let place = |name: &str, parent: &str| {
            FolderChange::Moved(FileMove {
                id: "7".to_owned(),
                name: name.to_owned(),
                parent_id: parent.to_owned(),
                from: PathBuf::from("/a.txt"),
                to: PathBuf::from("/b.txt"),
            })
        };
        assert_eq!(carry_out(&mut state, place("b.txt", "0")), None);
        let moved = carry_out(&mut state, place("b.txt", "5")).expect("an event");
        assert_eq!(moved.how, Placement::Move);
        assert_eq!(moved.old_parent_id.as_deref(), Some("0"));
        assert_eq!(state.file("7").expect("it is there").etag, 2);
    }

    #[test]
    fn a_reset_keeps_served_files_as_they_are_on_disk() {
        let mut state = state();
        carry_out(&mut state, file("one"));
        let edited = File {
            name: "renamed".to_owned(),
            ..state.file("7").expect("it is there").clone()
        };
        state.apply(&Change::EditFile(Box::new(edited)));
        carry_out(&mut state, file("two"));
        carry_out(&mut state, FolderChange::FileGone("7".to_owned()));
        assert!(state.file("7").is_none());
    }

    #[test]
    fn ids_are_twelve_digits_and_the_same_each_time() {
        let id = id_for(b"sub/a.txt", 0);
        assert_eq!(id, id_for(b"sub/a.txt", 0));
        assert_ne!(id, id_for(b"sub/a.txt", 1));
        assert_eq!(id.len(), 12);
    }
}
