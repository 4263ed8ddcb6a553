//! The endpoints of files and their versions: read, change, move, copy, delete.

use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    endpoint::{
        BodyKind::{InMemory, NoBody},
        Endpoint,
        Handler::{Read, Write},
        row,
    },
    item_changes::{ItemChanges, Setting, refuse_others},
    item_fields,
    list_page::{self, Limits},
};
use crate::{
    domain::{
        json::tree::Tape,
        notice::{By, Placement},
        operation::Operation,
    },
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors, etags},
        model::{
            file::{File, Lock, Version},
            ids::Ids,
            item_details::ItemDetails,
        },
        ops,
        state::Change,
        view,
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::GET,    "files/{file_id}",                       Operation::Info, NoBody,   Read(read_file)),
    row(Method::PUT,    "files/{file_id}",                       Operation::File, InMemory, Write(update_file)),
    row(Method::DELETE, "files/{file_id}",                       Operation::File, NoBody,   Write(delete_file)),
    row(Method::POST,   "files/{file_id}/copy",                  Operation::File, InMemory, Write(copy_file)),
    row(Method::GET,    "files/{file_id}/versions",              Operation::Info, NoBody,   Read(list_versions)),
    row(Method::GET,    "files/{file_id}/versions/{version_id}", Operation::Info, NoBody,   Read(read_version)),
    row(Method::POST,   "files/{file_id}/versions/current",      Operation::File, InMemory, Write(promote_version)),
    row(Method::DELETE, "files/{file_id}/versions/{version_id}", Operation::File, NoBody,   Write(delete_version)),
];

fn read_file(context: &Context<'_>) -> Result<Answer, Answer> {
    let file = context.matching_file()?;
    let etag = file.etag.to_string();
    if etags::is_known(&context.request.head, &etag) {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED)
            .header_text(header::ETAG, &format!("\"{etag}\"")));
    }
    Ok(answer(context, StatusCode::OK, file))
}

/// The versions before the current one, newest first.
fn list_versions(context: &Context<'_>) -> Result<Answer, Answer> {
    const LIMITS: Limits = Limits {
        default: 1000,
        max: 1000,
    };
    let file = context.file()?;
    let page = list_page::by_offset(&context.request.head, LIMITS)?;
    let past = file.versions.iter().rev().skip(1);
    let shown = past.skip(page.offset).take(page.limit);
    let entries: Vec<Value> = shown
        .map(|version| version_of(context, file, version))
        .collect();
    let list = json!({
        "total_count": file.versions.len() - 1, "entries": entries,
        "limit": page.limit, "offset": page.offset,
        "order": [{"by": "version_number", "direction": "DESC"}]
    });
    Ok(Answer::json(StatusCode::OK, &list))
}

fn read_version(context: &Context<'_>) -> Result<Answer, Answer> {
    let file = context.file()?;
    let version = file
        .version(context.capture("version_id"))
        .ok_or_else(errors::not_found)?;
    Ok(Answer::json(
        StatusCode::OK,
        &version_of(context, file, version),
    ))
}

/// A version, with the fields that the call asks for.
fn version_of(context: &Context<'_>, file: &File, version: &Version) -> Value {
    let fields = context.request.head.query("fields");
    view::file::version_with_fields(file, version, fields.as_deref())
}

/// Makes an old version the current one: a new version with its content, and the name that the file had
/// then.
fn promote_version(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let file = context.file()?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &["id", "type"], "a promotion")?;
    let id = body
        .get("id")
        .and_then(|id| Tape::from_value(id).tree().as_id())
        .ok_or_else(|| errors::bad_request("'id' is required"))?;
    let promoted = file.version(&id).ok_or_else(errors::not_found)?;
    let name = promoted.name.clone().filter(|name| *name != file.name);
    if let Some(name) = &name {
        item_fields::check_free(context.state, &file.parent_id, name, Some(&file.id))?;
    }
    let new = ops::files::new_version(promoted.content.clone(), context.now, ids);
    let file = file.clone().with_version(new, name);
    let version = version_of(context, &file, file.current());
    Ok(Decision {
        changes: vec![Change::EditFile(Box::new(file))],
        ..Decision::answer(Answer::json(StatusCode::CREATED, &version))
    })
}

