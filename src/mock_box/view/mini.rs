//! The short forms in which Box's JSON refers to files, versions, folders and users.

use serde_json::{Value, json};

use crate::mock_box::{
    model::{
        file::{File, Version},
        folder::Folder,
        user,
    },
    state::State,
};

/// A file, as lists and conflicts refer to it.
pub(crate) fn file(file: &File) -> Value {
    json!({
        "type": "file",
        "id": file.id,
        "file_version": version(file.current()),
        "sequence_id": file.etag.to_string(),
        "etag": file.etag.to_string(),
        "sha1": file.current().content.sha1,
        "name": file.name
    })
}

/// A version, as its file refers to it.
pub(crate) fn version(version: &Version) -> Value {
    json!({"type": "file_version", "id": version.id, "sha1": version.content.sha1})
}

/// A folder.
pub(crate) fn folder(folder: &Folder) -> Value {
    let number = if folder.is_root() {
        Value::Null
    } else {
        json!(folder.etag.to_string())
    };
    json!({
        "type": "folder", "id": folder.id, "sequence_id": number, "etag": number,
        "name": folder.name
    })
}

/// The folder `id`; null where there is none.
pub(crate) fn folder_by_id(state: &State, id: &str) -> Value {
    state.folder(id).map_or(Value::Null, folder)
}

/// The folders from the root to the folder `id`, that folder included.
pub(crate) fn path_collection(state: &State, id: Option<&str>) -> Value {
    let entries: Vec<Value> = state.path_to(id).into_iter().map(folder).collect();
    json!({"total_count": entries.len(), "entries": entries})
}

/// The user.
pub(crate) fn user() -> Value {
    json!({"type": "user", "id": user::ID, "name": user::NAME, "login": user::LOGIN})
}
