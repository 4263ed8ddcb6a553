//! Reports of a run as files, each written as a start, a piece an event, and an end: a report of a
//! million events is never in memory. Pure: pieces of text, from records.

pub mod html;
pub mod junit;
pub mod markdown;
