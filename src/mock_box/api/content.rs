//! The endpoints of content: the 302 to a download URL, and the URL itself.

use http::{StatusCode, header};

use super::files;
use crate::mock_box::{
    context::Context,
    http::{answer::Answer, download, errors},
};

/// The lifetime of a download URL, in seconds.
const TICKET_SECONDS: i64 = 15 * 60;

/// `GET /files/{id}/content`: a 302 to a download URL that needs no token.
///
/// # Errors
/// Box's answer where there is no such file or version, or where If-Match names another etag.
pub fn content(context: &Context<'_>, id: &str) -> Result<Answer, Answer> {
    let head = &context.request.head;
    let file = context.matching_file(id)?;
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
    download::content(&context.request.head, &file.name, &version.content)
}
