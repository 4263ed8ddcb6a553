//! Results for people and programs. Pure: values in, text out. `terminal` chooses the stream and the
//! colour of each role.

pub mod ansi;
pub mod calls;
pub mod cards;
pub mod diagnostic;
pub mod findings;
pub mod json;
mod log_line;
pub mod look;
pub mod problem;
pub mod pump;
pub mod replay;
pub mod replay_json;
pub mod replay_story;
pub mod replay_summary;
pub mod report;
pub mod shell;
pub mod signatures;
pub mod text;
pub mod units;
pub mod wrap;