/// Deletes a version; the current one can be deleted only with its file.
fn delete_version(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let mut file = context.matching_file()?.clone();
    let id = context.capture("version_id");
    if file.version(id).is_none() {
        return Err(errors::not_found());
    }
    if file.current().id == *id {
        return Err(errors::bad_request("The current version cannot be deleted"));
    }
    file.versions.retain(|version| version.id != *id);
    let file = file.changed(context.now);
    Ok(Decision {
        changes: vec![Change::EditFile(Box::new(file))],
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

/// Changes a file. Metadata follows a move, since it belongs to the file.
fn update_file(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    const KEPT: [&str; 6] = [
        "name",
        "parent",
        "description",
        "tags",
        "shared_link",
        "lock",
    ];
    let state = context.state;
    let file = context.matching_file()?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &KEPT, "a file")?;
    let members = body.keys().map(String::as_str);
    context.caller.check_changes(state, members)?;
    let asked = ItemChanges::read(context, &body)?;
    let lock = lock(&body, context.now, ids)?;
    let changed = File {
        details: asked.details(&file.details, ids),
        lock: lock.or(file.lock.clone()),
        name: asked.name.unwrap_or_else(|| file.name.clone()),
        parent_id: asked.parent_id.unwrap_or_else(|| file.parent_id.clone()),
        ..file.clone()
    };
    let is_moved = changed.parent_id != file.parent_id;
    if changed.name != file.name || is_moved {
        item_fields::check_free(state, &changed.parent_id, &changed.name, Some(&file.id))?;
    }
    if changed == *file {
        let answer = answer(context, StatusCode::OK, file);
        return Ok(Decision::answer(answer));
    }
    let changed = changed.changed(context.now);
    let placed = is_moved.then(|| {
        let old = Some(file.parent_id.clone());
        ops::files::placed(&changed, Placement::Move, By::Api, old, context.now)
    });
    Ok(Decision {
        placed: placed.map(Box::new),
        changes: vec![Change::EditFile(Box::new(changed.clone()))],
        ..Decision::answer(answer(context, StatusCode::OK, &changed))
    })
}

/// The lock that a body sets or removes.
fn lock(body: &Map<String, Value>, now: Timestamp, ids: &mut Ids) -> Result<Setting<Lock>, Answer> {
    let lock = match body.get("lock") {
        None => return Ok(Setting::Unchanged),
        Some(Value::Null) => return Ok(Setting::Removed),
        Some(Value::Object(lock)) => lock,
        Some(_) => return Err(errors::bad_request("'lock' must be an object or null")),
    };
    refuse_others(
        lock,
        &["access", "expires_at", "is_download_prevented"],
        "a lock",
    )?;
    match item_fields::text(lock, "access", "lock")?.as_deref() {
        None | Some("lock") => {}
        Some("unlock") => return Ok(Setting::Removed),
        Some(_) => return Err(errors::bad_request("'lock.access' must be 'lock'")),
    }
    let prevents = item_fields::flag(lock, "is_download_prevented", "lock")?;
    Ok(Setting::Set(Lock {
        id: ids.number().to_string(),
        created_at: now,
        expires_at: item_fields::time_text(lock, "expires_at", "lock")?,
        is_download_prevented: prevents.unwrap_or(false),
    }))
}

/// A copy of a file, without its metadata.
fn copy_file(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let file = context.file()?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &["name", "parent", "version"], "a copy")?;
    let source = match body.get("version").filter(|id| !id.is_null()) {
        None => file.current(),
        Some(id) => {
            let id = Tape::from_value(id).tree().as_id();
            let id = id.ok_or_else(|| errors::bad_request("'version' must be the id of one"))?;
            file.version(&id).ok_or_else(errors::not_found)?
        }
    };
    let parent_id = item_fields::parent(context, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    let name = item_fields::name(&body)?.unwrap_or_else(|| file.name.clone());
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let version = ops::files::new_version(source.content.clone(), context.now, ids);
    let copy = File {
        details: ItemDetails {
            description: file.details.description.clone(),
            ..ItemDetails::default()
        },
        ..File::new(ids.number().to_string(), name, parent_id, version)
    };
    let placed = ops::files::placed(&copy, Placement::Copy, By::Api, None, context.now);
    Ok(Decision {
        placed: Some(Box::new(placed)),
        changes: vec![Change::EditFile(Box::new(copy.clone()))],
        ..Decision::answer(answer(context, StatusCode::CREATED, &copy))
    })
}

/// Deletes a file with its metadata, which the journal records.
fn delete_file(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let file = context.matching_file()?;
    let writer = context.caller.writer();
    Ok(Decision {
        changes: ops::files::delete(context.state, file, &writer, context.now),
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

/// An answer with `file`, with the fields that the call asks for.
fn answer(context: &Context<'_>, status: StatusCode, file: &File) -> Answer {
    let object = view::file::with_fields(context.state, &context.request.head, file);
    Answer::json(status, &object).header_text(header::ETAG, &format!("\"{}\"", file.etag))
}
