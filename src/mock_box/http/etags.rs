//! The etags of If-Match and If-None-Match.

use http::header;

use super::request::Head;

/// Whether the call's If-None-Match says that the client already has `etag`.
pub(crate) fn is_known(head: &Head, etag: &str) -> bool {
    head.header(header::IF_NONE_MATCH)
        .is_some_and(|known| lists(known, etag))
}

/// Whether a list of etags contains this one. Clients send them quoted, weak or bare.
pub(crate) fn lists(list: &str, etag: &str) -> bool {
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
            assert!(lists(list, "3"), "{list}");
        }
        for list in ["", "4", "\"33\"", "W/\"2\""] {
            assert!(!lists(list, "3"), "{list}");
        }
    }
}
