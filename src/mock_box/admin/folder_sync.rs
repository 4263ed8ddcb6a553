//! Files and folders of a served folder, as they are in Box, and how they change with the folder. The
//! disk itself is watched elsewhere.

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

/// Something that was seen in the served folder.
#[derive(Clone, Debug)]
pub enum FolderChange {
    /// A folder is there, under this name and in this folder.
    Folder {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// The folder it lies in.
        parent_id: String,
    },
    /// A folder is there no longer.
    FolderGone(String),
    /// A file is there, with this content.
    File(FileFound),
    /// A file has another name or lies in another folder.
    Moved(FileMove),
    /// A file is there no longer.
    FileGone(String),
}

/// A file with its content.
#[derive(Clone, Debug)]
pub struct FileFound {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The folder it lies in.
    pub parent_id: String,
    /// Its content.
    pub content: Content,
    /// Whether another file has the same content.
    pub is_copy: bool,
    /// Whether it was there at the start, so that no event is sent for it.
    pub is_initial: bool,
}

/// Where a file lies.
#[derive(Clone, Debug)]
pub struct FileMove {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The folder it lies in now.
    pub parent_id: String,
    /// Where its content was.
    pub from: PathBuf,
    /// Where its content is now.
    pub to: PathBuf,
}

/// What becomes of it.
#[derive(Clone, Debug, Default)]
pub struct Synced {
    /// What changes.
    pub changes: Vec<Change>,
    /// The file that Box sends an event for.
    pub placed: Option<Placed>,
}

/// Decides what was seen.
pub fn sync(state: &State, change: FolderChange, now: Timestamp) -> Synced {
    match change {
        FolderChange::Folder {
            id,
            name,
            parent_id,
        } => only(Change::PutFolder(Box::new(Folder {
            created_at: state.folder(&id).map_or(now, |folder| folder.created_at),
            id,
            name,
            parent_id: Some(parent_id),
            lasting: true,
        }))),
        FolderChange::FolderGone(id) => only(Change::RemoveFolder(id)),
        FolderChange::File(seen) => there(state, seen, now),
        FolderChange::Moved(place) => match state.file(&place.id) {
            Some(before) => moved(before, place, now),
            None => Synced::default(),
        },
        FolderChange::FileGone(id) => Synced {
            changes: gone(state, &id, now),
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

fn there(state: &State, seen: FileFound, now: Timestamp) -> Synced {
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

/// Other content is a new version; the same content may lie elsewhere.
fn changed(before: &File, content: Content, now: Timestamp) -> Synced {
    let mut file = before.clone();
    if before.current().content.sha1 == content.sha1 {
        if let Some(current) = file.versions.last_mut() {
            current.content = content;
        }
        return put(file, None);
    }
    // The folder holds the newest content alone.
    for version in &mut file.versions {
        if version.content.source == content.source {
            // Nothing is there any more.
            version.content.source = Source::Disk(PathBuf::new());
        }
    }
    let number = file.versions.len();
    let file = file.with_version(version(&before.id, number, content, now));
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
        // A folder on the way has moved.
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
fn gone(state: &State, id: &str, now: Timestamp) -> Vec<Change> {
    let Some(file) = state.file(id) else {
        return Vec::new();
    };
    let mut changes = ops::metadata::delete_all(state, file, &Writer::default(), now);
    changes.push(Change::UnsyncFile(id.to_owned()));
    changes
}

/// The version's id hangs on the content alone, so that cards that were recorded for it are still
/// those of the current version when the same folder is served again.
fn version(file_id: &str, number: usize, content: Content, now: Timestamp) -> Version {
    let mut hash = Sha1::new();
    for part in [file_id, &number.to_string(), &content.sha1] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    Version {
        id: digits(&hash.finalize()),
        content,
        created_at: now,
    }
}

/// The id of what lies at `path`, from the served folder: the same each time the folder is served.
/// `again` distinguishes those that would have the same.
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
    fn another_folder_is_a_move_and_another_name_alone_is_nothing() {
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
    fn what_is_served_outlasts_a_reset_as_it_now_lies_on_disk() {
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
