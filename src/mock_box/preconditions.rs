//! If-Match and If-None-Match, as the files API takes them (facts §3).

use http::header;

use super::{answer::Answer, errors, request::Head, state::State};
use crate::mock_box::state::File;

/// The file `id`, where the call's If-Match lets it through: found and matching.
///
/// # Errors
/// 412 where it stands with another etag, or is deleted and had just this one; 404 where there is
/// none.
pub fn matching<'a>(state: &'a State, head: &Head, id: &str) -> Result<&'a File, Answer> {
    let wanted = head.header(header::IF_MATCH);
    match (state.file(id), wanted) {
        (Some(file), None) => Ok(file),
        (Some(file), Some(wanted)) if names(wanted, &file.etag.to_string()) => Ok(file),
        (Some(_), Some(_)) => Err(errors::precondition_failed()),
        (None, Some(wanted))
            if state
                .last_etag(id)
                .is_some_and(|last| names(wanted, &last.to_string())) =>
        {
            Err(errors::precondition_failed())
        }
        (None, _) => Err(errors::not_found()),
    }
}

/// Whether the call's If-None-Match says that the client has `etag` already.
pub fn is_known(head: &Head, etag: &str) -> bool {
    head.header(header::IF_NONE_MATCH)
        .is_some_and(|known| names(known, etag))
}

/// Whether a list of etags, quoted, weak or bare as clients send them, names this one.
pub fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| {
        let one = one.strip_prefix("W/").unwrap_or(one);
        one == "*" || one.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_found_in_every_form_that_clients_send() {
        for list in ["3", "\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"] {
            assert!(names(list, "3"), "{list}");
        }
        for list in ["", "4", "\"33\"", "W/\"2\""] {
            assert!(!names(list, "3"), "{list}");
        }
    }
}
