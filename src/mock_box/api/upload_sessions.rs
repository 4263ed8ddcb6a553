//! The endpoints of upload sessions: a large file in parts. The parts were spooled before, and are joined
//! before a session is committed.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    endpoint::{
        BodyKind::{InMemory, JoinedParts, NoBody, RawPart},
        Endpoint,
        Handler::{Read, Write},
        row,
    },
    item_changes::refuse_others,
    item_fields,
    list_page::{self, Limits},
    uploads::{new_version, uploaded},
};
use crate::{
    domain::{hex, operation::Operation},
    mock_box::{
        context::{Context, Decision},
        http::{
            answer::Answer,
            errors, etags,
            request::{Body, Joined},
        },
        model::{
            content::{Content, Spooled},
            file::File,
            ids::Ids,
            upload_session::{MIN_FILE_SIZE, PART_SIZE, Part, UploadSession, UploadTarget},
        },
        state::Change,
        view::upload_session as view,
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::POST,   "files/upload_sessions",                     Operation::Upload,        InMemory,    Write(open_for_file)),
    row(Method::POST,   "files/{file_id}/upload_sessions",           Operation::UploadSession, InMemory,    Write(open_for_version)),
    row(Method::GET,    "files/upload_sessions/{session_id}",        Operation::UploadSession, NoBody,      Read(read)),
    row(Method::PUT,    "files/upload_sessions/{session_id}",        Operation::UploadSession, RawPart,     Write(put_part)),
    row(Method::DELETE, "files/upload_sessions/{session_id}",        Operation::UploadSession, NoBody,      Write(abort)),
    row(Method::GET,    "files/upload_sessions/{session_id}/parts",  Operation::UploadSession, NoBody,      Read(list_parts)),
    row(Method::POST,   "files/upload_sessions/{session_id}/commit", Operation::UploadSession, JoinedParts, Write(commit)),
];

fn open_for_file(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(
        &body,
        &["folder_id", "file_size", "file_name"],
        "an upload session",
    )?;
    let name = file_name(&body)?.ok_or_else(|| errors::bad_request("'file_name' is required"))?;
    let parent_id = body.get("folder_id").and_then(id_text);
    let parent_id = parent_id.ok_or_else(|| errors::bad_request("'folder_id' is required"))?;
    if context.state.folder(&parent_id).is_none() {
        return Err(errors::not_found());
    }
    context
        .caller
        .check_folder(context.state, &parent_id, Operation::Upload)?;
    item_fields::check_free(context.state, &parent_id, &name, None)?;
    open(context, &body, UploadTarget::File { name, parent_id }, ids)
}

fn open_for_version(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let file = context.file()?;
    let body = item_fields::body(context.request.bytes())?;
    refuse_others(&body, &["file_size", "file_name"], "an upload session")?;
    let name = file_name(&body)?.filter(|name| *name != file.name);
    if let Some(name) = &name {
        item_fields::check_free(context.state, &file.parent_id, name, Some(&file.id))?;
    }
    let file_id = file.id.clone();
    open(context, &body, UploadTarget::Version { file_id, name }, ids)
}

fn open(
    context: &Context<'_>,
    body: &Map<String, Value>,
    target: UploadTarget,
    ids: &mut Ids,
) -> Result<Decision, Answer> {
    let limit = context.state.settings.max_upload;
    let size = body.get("file_size").and_then(Value::as_u64);
    let size = size.ok_or_else(|| errors::bad_request("'file_size' must be a number of bytes"))?;
    if size < MIN_FILE_SIZE {
        return Err(errors::client(
            StatusCode::BAD_REQUEST,
            "file_size_too_small",
            format!("A file of less than {MIN_FILE_SIZE} bytes cannot be uploaded in parts"),
        ));
    }
    if size > limit {
        return Err(errors::too_large(limit));
    }
    let id = ids.uuid().replace('-', "").to_uppercase();
    let session = UploadSession::new(id, target, size, context.now);
    let answer = Answer::json(
        StatusCode::CREATED,
        &view::full(&context.request.head, &session),
    );
    Ok(Decision {
        changes: vec![Change::PutUploadSession(Box::new(session))],
        ..Decision::answer(answer)
    })
}

