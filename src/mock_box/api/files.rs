//! The endpoints of files and their versions: read, change, move, copy, delete.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    endpoint::{
        BodyKind::{InMemory, NoBody},
        Endpoint,
        Handler::{Read, Write},
        row,
    },
    item_fields,
};
use crate::{
    domain::{
        notice::{By, Placement},
        operation::Operation,
    },
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors, etags},
        model::{file::File, ids::Ids},
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
    let file = context.file()?;
    let past = file.versions.iter().rev().skip(1);
    let entries: Vec<Value> = past.map(|past| view::file::version(file, past)).collect();
    let list = json!({
        "total_count": entries.len(), "entries": entries, "limit": 1000, "offset": 0,
        "order": [{"by": "version_number", "direction": "DESC"}]
    });
    Ok(Answer::json(StatusCode::OK, &list))
}

fn read_version(context: &Context<'_>) -> Result<Answer, Answer> {
    let file = context.file()?;
    let version = file
        .version(context.capture("version_id"))
        .ok_or_else(errors::not_found)?;
    let object = view::file::version(file, version);
    Ok(Answer::json(StatusCode::OK, &object))
}

/// Another name, description or folder. Metadata follows a move, since it belongs to the file.
fn update_file(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let state = context.state;
    let file = context.matching_file()?;
    let body = item_fields::body(context.request.bytes())?;
    let changed = File {
        name: item_fields::name(&body)?.unwrap_or_else(|| file.name.clone()),
        parent_id: item_fields::parent(state, &body)?.unwrap_or_else(|| file.parent_id.clone()),
        description: item_fields::description(&body)?.unwrap_or_else(|| file.description.clone()),
        ..file.clone()
    };
    let is_moved = changed.parent_id != file.parent_id;
    if changed.name != file.name || is_moved {
        item_fields::check_free(state, &changed.parent_id, &changed.name, Some(&file.id))?;
    }
    let is_same = !is_moved && changed.name == file.name && changed.description == file.description;
    if is_same {
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

/// A copy of a file, without its metadata.
fn copy_file(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let file = context.file()?;
    let body = item_fields::body(context.request.bytes())?;
    let source = match body.get("version").and_then(Value::as_str) {
        Some(id) => file.version(id).ok_or_else(errors::not_found)?,
        None => file.current(),
    };
    let parent_id = item_fields::parent(context.state, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    let name = item_fields::name(&body)?.unwrap_or_else(|| file.name.clone());
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let version = ops::files::new_version(source.content.clone(), context.now, ids);
    let copy = File {
        description: file.description.clone(),
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
