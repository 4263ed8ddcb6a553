//! The endpoints of uploads: a new file, or a new version of one. The multipart body was parsed and
//! spooled before; here it is checked.

use http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    endpoint::{
        BodyKind::{InMemory, Multipart},
        Endpoint,
        Handler::Write,
        row,
    },
    item_changes::refuse_others,
    item_fields,
};
use crate::{
    domain::{
        notice::{By, Placement},
        operation::Operation,
    },
    mock_box::{
        context::{Context, Decision},
        http::{
            answer::Answer,
            envelope::Envelope,
            errors,
            request::{Body, Upload},
        },
        model::{
            content::Content,
            file::{File, Version},
            ids::Ids,
        },
        ops,
        state::Change,
        view,
    },
};

/// The members of a preflight check's body.
const PREFLIGHT: [&str; 3] = ["name", "size", "parent"];
/// The attributes of an upload.
const ATTRIBUTES: [&str; 4] = [
    "name",
    "parent",
    "content_created_at",
    "content_modified_at",
];

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST,    "files/content",                   Operation::Upload, Multipart, Write(upload_file)),
    row(Method::POST,    "files/{file_id}/content",         Operation::Version, Multipart, Write(upload_version)),
    row(Method::OPTIONS, "files/content",                   Operation::Upload, InMemory,  Write(check_upload)),
    row(Method::OPTIONS, "files/{file_id}/content",         Operation::Version, InMemory,  Write(check_version)),
];

fn upload_file(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let (new_content, attributes) = parts(context)?;
    let attributes = attributes.ok_or_else(|| missing("attributes"))?;
    refuse_others(&attributes, &ATTRIBUTES, "an upload")?;
    let name = item_fields::name(&attributes)?
        .ok_or_else(|| errors::bad_request("'name' is required in the attributes"))?;
    let parent_id = item_fields::parent(context, &attributes)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required in the attributes"))?;
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    let version = new_version(context, new_content, &attributes, ids)?;
    let file = File::new(ids.number().to_string(), name, parent_id, version);
    let created = item_fields::time(&attributes, "content_created_at")?;
    Ok(uploaded(
        context,
        File {
            content_created_at: created.unwrap_or(file.content_created_at),
            ..file
        },
    ))
}

/// A new version of a file. The attributes may be missing here; a name in them renames the file.
fn upload_version(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let file = context.matching_file()?;
    let (new_content, attributes) = parts(context)?;
    let attributes = attributes.unwrap_or_default();
    refuse_others(&attributes, &ATTRIBUTES, "an upload")?;
    if item_fields::parent(context, &attributes)?.is_some_and(|id| id != file.parent_id) {
        let what = "another 'parent' in the attributes of a new version";
        return Err(errors::not_played(Envelope::Client, what));
    }
    let name = item_fields::name(&attributes)?;
    if let Some(name) = name.as_ref().filter(|name| **name != file.name) {
        item_fields::check_free(context.state, &file.parent_id, name, Some(&file.id))?;
    }
    let version = new_version(context, new_content, &attributes, ids)?;
    let created = item_fields::time(&attributes, "content_created_at")?;
    let file = file.clone().with_version(version, name);
    Ok(uploaded(
        context,
        File {
            content_created_at: created.unwrap_or(file.content_created_at),
            ..file
        },
    ))
}

/// The preflight check of a new file.
fn check_upload(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &PREFLIGHT, "a preflight check")?;
    let name =
        item_fields::name(&body)?.ok_or_else(|| errors::bad_request("'name' is required"))?;
    let parent_id = item_fields::parent(context, &body)?
        .ok_or_else(|| errors::bad_request("'parent.id' is required"))?;
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    permitted(context, &body, "files/content")
}

/// The preflight check of a new version.
fn check_version(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let file = context.file()?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &PREFLIGHT, "a preflight check")?;
    if let Some(name) = item_fields::name(&body)?.filter(|name| *name != file.name) {
        item_fields::check_free(context.state, &file.parent_id, &name, Some(&file.id))?;
    }
    permitted(context, &body, &format!("files/{}/content", file.id))
}

/// The answer to a preflight check: where to upload to. The mock needs no token of its own for it.
fn permitted(
    context: &Context<'_>,
    body: &Map<String, Value>,
    path: &str,
) -> Result<Decision, Answer> {
    let limit = context.state.settings.max_upload;
    match body.get("size").filter(|size| !size.is_null()) {
        None => {}
        Some(size) => match size.as_u64() {
            None => return Err(errors::bad_request("'size' must be a number of bytes")),
            Some(size) if size > limit => return Err(errors::too_large(limit)),
            Some(_) => {}
        },
    }
    let origin = context.request.head.upload_origin();
    let answer = json!({"upload_url": format!("{origin}/api/2.0/{path}"), "upload_token": ""});
    Ok(Decision::answer(Answer::json(StatusCode::OK, &answer)))
}

/// The content and the attributes of an upload, checked.
fn parts(context: &Context<'_>) -> Result<(Content, Option<Map<String, Value>>), Answer> {
    let Body::Upload(upload) = &context.request.body else {
        return Err(errors::bad_request("the request body is not multipart"));
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

/// A version with the time that the attributes give for its content.
pub(super) fn new_version(
    context: &Context<'_>,
    new_content: Content,
    attributes: &Map<String, Value>,
    ids: &mut Ids,
) -> Result<Version, Answer> {
    let modified = item_fields::time(attributes, "content_modified_at")?;
    let version = ops::files::new_version(new_content, context.now, ids);
    Ok(Version {
        modified_at: modified.unwrap_or(version.modified_at),
        ..version
    })
}

fn missing(part: &str) -> Answer {
    errors::bad_request(format!("the upload has no part '{part}'"))
}

/// The answer with a file that was made or changed by an upload.
pub(super) fn uploaded(context: &Context<'_>, file: File) -> Decision {
    let entry = view::file::with_fields(context.state, &context.request.head, &file);
    let list = json!({"total_count": 1, "entries": [entry]});
    let size = file.current().content.size;
    let answer = Answer::json(StatusCode::CREATED, &list)
        .header_text(header::ETAG, &format!("\"{}\"", file.etag))
        .note(format!("file {}: {size} bytes", file.id));
    let placed = ops::files::placed(&file, Placement::Upload, By::Api, None, context.now);
    Decision {
        placed: Some(Box::new(placed)),
        file_id: Some(file.id.as_str().into()),
        changes: vec![Change::EditFile(Box::new(file))],
        ..Decision::answer(answer)
    }
}
