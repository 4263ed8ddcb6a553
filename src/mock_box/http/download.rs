//! Content as an answer: whole or a range, its type, its name (RFC 9110 and RFC 6266).

use http::{HeaderValue, StatusCode, header};

use super::{
    answer::{Answer, AnswerBody, ContentRange},
    errors, etags,
    request::Head,
};
use crate::mock_box::model::content::{Content, extension};

/// The content of the file `name`, whole or the range that the call asks for.
///
/// # Errors
/// 304 where the client has it already, 412 where it expects another, 416 for a range outside it.
pub(crate) fn content(head: &Head, name: &str, content: &Content) -> Result<Answer, Answer> {
    let size = content.size;
    let etag = format!("\"{}\"", content.sha1);
    if head
        .header(header::IF_MATCH)
        .is_some_and(|wanted| !etags::lists(wanted, &content.sha1))
    {
        return Err(errors::precondition_failed());
    }
    if etags::is_known(head, &content.sha1) {
        return Err(Answer::empty(StatusCode::NOT_MODIFIED).header_text(header::ETAG, &etag));
    }
    // Otherwise the client would join ranges of two different versions.
    let is_same = head
        .header(header::IF_RANGE)
        .is_none_or(|known| known == etag);
    let range = head.header(header::RANGE).filter(|_| is_same);
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
    answer.body = AnswerBody::Content(Box::new(ContentRange {
        content: content.clone(),
        start,
        end,
    }));
    Ok(answer)
}

/// The Content-Type of a file, by its extension.
pub(crate) fn content_type(name: &str) -> &'static str {
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

/// RFC 6266: the name in ASCII, and in UTF-8 for clients that read `filename*`.
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
    /// Not of a supported form: the whole content is sent, as RFC 9110 allows.
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
