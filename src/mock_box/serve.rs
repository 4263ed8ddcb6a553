//! The bytes of files: the 302 to a download URL, the URL itself, and parts of the content.

use http::{HeaderValue, StatusCode, header};

use super::{
    answer::{Answer, AnswerBody, Part},
    content::{Content, extension},
    decide::Context,
    errors, files, preconditions,
};

/// How long a download URL is good, in seconds.
const TICKET_SECONDS: i64 = 15 * 60;

/// `GET /files/{id}/content`: a 302 to a download URL that needs no token.
///
/// # Errors
/// Box's answer where there is no such file or version, or where If-Match names another etag.
pub fn content(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let head = &context.request.head;
    let file = preconditions::matching(context.state, head, id)?;
    let version = match head.query("version") {
        None => file.current(),
        Some(wanted) => files::version(file, &wanted)?,
    };
    let expires = context.now.as_second() + TICKET_SECONDS;
    let subject = format!("{id}.{}.{expires}", version.id);
    let host = head.download_origin();
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
    let file = files::find(context.state, id)?;
    let version = files::version(file, version_id)?;
    send(context, &file.name, &version.content)
}

/// Content under `name`, whole or the range that is asked for.
///
/// # Errors
/// 304 where the client has it already, 412 where it wants another, 416 for a range outside it.
pub fn send(context: &Context<'_>, name: &str, served: &Content) -> Result<Answer, Answer> {
    let size = served.size;
    let etag = format!("\"{}\"", served.sha1);
    let head = &context.request.head;
    if head
        .header(header::IF_MATCH)
        .is_some_and(|wanted| !preconditions::names(wanted, &served.sha1))
    {
        return Err(errors::precondition_failed());
    }
    if preconditions::is_known(head, &served.sha1) {
        return Err(Answer::empty(StatusCode::NOT_MODIFIED).header_text(header::ETAG, &etag));
    }
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
        .header_text(header::CONTENT_TYPE, content_type(name))
        .header_text(header::ETAG, &etag)
        .header(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .header_text(header::CONTENT_DISPOSITION, &disposition(name));
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {start}-{}/{size}", end - 1);
        answer = answer.header_text(header::CONTENT_RANGE, &part);
    }
    answer.body = AnswerBody::Content(Box::new(Part {
        content: served.clone(),
        start,
        end,
    }));
    Ok(answer)
}

/// The type of a file, by its ending.
pub fn content_type(name: &str) -> &'static str {
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
