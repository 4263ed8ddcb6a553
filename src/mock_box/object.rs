//! The objects that Box's answers are made of: files and their versions, whole, in few words, or
//! with the fields that were asked for. What they are answered to is decided elsewhere.

use http::{StatusCode, header};
use jiff::{Timestamp, tz::Offset};
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    content::extension,
    decide::Context,
    folders, representations,
    request::Head,
    routes::InstancePath,
    state::{File, State, Version},
    users,
};
use crate::domain::event::refresh::format_time;

/// A time as Box writes it.
pub fn time(at: Timestamp) -> String {
    format_time(at, Offset::UTC)
}

/// An answer with the object of `file`, with the fields that the call asks for.
pub fn answer(context: &Context<'_>, status: StatusCode, file: &File) -> Answer {
    let object = asked(context.state, &context.request.head, file);
    Answer::json(status, &object).header_text(header::ETAG, &format!("\"{}\"", file.etag))
}

/// The object of `file`, with the fields of `?fields=` where the call has any.
pub fn asked(state: &State, head: &Head, file: &File) -> Value {
    match head.query("fields") {
        None => Value::Object(full(state, file)),
        Some(fields) => selected(state, head, file, &fields),
    }
}

/// The file object with the fields that Box gives by default.
pub fn full(state: &State, file: &File) -> Map<String, Value> {
    let sha1 = &file.current().content.sha1;
    let (created, modified) = (time(file.created_at), time(file.modified_at));
    let content_modified = time(file.current().created_at);
    members(json!({
        "type": "file",
        "id": file.id,
        "file_version": mini_version(file.current()),
        "sequence_id": file.etag.to_string(),
        "etag": file.etag.to_string(),
        "sha1": sha1,
        "name": file.name,
        "description": file.description,
        "size": file.current().content.size,
        "path_collection": folders::path_collection(state, Some(&file.parent_id)),
        "created_at": created,
        "modified_at": modified,
        "trashed_at": null,
        "purged_at": null,
        "content_created_at": created,
        "content_modified_at": content_modified,
        "created_by": users::mini(),
        "modified_by": users::mini(),
        "owned_by": users::mini(),
        "shared_link": null,
        "parent": folders::mini_of(state, &file.parent_id),
        "item_status": "active"
    }))
}

/// A file in few words, as lists and conflicts name it.
pub fn mini(file: &File) -> Value {
    json!({
        "type": "file",
        "id": file.id,
        "file_version": mini_version(file.current()),
        "sequence_id": file.etag.to_string(),
        "etag": file.etag.to_string(),
        "sha1": file.current().content.sha1,
        "name": file.name
    })
}

fn mini_version(version: &Version) -> Value {
    json!({"type": "file_version", "id": version.id, "sha1": version.content.sha1})
}

/// A version as the list of versions shows it.
pub fn version(file: &File, version: &Version) -> Value {
    let created = time(version.created_at);
    json!({
        "type": "file_version",
        "id": version.id,
        "sha1": version.content.sha1,
        "name": file.name,
        "size": version.content.size,
        "uploader_display_name": users::NAME,
        "created_at": created,
        "modified_at": created,
        "modified_by": users::mini(),
        "trashed_at": null,
        "purged_at": null,
        "version_number": number(file, version).to_string()
    })
}

/// The number of a version, from 1 for the oldest.
fn number(file: &File, version: &Version) -> usize {
    let place = file.versions.iter().position(|one| one.id == version.id);
    place.map_or(1, |place| place + 1)
}

/// `?fields=`: type, id, etag and those asked for; unknown ones are left out, as Box does.
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
            let entries = representations::list(head, file);
            chosen.insert(field.to_owned(), json!({ "entries": entries }));
        } else if let Some(value) = all.get(field).cloned().or_else(|| on_request(file, field)) {
            chosen.insert(field.to_owned(), value);
        }
    }
    Value::Object(chosen)
}

/// What a file object holds only where it is asked for.
fn on_request(file: &File, field: &str) -> Option<Value> {
    Some(match field {
        "extension" => json!(extension(&file.name)),
        "version_number" => json!(file.versions.len().to_string()),
        "comment_count" => json!(0),
        "tags" => json!([]),
        "lock" | "expires_at" => Value::Null,
        "is_package" | "has_collaborations" | "is_externally_owned" => json!(false),
        "uploader_display_name" => json!(users::NAME),
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
fn put_metadata(state: &State, file: &File, path: &str, chosen: &mut Map<String, Value>) {
    let Some((scope, template)) = path.split_once('.') else {
        return;
    };
    let place = InstancePath::new(&file.id, scope, template);
    let Some(instance) = state.instance(&place) else {
        return;
    };
    let scopes = chosen.entry("metadata").or_insert_with(|| json!({}));
    // Asked for again it is not read again: instances may be large.
    if scopes[scope].get(template).is_none() {
        scopes[scope][template] = serde_json::from_slice(&instance.json()).unwrap_or_default();
    }
}

/// Of `all`: type, id, etag, and what `fields` names.
pub fn pick(all: &Map<String, Value>, fields: &str) -> Map<String, Value> {
    ["type", "id", "etag"]
        .into_iter()
        .chain(names(fields))
        .filter_map(|name| Some((name.to_owned(), all.get(name)?.clone())))
        .collect()
}

fn names(fields: &str) -> impl Iterator<Item = &str> {
    fields.split(',').map(str::trim)
}

/// The members of an object that was written down as JSON.
pub fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
