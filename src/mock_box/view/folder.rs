//! A folder as Box's JSON, and what it contains, page by page.

use serde_json::{Map, Value, json};

use super::{
    fields::{members, pick, time},
    file, mini,
};
use crate::mock_box::{
    model::{file::File, folder::Folder},
    state::State,
};

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// The number of entries before it.
    pub offset: usize,
    /// The most entries in it.
    pub limit: usize,
}

/// The folder, with the fields of a `?fields=` where there is one.
pub(crate) fn with_fields(
    state: &State,
    folder: &Folder,
    fields: Option<&str>,
) -> Map<String, Value> {
    let all = full(state, folder);
    match fields {
        None => all,
        Some(fields) => pick(&all, fields),
    }
}

fn full(state: &State, folder: &Folder) -> Map<String, Value> {
    // The root has neither times nor an etag.
    let unless_root = |value: Value| {
        if folder.is_root() { Value::Null } else { value }
    };
    let created = unless_root(json!(time(folder.created_at)));
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let mut all = members(mini::folder(folder));
    all.extend(members(json!({
        "created_at": created,
        "modified_at": created,
        "description": "",
        "size": state.files_in(&folder.id).map(|file| file.current().content.size).sum::<u64>(),
        "path_collection": mini::path_collection(state, folder.parent_id.as_deref()),
        "created_by": mini::user(),
        "modified_by": mini::user(),
        "trashed_at": null,
        "purged_at": null,
        "content_created_at": created,
        "content_modified_at": created,
        "owned_by": mini::user(),
        "shared_link": null,
        "folder_upload_email": null,
        "parent": folder.parent_id.as_deref().map(|id| mini::folder_by_id(state, id)),
        "item_status": "active",
        "item_collection": items(state, &folder.id, page, None)
    })));
    all
}

/// What a folder contains: folders first, then files, both by name.
pub(crate) fn items(
    state: &State,
    id: &str,
    page: Page,
    fields: Option<&str>,
) -> Map<String, Value> {
    let mut folders: Vec<&Folder> = state.folders_in(id).collect();
    folders.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    let mut files: Vec<&File> = state.files_in(id).collect();
    files.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    let total = folders.len() + files.len();
    let folders = folders.into_iter().map(|folder| match fields {
        None => mini::folder(folder),
        Some(fields) => Value::Object(pick(&members(mini::folder(folder)), fields)),
    });
    let files = files.into_iter().map(|file| match fields {
        None => mini::file(file),
        Some(fields) => Value::Object(pick(&file::full(state, file), fields)),
    });
    let entries: Vec<Value> = folders
        .chain(files)
        .skip(page.offset)
        .take(page.limit)
        .collect();
    members(json!({
        "total_count": total,
        "entries": entries,
        "offset": page.offset,
        "limit": page.limit,
        "order": [{"by": "type", "direction": "ASC"}, {"by": "name", "direction": "ASC"}]
    }))
}
