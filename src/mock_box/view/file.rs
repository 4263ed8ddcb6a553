//! A file and its versions as Box's JSON.

use serde_json::{Map, Value, json};

use super::{
    fields::{members, names, pick, time},
    mini, representation,
    shared_link::shared_link,
};
use crate::mock_box::{
    http::request::Head,
    model::{
        content::extension,
        file::{File, Version},
        instance::InstancePath,
        user,
    },
    state::State,
};

/// The file, with the fields of the call's `?fields=` where it has one.
pub(crate) fn with_fields(state: &State, head: &Head, file: &File) -> Value {
    match head.query("fields") {
        None => Value::Object(full(state, file)),
        Some(fields) => selected(state, head, file, &fields),
    }
}

/// The file with the fields that Box sends by default.
pub(crate) fn full(state: &State, file: &File) -> Map<String, Value> {
    let sha1 = &file.current().content.sha1;
    let (created, modified) = (time(file.created_at), time(file.modified_at));
    let content_created = time(file.content_created_at);
    let content_modified = time(file.current().modified_at);
    members(json!({
        "type": "file",
        "id": file.id,
        "file_version": mini::version(file.current()),
        "sequence_id": file.etag.to_string(),
        "etag": file.etag.to_string(),
        "sha1": sha1,
        "name": file.name,
        "description": file.details.description,
        "size": file.current().content.size,
        "path_collection": mini::path_collection(state, Some(&file.parent_id)),
        "created_at": created,
        "modified_at": modified,
        "trashed_at": null,
        "purged_at": null,
        "content_created_at": content_created,
        "content_modified_at": content_modified,
        "created_by": mini::user(),
        "modified_by": mini::user(),
        "owned_by": mini::user(),
        "shared_link": shared_link(file.details.shared_link.as_ref(), Some(&extension(&file.name))),
        "parent": mini::folder_by_id(state, &file.parent_id),
        "item_status": "active"
    }))
}

/// A version, with the fields of a `?fields=` where there is one.
pub(crate) fn version_with_fields(file: &File, version: &Version, fields: Option<&str>) -> Value {
    let all = self::version(file, version);
    match fields {
        None => Value::Object(all),
        Some(fields) => Value::Object(pick(&all, fields)),
    }
}

/// A version, as the list of versions has it.
fn version(file: &File, version: &Version) -> Map<String, Value> {
    let created = time(version.created_at);
    members(json!({
        "type": "file_version",
        "id": version.id,
        "sha1": version.content.sha1,
        "name": version.name.as_ref().unwrap_or(&file.name),
        "size": version.content.size,
        "uploader_display_name": user::NAME,
        "created_at": created,
        "modified_at": created,
        "modified_by": mini::user(),
        "trashed_at": null,
        "purged_at": null,
        "version_number": version.number.to_string()
    }))
}

/// The lock of a file; null where it has none.
fn lock(file: &File) -> Value {
    let Some(lock) = &file.lock else {
        return Value::Null;
    };
    json!({
        "type": "lock",
        "id": lock.id,
        "created_by": mini::user(),
        "created_at": time(lock.created_at),
        "expired_at": lock.expires_at,
        "is_download_prevented": lock.is_download_prevented,
        "app_type": null
    })
}

/// Type, id, etag and the listed fields; unknown ones are left out, as Box does.
fn selected(state: &State, head: &Head, file: &File, fields: &str) -> Value {
    let all = full(state, file);
    let mut chosen = pick(&all, "");
    for field in names(fields) {
        if chosen.contains_key(field) {
            continue;
        }
        if let Some(path) = field.strip_prefix("metadata.") {
            put_metadata(state, file, path, &mut chosen);
        } else if field == "representations" {
            let entries = representation::list(head, file);
            chosen.insert(field.to_owned(), json!({ "entries": entries }));
        } else if let Some(value) = all.get(field).cloned().or_else(|| on_request(file, field)) {
            chosen.insert(field.to_owned(), value);
        }
    }
    Value::Object(chosen)
}

/// A field that Box sends only where a call asks for it.
fn on_request(file: &File, field: &str) -> Option<Value> {
    Some(match field {
        "extension" => json!(extension(&file.name)),
        "version_number" => json!(file.current().number.to_string()),
        "comment_count" => json!(0),
        "tags" => json!(file.details.tags),
        "lock" => lock(file),
        "expires_at" | "classification" | "disposition_at" => Value::Null,
        "is_package"
        | "has_collaborations"
        | "is_externally_owned"
        | "is_associated_with_app_item" => json!(false),
        "is_accessible_via_shared_link" => json!(file.details.shared_link.is_some()),
        "watermark_info" => json!({"is_watermarked": false}),
        "shared_link_permission_options" => json!(["can_preview", "can_download", "can_edit"]),
        "uploader_display_name" => json!(user::NAME),
        "permissions" => json!({
            "can_download": true, "can_preview": true, "can_upload": true, "can_comment": true,
            "can_rename": true, "can_delete": true, "can_share": true,
            "can_set_share_access": true, "can_invite_collaborator": true, "can_annotate": true,
            "can_view_annotations_all": true, "can_view_annotations_self": true
        }),
        _ => return None,
    })
}

/// `metadata.global.boxSkillsCards` → `{"metadata":{"global":{"boxSkillsCards":{…}}}}`.
fn put_metadata(state: &State, file: &File, name: &str, chosen: &mut Map<String, Value>) {
    let Some((scope, template)) = name.split_once('.') else {
        return;
    };
    let path = InstancePath::new(&file.id, scope, template);
    let Some(instance) = state.instance(&path) else {
        return;
    };
    let scopes = chosen.entry("metadata").or_insert_with(|| json!({}));
    // Instances may be large: each is read once, however often the fields list it.
    if scopes[scope].get(template).is_none() {
        scopes[scope][template] = serde_json::from_slice(&instance.json()).unwrap_or_default();
    }
}
