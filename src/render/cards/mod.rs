//! Cards as Box's preview shows them: for a terminal, as a page that works like the sidebar, as
//! Markdown for a pull request, and as JSON that can be compared.

pub mod html;
pub mod json;
pub mod markdown;
pub mod text;

use crate::domain::card::{model::Slice, preview::clock};

/// A stretch of time as it is read: `0:01–0:05`, or its start alone.
fn stretch(slice: &Slice) -> String {
    match slice.end {
        Some(end) => format!("{}–{}", clock(slice.start), clock(end)),
        None => clock(slice.start),
    }
}

/// `text` on one line, as a browser shows it: runs of blanks and line breaks are one blank.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1 line`, `2 lines`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
