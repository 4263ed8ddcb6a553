//! The endpoints of downloads: the 302 to a download URL, and the URL itself.

use http::{Method, StatusCode, header};

use super::endpoint::{BodyKind::NoBody, Endpoint, Handler::Read, row};
use crate::{
    domain::operation::Operation,
    mock_box::{
        auth::Access,
        context::Context,
        http::{answer::Answer, download, errors},
    },
};

#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    row(Method::GET, "files/{file_id}/content", Operation::Download, NoBody, Read(redirect)),
    row(Method::GET, "d/1/{ticket}/download",   Operation::Download, NoBody, Read(download)).with_access(Access::SignedUrl),
];

/// The lifetime of a download URL, in seconds.
const TICKET_SECONDS: i64 = 15 * 60;

/// A 302 to a download URL, which needs no token.
fn redirect(context: &Context<'_>) -> Result<Answer, Answer> {
    let head = &context.request.head;
    let file = context.matching_file()?;
    let version = match head.query("version") {
        None => file.current(),
        Some(id) => file.version(&id).ok_or_else(errors::not_found)?,
    };
    let expires = context.now.as_second() + TICKET_SECONDS;
    let subject = format!("{}.{}.{expires}", file.id, version.id);
    let origin = head.download_origin();
    let signature = context.state.sign(&subject);
    let url = format!("{origin}/d/1/{subject}.{signature}/download");
    Ok(Answer::empty(StatusCode::FOUND).header_text(header::LOCATION, &url))
}

/// The content behind a download URL; 404 for a URL that the mock did not sign, 403 for one that has
/// expired.
fn download(context: &Context<'_>) -> Result<Answer, Answer> {
    let ticket = context.capture("ticket");
    let (subject, signature) = ticket.rsplit_once('.').ok_or_else(errors::not_found)?;
    if context.state.sign(subject) != signature {
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
    let file = context.state.file(id).ok_or_else(errors::not_found)?;
    let version = file.version(version_id).ok_or_else(errors::not_found)?;
    download::content(&context.request.head, &file.name, &version.content)
}
