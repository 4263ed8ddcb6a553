//! Results as people and programs read them. Pure: values in, text out; which stream it goes to
//! and what colour a role has is for `terminal`.

pub mod calls;
pub mod cards;
pub mod diagnostic;
pub mod json;
mod log_line;
pub mod problem;
pub mod pump;
pub mod replay;
pub mod replay_json;
pub mod report;
pub mod signatures;
pub mod text;
pub mod units;
pub mod wrap;
