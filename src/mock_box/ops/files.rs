//! Files: names in a folder, new versions, notices of where a file was put, deletion.

use jiff::Timestamp;

use super::metadata;
use crate::{
    domain::notice::{By, Placed, Placement},
    mock_box::{
        model::{
            content::Content,
            file::{File, Version},
            folder::Folder,
            grant::Writer,
            ids::Ids,
        },
        state::{Change, State},
    },
};

/// A file or a folder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    /// A file.
    File(&'a File),
    /// A folder.
    Folder(&'a Folder),
}

/// The item of a folder that has `name` already, other than the file `except`. For Box, names that
/// differ in case alone are the same.
pub(crate) fn item_named<'a>(
    state: &'a State,
    folder_id: &str,
    name: &str,
    except: Option<&str>,
) -> Option<Item<'a>> {
    let lower = name.to_lowercase();
    let is_same = |other: &str| other == name || other.to_lowercase() == lower;
    let file = state
        .files_in(folder_id)
        .find(|file| is_same(&file.name) && except != Some(file.id.as_str()));
    let folder = || {
        let mut folders = state.folders_in(folder_id);
        folders.find(|folder| is_same(&folder.name))
    };
    file.map(Item::File).or_else(|| folder().map(Item::Folder))
}

/// A new version with this content.
pub(crate) fn new_version(content: Content, now: Timestamp, ids: &mut Ids) -> Version {
    Version::new(ids.number().to_string(), content, now)
}

/// The notice that a file came into its folder.
pub(crate) fn placed(
    file: &File,
    how: Placement,
    by: By,
    old_parent_id: Option<String>,
    now: Timestamp,
) -> Placed {
    Placed {
        at: now,
        how,
        by,
        file_id: file.id.clone(),
        name: file.name.clone(),
        old_parent_id,
    }
}

/// Deletes a file with its metadata, which is recorded.
pub(crate) fn delete(state: &State, file: &File, writer: &Writer, now: Timestamp) -> Vec<Change> {
    let mut changes = metadata::delete_all(state, file, writer, now);
    changes.push(Change::RemoveFile(file.id.clone()));
    changes
}
