//! A folder as Box's JSON, without what it contains.

use serde_json::{Map, Value, json};

use super::{
    fields::{members, names, pick, time},
    mini,
    shared_link::shared_link,
};
use crate::mock_box::{model::folder::Folder, state::State};

/// Type, id, etag and the listed fields; unknown ones are left out, as Box does.
pub(super) fn selected(
    all: &Map<String, Value>,
    folder: &Folder,
    fields: &str,
) -> Map<String, Value> {
    let mut chosen = pick(all, fields);
    for field in names(fields) {
        if let Some(value) = on_request(folder, field) {
            chosen.entry(field).or_insert(value);
        }
    }
    chosen
}

/// A field that Box sends only where a call asks for it.
fn on_request(folder: &Folder, field: &str) -> Option<Value> {
    Some(match field {
        "tags" => json!(folder.details.tags),
        "is_accessible_via_shared_link" => json!(folder.details.shared_link.is_some()),
        "has_collaborations"
        | "is_externally_owned"
        | "is_collaboration_restricted_to_enterprise"
        | "is_associated_with_app_item" => json!(false),
        "can_non_owners_invite" | "can_non_owners_view_collaborators" => json!(true),
        "sync_state" => json!("not_synced"),
        "classification" => Value::Null,
        "watermark_info" => json!({"is_watermarked": false}),
        "allowed_shared_link_access_levels" => json!(["collaborators", "open", "company"]),
        "permissions" => json!({
            "can_download": true, "can_upload": true, "can_rename": true, "can_delete": true,
            "can_share": true, "can_set_share_access": true, "can_invite_collaborator": true
        }),
        _ => return None,
    })
}

/// The folder with the fields that Box sends by default, other than its items.
pub(super) fn full(state: &State, folder: &Folder) -> Map<String, Value> {
    // The root has neither times nor an etag.
    let unless_root = |value: Value| {
        if folder.is_root() { Value::Null } else { value }
    };
    let created = unless_root(json!(time(folder.created_at)));
    let modified = unless_root(json!(time(folder.modified_at)));
    let mut all = members(mini::folder(folder));
    all.extend(members(json!({
        "created_at": created,
        "modified_at": modified,
        "description": folder.details.description,
        "size": size(state, folder),
        "path_collection": mini::path_collection(state, folder.parent_id.as_deref()),
        "created_by": mini::user(),
        "modified_by": mini::user(),
        "trashed_at": null,
        "purged_at": null,
        "content_created_at": created,
        "content_modified_at": modified,
        "owned_by": mini::user(),
        "shared_link": shared_link(folder.details.shared_link.as_ref(), None),
        "folder_upload_email": null,
        "parent": folder.parent_id.as_deref().map(|id| mini::folder_by_id(state, id)),
        "item_status": "active"
    })));
    all
}

/// The bytes of the files in a folder.
pub(super) fn size(state: &State, folder: &Folder) -> u64 {
    let files = state.files_in(&folder.id);
    files.map(|file| file.current().content.size).sum()
}
