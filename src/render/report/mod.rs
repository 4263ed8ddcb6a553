//! Reports of a run as files, each written as a start, a part for each event, and an end: a report of a
//! million events is never in memory. Pure: parts of text, from records. The JSON report is in
//! `render::replay_json`, since `--format json` prints the same.

pub mod github;
pub mod html;
pub mod junit;
pub mod markdown;
mod waterfall;
