//! Folders with all that is in them: their deletion, their copies.

use jiff::Timestamp;

use super::files;
use crate::mock_box::{
    model::{file::File, folder::Folder, grant::Writer, ids::Ids, item_details::ItemDetails},
    state::{Change, State},
};

/// All folders below a folder, each after its parent.
pub(crate) fn below<'a>(state: &'a State, folder: &Folder) -> Vec<&'a Folder> {
    let mut found: Vec<&Folder> = state.folders_in(&folder.id).collect();
    let mut at = 0;
    while let Some(next) = found.get(at) {
        found.extend(state.folders_in(&next.id));
        at += 1;
    }
    found
}

/// Deletes a folder with all that is in it. The metadata of its files is deleted with records.
pub(crate) fn delete(
    state: &State,
    folder: &Folder,
    writer: &Writer,
    now: Timestamp,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let below = below(state, folder);
    for inner in below.iter().copied().chain([folder]) {
        for file in state.files_in(&inner.id) {
            changes.extend(files::delete(state, file, writer, now));
        }
    }
    let records = changes.iter_mut().filter_map(Change::record_mut);
    for (seq, record) in (state.next_seq()..).zip(records) {
        record.seq = seq;
    }
    let ids = below.iter().rev().map(|inner| inner.id.clone());
    changes.extend(ids.chain([folder.id.clone()]).map(Change::DeleteFolder));
    changes
}

/// Copies a folder with all that is in it, without metadata, as `name` into the folder `parent_id`. Gives
/// the copy and the changes; `None` for more than `max` items.
pub(crate) fn copy(
    state: &State,
    folder: &Folder,
    (name, parent_id): (String, String),
    max: usize,
    now: Timestamp,
    ids: &mut Ids,
) -> Option<(Folder, Vec<Change>)> {
    let copy = copied(folder, name, parent_id, now, ids);
    let mut changes = vec![Change::PutFolder(Box::new(copy.clone()))];
    let mut open = vec![(folder.id.as_str(), copy.id.clone())];
    while let Some((from, to)) = open.pop() {
        for file in state.files_in(from) {
            let version = files::new_version(file.current().content.clone(), now, ids);
            let new = File::new(
                ids.number().to_string(),
                file.name.clone(),
                to.clone(),
                version,
            );
            changes.push(Change::EditFile(Box::new(File {
                details: kept(&file.details),
                ..new
            })));
        }
        for inner in state.folders_in(from) {
            let new = copied(inner, inner.name.clone(), to.clone(), now, ids);
            open.push((&inner.id, new.id.clone()));
            changes.push(Change::PutFolder(Box::new(new)));
        }
        if changes.len() > max {
            return None;
        }
    }
    Some((copy, changes))
}

fn copied(
    folder: &Folder,
    name: String,
    parent_id: String,
    now: Timestamp,
    ids: &mut Ids,
) -> Folder {
    Folder {
        details: kept(&folder.details),
        ..Folder::new(ids.number().to_string(), name, Some(parent_id), now)
    }
}

/// What a copy keeps of the details.
fn kept(details: &ItemDetails) -> ItemDetails {
    ItemDetails {
        description: details.description.clone(),
        ..ItemDetails::default()
    }
}
