//! What the parts of a running `mock-box` share.

use std::path::Path;

use crate::{
    cli::mock_box::MockBoxArgs, commands::program::Program, env::Environment,
    skill::runtimes::run_folder::TrustFiles, terminal::Terminal,
};

/// The options of a running mock, and the folder and files that were made for this run.
pub(super) struct Context<'a> {
    pub(super) arguments: &'a MockBoxArgs,
    /// The program to start, if any.
    pub(super) program: Option<Program>,
    pub(super) folder: &'a Path,
    pub(super) files: TrustFiles,
    pub(super) environment: &'a Environment,
    pub(super) terminal: &'a Terminal,
}

/// Whether the command, or what listens at a URL, is a Skill that is to get events.
pub(super) fn sends_events(arguments: &MockBoxArgs) -> bool {
    let starts_one = arguments.handler.is_some() || !arguments.command.is_empty();
    arguments.skill.is_some() || (arguments.files.is_some() && starts_one)
}
