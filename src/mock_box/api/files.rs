//! The endpoints of files and their versions: read, change, move, copy, delete.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{item_fields, metadata};
use crate::{
    domain::notice::{By, Placed, Placement},
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors, etags},
        model::{
            file::{File, Version},
            instance::Write,
        },
        state::{Change, State},
        view,
    },
};

/// `GET /files/{id}`.
///
/// # Errors
/// Box's answer where there is no such file, or where it is not to be sent.
pub fn info(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let head = &context.request.head;
    let file = context.matching_file(id)?;
    let etag = file.etag.to_string();
    if etags::is_known(head, &etag) {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED)
            .header_text(header::ETAG, &format!("\"{etag}\"")));
    }
    Ok(answer(context, StatusCode::OK, file))
}

/// `GET /files/{id}/versions`: those before the current one, newest first.
///
/// # Errors
/// 404 where there is no such file.
pub fn versions(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let file = find(context.state, id)?;
    let past = file.versions.iter().rev().skip(1);
    let entries: Vec<Value> = past.map(|past| view::file::version(file, past)).collect();
    let list = json!({
        "total_count": entries.len(), "entries": entries, "limit": 1000, "offset": 0,
        "order": [{"by": "version_number", "direction": "DESC"}]
    });
    Ok(Answer::json(StatusCode::OK, &list))
}

/// `GET /files/{id}/versions/{version}`.
///
/// # Errors
/// 404 where there is no such file or version.
pub fn one_version(context: &Context<'_>, id: &str, version_id: &str) -> Result<Answer, Answer> {
    let file = find(context.state, id)?;
    let version = version(file, version_id)?;
    Ok(Answer::json(
        StatusCode::OK,
        &view::file::version(file, version),
    ))
}

/// `PUT /files/{id}`: another name, description or folder. Metadata follows a move, since it
/// belongs to the file.
///
/// # Errors
/// 412 and 404 by If-Match, 400 for what Box does not take, 409 where the name is taken there.
pub fn update(context: &Context<'_>, id: &str) -> Result<Decision, Answer> {
    let state = context.state;
    let file = context.matching_file(id)?;
    let body = item_fields::body(context.request.bytes())?;
    let changed = File {
        name: item_fields::name(&body)?.unwrap_or_else(|| file.name.clone()),
        parent_id: item_fields::parent(state, &body)?.unwrap_or_else(|| file.parent_id.clone()),
        description: item_fields::description(&body)?.unwrap_or_else(|| file.description.clone()),
        ..file.clone()
    };
    if changed.name != file.name || changed.parent_id != file.parent_id {
        item_fields::check_free(state, &changed.parent_id, &changed.name, Some(id))?;
    }
    let is_same = changed.name == file.name
        && changed.parent_id == file.parent_id
        && changed.description == file.description;
    if is_same {
        return Ok(Decision::answer(answer(context, StatusCode::OK, file)));
    }
    let placed = (changed.parent_id != file.parent_id).then(|| Placed {
        at: context.now,
        how: Placement::Move,
        by: By::Api,
        file_id: id.to_owned(),
        name: changed.name.clone(),
        old_parent_id: Some(file.parent_id.clone()),
    });
    let changed = changed.changed(context.now);
    Ok(Decision {
        placed: placed.map(Box::new),
        changes: vec![Change::EditFile(Box::new(changed.clone()))],
        ..Decision::answer(answer(context, StatusCode::OK, &changed))
    })
}

/// `POST /files/{id}/copy`. Metadata is not copied.
///
/// # Errors
/// 404 where there is no such file or folder, 400 for what Box does not take, 409 where the name
/// is taken there.
pub fn copy(context: &mut Context<'_>, id: &str) -> Result<Decision, Answer> {
    let file = find(context.state, id)?;
    let body = item_fields::body(context.request.bytes())?;
    let source = match body.get("version").and_then(Value::as_str) {
        Some(wanted) => version(file, wanted)?,
        None => file.current(),
    };
    let parent_id = item_fields::parent(context.state, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    let name = item_fields::name(&body)?.unwrap_or_else(|| file.name.clone());
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let version = Version {
        id: context.ids.number().to_string(),
        content: source.content.clone(),
        created_at: context.now,
    };
    let copy = File {
        description: file.description.clone(),
        ..File::new(context.ids.number().to_string(), name, parent_id, version)
    };
    let placed = Placed {
        at: context.now,
        how: Placement::Copy,
        by: By::Api,
        file_id: copy.id.clone(),
        name: copy.name.clone(),
        old_parent_id: None,
    };
    Ok(Decision {
        placed: Some(Box::new(placed)),
        changes: vec![Change::EditFile(Box::new(copy.clone()))],
        ..Decision::answer(answer(context, StatusCode::CREATED, &copy))
    })
}

/// `DELETE /files/{id}`. Its metadata goes with it, and the record says so.
///
/// # Errors
/// 412 and 404 by If-Match.
pub fn delete(context: &Context<'_>, id: &str) -> Result<Decision, Answer> {
    let file = context.matching_file(id)?;
    let gone = metadata::all_deleted(context, file);
    let changes = gone
        .into_iter()
        .map(|record| Change::Write(Write::recorded(record)))
        .chain([Change::RemoveFile(id.to_owned())])
        .collect();
    Ok(Decision {
        changes,
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

/// An answer with `file`, with the fields that the call asks for.
fn answer(context: &Context<'_>, status: StatusCode, file: &File) -> Answer {
    let object = view::file::with_fields(context.state, &context.request.head, file);
    Answer::json(status, &object).header_text(header::ETAG, &format!("\"{}\"", file.etag))
}

/// The file `id`.
///
/// # Errors
/// 404 where there is none.
pub fn find<'a>(state: &'a State, id: &str) -> Result<&'a File, Answer> {
    state.file(id).ok_or_else(errors::not_found)
}

/// A version of `file`.
///
/// # Errors
/// 404 where it has none of this id.
pub fn version<'a>(file: &'a File, id: &str) -> Result<&'a Version, Answer> {
    file.version(id).ok_or_else(errors::not_found)
}
