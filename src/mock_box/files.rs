//! The files API: the file object, the 302 to the content, and the content itself.

use http::{HeaderValue, StatusCode, header};
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, AnswerBody},
    content::extension,
    decide::Context,
    errors,
    state::{File, State, Version},
};
use crate::domain::event::refresh::format_time;

/// How long a download URL is good, in seconds.
const TICKET_SECONDS: i64 = 15 * 60;

/// `GET /files/{id}`.
///
/// # Errors
/// Box's answer where there is no such file, or where it is not to be sent.
pub fn info(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let file = find(context.state, id)?;
    let head = &context.request.head;
    let etag = format!("\"{}\"", file.etag);
    if let Some(known) = head.header(header::IF_NONE_MATCH)
        && known.trim_matches('"') == file.etag.to_string()
    {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED).header_text(header::ETAG, &etag));
    }
    let object = match head.query("fields") {
        None => Value::Object(object(file)),
        Some(fields) => selected(context.state, file, &fields),
    };
    Ok(Answer::json(StatusCode::OK, &object).header_text(header::ETAG, &etag))
}

/// `GET /files/{id}/content`: a 302 to a download URL that needs no token.
///
/// # Errors
/// Box's answer where there is no such file or version.
pub fn content(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let file = find(context.state, id)?;
    let head = &context.request.head;
    let version = match head.query("version") {
        None => file.current(),
        Some(wanted) => version(file, &wanted)?,
    };
    let expires = context.now.as_second() + TICKET_SECONDS;
    let subject = format!("{id}.{}.{expires}", version.id);
    let host = if head.is_for_box() {
        "https://dl.boxcloud.com"
    } else {
        &head.origin
    };
    let url = format!(
        "{host}/d/1/{subject}.{}/download",
        context.state.mark(&subject)
    );
    Ok(Answer::empty(StatusCode::FOUND).header_text(header::LOCATION, &url))
}

/// The bytes behind a download URL.
///
/// # Errors
/// 404 for a URL that was never given out, 403 for one that has expired; 416 for a range outside
/// the content.
pub fn bytes(context: &Context<'_>, ticket: &str) -> Result<Answer, Answer> {
    let (subject, mark) = ticket.rsplit_once('.').ok_or_else(errors::not_found)?;
    if context.state.mark(subject) != mark {
        return Err(errors::not_found());
    }
    let mut parts = subject.split('.');
    let (Some(id), Some(version_id), Some(expires)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(errors::not_found());
    };
    if expires.parse().unwrap_or(0) < context.now.as_second() {
        return Err(errors::client(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This download link has expired",
        ));
    }
    let file = find(context.state, id)?;
    serve(context, file, version(file, version_id)?)
}

fn serve(context: &Context<'_>, file: &File, version: &Version) -> Result<Answer, Answer> {
    let size = version.content.size;
    let etag = format!("\"{}\"", version.content.sha1);
    let head = &context.request.head;
    // A range of another version than the client has would be spliced into the wrong file.
    let same = head
        .header(header::IF_RANGE)
        .is_none_or(|known| known == etag);
    let range = head.header(header::RANGE).filter(|_| same);
    let whole = (StatusCode::OK, 0, size);
    let (status, start, end) = match range.map(|text| parse_range(text, size)) {
        None | Some(Range::Ignored) => whole,
        Some(Range::Part(start, end)) => (StatusCode::PARTIAL_CONTENT, start, end),
        Some(Range::Outside) => {
            return Err(Answer::empty(StatusCode::RANGE_NOT_SATISFIABLE)
                .header_text(header::CONTENT_RANGE, &format!("bytes */{size}")));
        }
    };
    let mut answer = Answer::empty(status)
        .header_text(header::CONTENT_TYPE, content_type(&file.name))
        .header_text(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .header_text(header::CONTENT_DISPOSITION, &disposition(&file.name));
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {start}-{}/{size}", end - 1);
        answer = answer.header_text(header::CONTENT_RANGE, &part);
    }
    answer.body = AnswerBody::Content {
        content: version.content.clone(),
        start,
        end,
    };
    Ok(answer)
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a File, Answer> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) && state.file(id).is_none() {
        return Err(errors::method_not_allowed());
    }
    state.file(id).ok_or_else(errors::not_found)
}