fn file_name(body: &Map<String, Value>) -> Result<Option<String>, Answer> {
    let named = body.get("file_name").cloned();
    let named = named.map(|name| Map::from_iter([("name".to_owned(), name)]));
    named.as_ref().map_or(Ok(None), item_fields::name)
}

/// An id, which clients also send as a number.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The session that the path names, where the token permits it.
fn session<'a>(context: &Context<'a>) -> Result<&'a UploadSession, Answer> {
    let session = context.state.upload_session(context.capture("session_id"));
    let session = session.filter(|session| context.now < session.expires_at);
    let session = session.ok_or_else(errors::not_found)?;
    let (caller, operation) = (context.caller, Operation::UploadSession);
    match &session.target {
        UploadTarget::File { parent_id, .. } => {
            caller.check_folder(context.state, parent_id, operation)?;
        }
        UploadTarget::Version { file_id, .. } => {
            caller.check_file(context.state, file_id, operation)?;
        }
    }
    Ok(session)
}

/// The same, where it was not committed yet.
fn open_session<'a>(context: &Context<'a>) -> Result<&'a UploadSession, Answer> {
    let session = session(context)?;
    if session.is_committed {
        let message = "The upload session was committed before";
        return Err(errors::client(StatusCode::CONFLICT, "conflict", message));
    }
    Ok(session)
}

fn read(context: &Context<'_>) -> Result<Answer, Answer> {
    let session = session(context)?;
    Ok(Answer::json(
        StatusCode::OK,
        &view::full(&context.request.head, session),
    ))
}

fn list_parts(context: &Context<'_>) -> Result<Answer, Answer> {
    const LIMITS: Limits = Limits {
        default: 1000,
        max: 1000,
    };
    let session = session(context)?;
    let page = list_page::by_offset(&context.request.head, LIMITS)?;
    let parts = session.parts.iter().skip(page.offset).take(page.limit);
    let entries: Vec<Value> = parts
        .map(|(offset, part)| view::part(*offset, part))
        .collect();
    let list = json!({
        "entries": entries,
        "offset": page.offset,
        "limit": page.limit,
        "total_count": session.parts.len(),
    });
    Ok(Answer::json(StatusCode::OK, &list))
}

fn abort(context: &Context<'_>, _: &mut Ids) -> Result<Decision, Answer> {
    let id = session(context)?.id.clone();
    Ok(Decision {
        changes: vec![Change::RemoveUploadSession(id)],
        ..Decision::answer(Answer::empty(StatusCode::NO_CONTENT))
    })
}

fn put_part(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let session = open_session(context)?;
    let Body::Part(spooled) = &context.request.body else {
        return Err(errors::bad_request("the part has no body"));
    };
    let head = &context.request.head;
    let range = head.header(header::CONTENT_RANGE).and_then(content_range);
    let (first, last, total) = range
        .ok_or_else(|| errors::bad_request("'Content-Range' must be bytes FIRST-LAST/TOTAL"))?;
    let fits = total == session.size
        && last.checked_sub(first).and_then(|it| it.checked_add(1)) == Some(spooled.size)
        && session.has_part_at(first, spooled.size);
    if !fits {
        return Err(errors::client(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "invalid_range",
            format!(
                "The range does not match the session: parts begin at multiples of {PART_SIZE} bytes, and \
                 only the last one is shorter"
            ),
        ));
    }
    check_digest(context, &spooled.sha1)?;
    if session.parts.contains_key(&first) {
        return Err(errors::client(
            StatusCode::CONFLICT,
            "range_overlaps_existing_range",
            "The range overlaps a part that was uploaded before",
        ));
    }
    let part = Part {
        id: ids.uuid()[..8].to_uppercase(),
        size: spooled.size,
        sha1: spooled.sha1.clone(),
        path: spooled.path.clone(),
    };
    let answer = Answer::json(StatusCode::OK, &json!({"part": view::part(first, &part)}))
        .note(format!("bytes {first}-{last} of {total}"));
    Ok(Decision {
        changes: vec![Change::PutPart(session.id.clone(), first, Box::new(part))],
        ..Decision::answer(answer)
    })
}

/// `bytes 0-8388607/20000000`
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, total.parse().ok()?))
}

