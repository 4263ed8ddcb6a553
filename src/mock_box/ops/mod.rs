//! What several endpoints do to the state. Nothing here knows of calls and answers.

pub(super) mod files;
pub(super) mod folders;
pub(super) mod metadata;
