//! The endpoints that change folders: update, move, delete, copy.

use http::{Method, StatusCode, header};

use super::{
    endpoint::{
        BodyKind::{InMemory, NoBody},
        Endpoint,
        Handler::Write,
        row,
    },
    folders::{changed_folder, find},
    item_changes::{ItemChanges, refuse_others},
    item_fields,
};
use crate::{
    domain::operation::Operation,
    mock_box::{
        context::{Context, Decision},
        http::{answer::Answer, errors, etags},
        model::{folder::Folder, ids::Ids},
        ops,
        state::{Change, MAX_DEPTH},
    },
};

/// The most items that one copy makes. Copies of copies would else grow without a limit.
const MAX_COPIED: usize = 10_000;

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::PUT,    "folders/{folder_id}",      Operation::Folder, InMemory, Write(update)),
    row(Method::DELETE, "folders/{folder_id}",      Operation::Folder, NoBody,   Write(delete)),
    row(Method::POST,   "folders/{folder_id}/copy", Operation::Folder, InMemory, Write(copy)),
];

fn update(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    const KEPT: [&str; 5] = ["name", "parent", "description", "tags", "shared_link"];
    let folder = matching(context)?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &KEPT, "a folder")?;
    let members = body.keys().map(String::as_str);
    context.caller.check_changes(context.state, members)?;
    let asked = ItemChanges::read(context, &body)?;
    refuse_root(folder)?;
    let details = asked.details(&folder.details, ids);
    let changed = Folder {
        details,
        name: asked.name.unwrap_or_else(|| folder.name.clone()),
        parent_id: asked.parent_id.or_else(|| folder.parent_id.clone()),
        ..folder.clone()
    };
    if changed == *folder {
        return Ok(Decision::answer(changed_folder(
            context,
            StatusCode::OK,
            folder,
        )));
    }
    let parent_id = changed.parent_id.as_deref().unwrap_or_default();
    item_fields::check_free_for_folder(context.state, parent_id, &changed.name, folder)?;
    if changed.parent_id != folder.parent_id {
        check_place(context, folder, parent_id)?;
    }
    let changed = Folder {
        etag: folder.etag + 1,
        modified_at: context.now,
        ..changed
    };
    Ok(Decision {
        changes: vec![Change::EditFolder(Box::new(changed.clone()))],
        ..Decision::answer(changed_folder(context, StatusCode::OK, &changed))
    })
}

/// A folder that is not empty is deleted with `?recursive=true` only.
fn delete(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let folder = matching(context)?;
    refuse_root(folder)?;
    let state = context.state;
    let recursive = context.request.head.query("recursive");
    let mut files = state.files_in(&folder.id);
    let is_empty = files.next().is_none() && state.folders_in(&folder.id).next().is_none();
    if !is_empty && recursive.as_deref() != Some("true") {
        return Err(errors::client(
            StatusCode::BAD_REQUEST,
            "folder_not_empty",
            "Cannot delete folder: it is not empty",
        ));
    }
    let writer = context.caller.writer();
    Ok(Decision {
        changes: ops::folders::delete(state, folder, &writer, context.now),
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

/// A copy of a folder with all that is in it, without metadata.
fn copy(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let folder = find(context)?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &["name", "parent"], "a copy")?;
    refuse_root(folder)?;
    let parent_id = item_fields::parent(context, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    let name = item_fields::name(&body)?.unwrap_or_else(|| folder.name.clone());
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    check_place(context, folder, &parent_id)?;
    let place = (name, parent_id);
    let copied = ops::folders::copy(context.state, folder, place, MAX_COPIED, context.now, ids);
    let (copy, changes) = copied.ok_or_else(|| {
        errors::bad_request(format!("The folder has more than {MAX_COPIED} items"))
    })?;
    Ok(Decision {
        changes,
        ..Decision::answer(changed_folder(context, StatusCode::CREATED, &copy))
    })
}

/// The folder of the path, where the call's If-Match permits it.
fn matching<'a>(context: &Context<'a>) -> Result<&'a Folder, Answer> {
    let folder = find(context)?;
    let expected = context.request.head.header(header::IF_MATCH);
    if expected.is_some_and(|list| !etags::lists(list, &folder.etag.to_string())) {
        return Err(errors::precondition_failed());
    }
    Ok(folder)
}

/// Nothing changes the root.
fn refuse_root(folder: &Folder) -> Result<(), Answer> {
    if !folder.is_root() {
        return Ok(());
    }
    Err(errors::client(
        StatusCode::FORBIDDEN,
        "access_denied_insufficient_permissions",
        "Access denied - insufficient permission",
    ))
}

/// Checks that `folder` may be in the folder `parent_id`: not below itself, and not nested too deeply.
fn check_place(context: &Context<'_>, folder: &Folder, parent_id: &str) -> Result<(), Answer> {
    let state = context.state;
    let path = state.path_to(Some(parent_id));
    if path.iter().any(|above| above.id == folder.id) {
        return Err(errors::client(
            StatusCode::BAD_REQUEST,
            "cyclical_folder_structure",
            "A folder cannot be placed below itself",
        ));
    }
    let own_depth = state.path_to(Some(&folder.id)).len();
    let deepest = ops::folders::below(state, folder)
        .iter()
        .map(|inner| state.path_to(Some(&inner.id)).len())
        .max()
        .unwrap_or(own_depth);
    if path.len() + deepest + 1 - own_depth > MAX_DEPTH {
        return Err(errors::bad_request("folders are nested too deeply"));
    }
    Ok(())
}
