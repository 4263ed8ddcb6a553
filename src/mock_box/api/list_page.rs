//! The part of a list that a call asks for, by `offset` or `marker` and `limit`.

use crate::mock_box::{
    http::{answer::Answer, errors, request::Head},
    view::folder::Page,
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
/// 400 for one that is not a whole number.
pub(super) fn by_offset(head: &Head, limits: Limits) -> Result<Page, Answer> {
    page(head, "offset", limits)
}

/// The page of `marker` and `limit`. The marker of this mock is an offset.
///
/// # Errors
/// As [`by_offset`].
pub(super) fn by_marker(head: &Head, limits: Limits) -> Result<Page, Answer> {
    page(head, "marker", limits)
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
