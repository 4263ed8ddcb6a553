//! Fixtures from the command line, with what is wrong with them said to a person: exit code 2,
//! before anything is sent.

use std::path::PathBuf;

use crate::{
    exit::{Failure, Problem},
    render::diagnostic,
    replay::{Case, PlanError, plan::load},
    terminal::Terminal,
};

/// Reads the fixtures.
pub(super) fn read(paths: &[PathBuf], terminal: &Terminal) -> Result<Vec<Case>, Failure> {
    load(paths).map_err(|error| problem(error, terminal.width.saturating_sub(2)))
}

fn problem(error: PlanError, width: usize) -> Failure {
    match error {
        PlanError::Unreadable(path, error) => {
            Problem::new(format!("cannot read {}: {error}", path.display())).usage()
        }
        PlanError::TooLarge(path) => {
            Problem::new(format!("{} is larger than any event", path.display())).usage()
        }
        PlanError::Empty(path) => Problem::new(format!("{} holds no events", path.display()))
            .help("events are *.json files at any depth; expected.json and content.* are not")
            .usage(),
        PlanError::Syntax(error) => super::input::no_json(&error, width),
        PlanError::Wrong(wrong) => {
            let (document, found) = *wrong;
            let found = [found];
            let located = document.locate(&found);
            let mut problem = Problem::new(format!("{} cannot be used", document.name));
            if let Some(located) = located.first() {
                let excerpt = diagnostic::finding(&document.name, &document.text, located, width);
                problem = problem.excerpt(excerpt);
            }
            problem.usage()
        }
    }
}
