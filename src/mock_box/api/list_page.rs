//! The part of a list that a call asks for, by `offset` or `marker` and `limit`.

use crate::mock_box::{
    http::{answer::Answer, errors, request::Head},
    view::folder_items::Page,
};

/// The lengths that a list may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Without `limit`.
    pub(super) default: usize,
    /// The most; a larger `limit` is reduced to it.
    pub(super) max: usize,
}

/// The page of `offset` and `limit`.
///
/// # Errors
/// 400 for one that is not a whole number, and for an offset that is too large for Box.
pub(super) fn by_offset(head: &Head, limits: Limits) -> Result<Page, Answer> {
    /// Box refuses a larger one.
    const MAX_OFFSET: usize = 10_000;
    let page = page(head, "offset", limits)?;
    if page.offset > MAX_OFFSET {
        let message = format!("'offset' must be at most {MAX_OFFSET}");
        return Err(errors::bad_request(message));
    }
    Ok(page)
}

/// The page of `marker` and `limit`. The marker of this mock is an offset.
///
/// # Errors
/// As [`by_offset`].
pub(super) fn by_marker(head: &Head, limits: Limits) -> Result<Page, Answer> {
    let page = page(head, "marker", limits)?;
    if page.limit == 0 {
        // A client that follows the markers would not come to an end.
        return Err(errors::bad_request("'limit' must be at least 1"));
    }
    Ok(page)
}

/// The marker of the page after `page` of a list of `total` entries; `None` where it is the last.
pub(super) fn next_marker(page: Page, total: usize) -> Option<String> {
    let next = page.offset.saturating_add(page.limit);
    (next < total).then(|| next.to_string())
}

fn page(head: &Head, start: &str, limits: Limits) -> Result<Page, Answer> {
    Ok(Page {
        offset: number(head, start, 0)?,
        limit: number(head, "limit", limits.default)?.min(limits.max),
    })
}

fn number(head: &Head, name: &str, otherwise: usize) -> Result<usize, Answer> {
    match head.query(name).filter(|text| !text.is_empty()) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .map_err(|_| errors::bad_request(format!("'{name}' must be a whole number"))),
    }
}