fn version<'a>(file: &'a File, id: &str) -> Result<&'a Version, Answer> {
    file.versions
        .iter()
        .find(|version| version.id == id)
        .ok_or_else(errors::not_found)
}

/// The file object with the fields that Box gives by default.
pub fn object(file: &File) -> Map<String, Value> {
    let sha1 = &file.current().content.sha1;
    let created = format_time(file.created_at, Offset::UTC);
    let modified = format_time(file.modified_at, Offset::UTC);
    let user = json!({
        "type": "user", "id": "11446498", "name": "Mock User", "login": "mock.user@example.com"
    });
    let root = json!({
        "type": "folder", "id": "0", "sequence_id": null, "etag": null, "name": "All Files"
    });
    let parent = if file.parent_id == "0" {
        root.clone()
    } else {
        json!({
            "type": "folder", "id": file.parent_id, "sequence_id": "0", "etag": "0",
            "name": "Skills"
        })
    };
    let path = if file.parent_id == "0" {
        vec![root]
    } else {
        vec![root, parent.clone()]
    };
    let object = json!({
        "type": "file",
        "id": file.id,
        "file_version": {"type": "file_version", "id": file.current().id, "sha1": sha1},
        "sequence_id": file.etag.to_string(),
        "etag": file.etag.to_string(),
        "sha1": sha1,
        "name": file.name,
        "description": "",
        "size": file.current().content.size,
        "path_collection": {"total_count": path.len(), "entries": path},
        "created_at": created,
        "modified_at": modified,
        "trashed_at": null,
        "purged_at": null,
        "content_created_at": created,
        "content_modified_at": modified,
        "created_by": user,
        "modified_by": user,
        "owned_by": user,
        "shared_link": null,
        "parent": parent,
        "item_status": "active"
    });
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `?fields=`: type, id, etag and those asked for; unknown ones are left out, as Box does.
fn selected(state: &State, file: &File, fields: &str) -> Value {
    let all = object(file);
    let mut chosen = Map::new();
    for field in ["type", "id", "etag"]
        .into_iter()
        .chain(fields.split(',').map(str::trim))
    {
        if let Some(path) = field.strip_prefix("metadata.") {
            put_metadata(state, file, path, &mut chosen);
        } else if field == "extension" {
            chosen.insert(field.to_owned(), json!(extension(&file.name)));
        } else if let Some(value) = all.get(field) {
            chosen.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(chosen)
}

/// `metadata.global.boxSkillsCards` → `{"metadata":{"global":{"boxSkillsCards":{…}}}}`.
fn put_metadata(state: &State, file: &File, path: &str, chosen: &mut Map<String, Value>) {
    let Some((scope, template)) = path.split_once('.') else {
        return;
    };
    let place = super::routes::InstancePath {
        file_id: file.id.clone(),
        scope: scope.to_owned(),
        template: template.to_owned(),
    };
    let Some(instance) = state.instance(&place) else {
        return;
    };
    let value: Value = serde_json::from_str(&instance.json).unwrap_or_default();
    let scopes = chosen.entry("metadata").or_insert_with(|| json!({}));
    scopes[scope][template] = value;
}

fn content_type(name: &str) -> &'static str {
    match extension(name).as_str() {
        "txt" | "md" | "srt" => "text/plain; charset=utf-8",
        "vtt" => "text/vtt; charset=utf-8",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "pdf" => "application/pdf",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

/// RFC 6266, with the name in UTF-8 for those that have other letters.
fn disposition(name: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let plain: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("attachment;filename=\"{plain}\";filename*=UTF-8''{encoded}")
}

enum Range {
    /// From the first byte to before the second.
    Part(u64, u64),
    /// No byte of it exists.
    Outside,
    /// Not of a form that is served: the whole content goes out, as RFC 9110 allows.
    Ignored,
}

fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|part| part.split_once('-'))
    else {
        return Range::Ignored;
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if last >= first => (first, size.min(last.saturating_add(1))),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, size),
        (Err(_), Ok(length)) if first.trim().is_empty() && length > 0 => {
            (size.saturating_sub(length), size)
        }
        _ => return Range::Ignored,
    };
    if start >= end {
        Range::Outside
    } else {
        Range::Part(start, end)
    }
}
