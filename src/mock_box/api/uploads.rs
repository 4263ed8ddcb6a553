//! The endpoints of uploads: a new file, or a new version of one. The multipart body was parsed and
//! spooled before; here it is checked.

use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::item_fields;
use crate::{
    domain::notice::{By, Placed, Placement},
    mock_box::{
        context::{Context, Decision},
        http::{
            answer::Answer,
            errors,
            request::{Body, Upload},
        },
        model::{
            content::Content,
            file::{File, Version},
        },
        state::Change,
        view,
    },
};

/// `POST /api/2.0/files/content`.
///
/// # Errors
/// 400 for parts that are missing, late or damaged, 404 for a folder that is not there, 409 where
/// the name is taken.
pub fn create(context: &mut Context<'_>) -> Result<Decision, Answer> {
    let (held, attributes) = parts(context)?;
    let attributes = attributes.ok_or_else(|| missing("attributes"))?;
    let name = item_fields::name(&attributes)?
        .ok_or_else(|| errors::bad_request("'name' is required in the attributes"))?;
    let parent_id = item_fields::parent(context.state, &attributes)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required in the attributes"))?;
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let version = new_version(context, held);
    let id = context.ids.number().to_string();
    Ok(uploaded(context, File::new(id, name, parent_id, version)))
}

/// `POST /api/2.0/files/{id}/content`. The attributes may be left out here; a name in them renames
/// the file.
///
/// # Errors
/// 412 and 404 by If-Match, 400 for parts that are missing, late or damaged, 409 where the new
/// name is taken.
pub fn new_version_of(context: &mut Context<'_>, id: &str) -> Result<Decision, Answer> {
    let file = context.matching_file(id)?;
    let (held, attributes) = parts(context)?;
    let name = item_fields::name(&attributes.unwrap_or_default())?;
    if let Some(name) = name.as_ref().filter(|name| **name != file.name) {
        item_fields::check_free(context.state, &file.parent_id, name, Some(id))?;
    }
    let renamed = File {
        name: name.unwrap_or_else(|| file.name.clone()),
        ..file.clone()
    };
    let changed = renamed.with_version(new_version(context, held));
    Ok(uploaded(context, changed))
}

/// The content and the attributes of an upload, checked.
fn parts(context: &Context<'_>) -> Result<(Content, Option<Map<String, Value>>), Answer> {
    let Body::Upload(upload) = &context.request.body else {
        return Err(errors::bad_request("the request body is no multipart"));
    };
    let Upload {
        attributes,
        attributes_late,
        file,
    } = upload;
    if *attributes_late {
        return Err(errors::client(
            StatusCode::BAD_REQUEST,
            "metadata_after_file_contents",
            "The attributes part must come before the file part of an upload",
        ));
    }
    let file = file.as_ref().ok_or_else(|| missing("file"))?;
    // Box's Content-MD5 header carries a SHA-1.
    let digest = context.request.head.header("content-md5").map(str::trim);
    if digest.is_some_and(|sha1| !sha1.eq_ignore_ascii_case(&file.sha1)) {
        return Err(errors::client(
            StatusCode::BAD_REQUEST,
            "bad_digest",
            "The specified content-md5 did not match what we received",
        ));
    }
    let attributes = attributes.as_deref().map(item_fields::body).transpose()?;
    Ok((Content::from(file.clone()), attributes))
}

fn missing(part: &str) -> Answer {
    errors::bad_request(format!("the upload has no part '{part}'"))
}

fn new_version(context: &mut Context<'_>, held: Content) -> Version {
    Version {
        id: context.ids.number().to_string(),
        content: held,
        created_at: context.now,
    }
}

fn uploaded(context: &Context<'_>, file: File) -> Decision {
    let entry = view::file::with_fields(context.state, &context.request.head, &file);
    let list = json!({"total_count": 1, "entries": [entry]});
    let size = file.current().content.size;
    let answer = Answer::json(StatusCode::CREATED, &list)
        .header_text(header::ETAG, &format!("\"{}\"", file.etag))
        .note(format!("file {}: {size} bytes", file.id));
    let placed = Placed {
        at: context.now,
        how: Placement::Upload,
        by: By::Api,
        file_id: file.id.clone(),
        name: file.name.clone(),
        old_parent_id: None,
    };
    Decision {
        placed: Some(Box::new(placed)),
        file_id: Some(file.id.as_str().into()),
        changes: vec![Change::EditFile(Box::new(file))],
        ..Decision::answer(answer)
    }
}