/// Compares the digest of the call with that of the bytes that arrived.
fn check_digest(context: &Context<'_>, sha1: &str) -> Result<(), Answer> {
    let given = context.request.head.header("digest").unwrap_or_default();
    let given = given
        .split(',')
        .find_map(|digest| digest.trim().strip_prefix("sha="))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .ok_or_else(|| errors::bad_request("'Digest' must be sha= and the SHA-1 in base64"))?;
    if hex::encode(&given) == sha1 {
        return Ok(());
    }
    Err(errors::client(
        StatusCode::BAD_REQUEST,
        "bad_digest",
        "The digest does not match what was received",
    ))
}

fn commit(context: &Context<'_>, ids: &mut Ids) -> Result<Decision, Answer> {
    let session = open_session(context)?;
    let Body::Joined(Joined {
        json,
        content: joined,
    }) = &context.request.body
    else {
        return Err(errors::bad_request("the request has no body"));
    };
    let body = item_fields::body(json)?;
    refuse_others(&body, &["parts", "attributes"], "a commit")?;
    check_parts(session, &body)?;
    let joined = joined.as_ref().filter(|_| session.is_complete());
    let joined = joined.ok_or_else(|| {
        errors::bad_request(format!(
            "{} of {} parts were uploaded",
            session.parts.len(),
            session.total_parts()
        ))
    })?;
    check_digest(context, &joined.sha1)?;
    let attributes = match body.get("attributes") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(attributes)) => attributes.clone(),
        Some(_) => return Err(errors::bad_request("'attributes' must be an object")),
    };
    let file = committed(context, session, joined, &attributes, ids)?;
    let mut decision = uploaded(context, file);
    let session = UploadSession {
        is_committed: true,
        ..session.clone()
    };
    decision
        .changes
        .push(Change::PutUploadSession(Box::new(session)));
    Ok(decision)
}

/// The parts of a commit are those that were uploaded.
fn check_parts(session: &UploadSession, body: &Map<String, Value>) -> Result<(), Answer> {
    let listed = body.get("parts").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| errors::bad_request("'parts' must be a list"))?;
    let is_uploaded = |part: &Value| {
        let offset = part["offset"].as_u64();
        let uploaded = offset.and_then(|offset| session.parts.get(&offset));
        uploaded.is_some_and(|uploaded| {
            part["part_id"].as_str() == Some(&uploaded.id)
                && part["size"].as_u64() == Some(uploaded.size)
        })
    };
    let offsets: std::collections::BTreeSet<Option<u64>> =
        listed.iter().map(|part| part["offset"].as_u64()).collect();
    if let Some(wrong) = listed.iter().position(|part| !is_uploaded(part)) {
        return Err(errors::bad_request(format!(
            "'parts/{wrong}' is not a part that was uploaded"
        )));
    }
    if offsets.len() != listed.len() {
        return Err(errors::bad_request("'parts' names a part twice"));
    }
    if listed.len() as u64 != session.total_parts() {
        return Err(errors::bad_request(format!(
            "'parts' names {} of {} parts",
            listed.len(),
            session.total_parts()
        )));
    }
    Ok(())
}

/// The file that a session makes or changes.
fn committed(
    context: &Context<'_>,
    session: &UploadSession,
    joined: &Spooled,
    attributes: &Map<String, Value>,
    ids: &mut Ids,
) -> Result<File, Answer> {
    match &session.target {
        UploadTarget::File { name, parent_id } => {
            item_fields::check_free(context.state, parent_id, name, None)?;
            let version = new_version(context, Content::from(joined.clone()), attributes, ids)?;
            let id = ids.number().to_string();
            let file = File::new(id, name.clone(), parent_id.clone(), version);
            let created = item_fields::time(attributes, "content_created_at")?;
            Ok(File {
                content_created_at: created.unwrap_or(file.content_created_at),
                ..file
            })
        }
        UploadTarget::Version { file_id, name } => {
            let file = context.state.file(file_id).ok_or_else(errors::not_found)?;
            let expected = context.request.head.header(header::IF_MATCH);
            if expected.is_some_and(|list| !etags::lists(list, &file.etag.to_string())) {
                return Err(errors::precondition_failed());
            }
            let version = new_version(context, Content::from(joined.clone()), attributes, ids)?;
            let created = item_fields::time(attributes, "content_created_at")?;
            let file = file.clone().with_version(version, name.clone());
            Ok(File {
                content_created_at: created.unwrap_or(file.content_created_at),
                ..file
            })
        }
    }
}
