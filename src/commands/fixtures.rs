//! Fixtures from the command line, with what is wrong with them said to a person: exit code 2,
//! before anything is sent.

use std::path::PathBuf;

use crate::{
    exit::{Failure, Problem},
    render::diagnostic,
    replay::{
        Case, PlanError,
        plan::{Plan, Selection, load},
    },
    terminal::Terminal,
};

/// Reads and checks the fixtures, and plans their replay.
pub(super) fn plan(
    paths: &[PathBuf],
    selection: Selection,
    terminal: &Terminal,
) -> Result<Plan, Failure> {
    Plan::read(paths, selection).map_err(|error| problem(error, terminal.width.saturating_sub(2)))
}

/// Reads the fixtures.
pub(super) fn read(paths: &[PathBuf], terminal: &Terminal) -> Result<Vec<Case>, Failure> {
    load(paths).map_err(|error| problem(error, terminal.width.saturating_sub(2)))
}

/// What is wrong with a fixture, as the problem that ends the command.
pub(super) fn problem(error: PlanError, width: usize) -> Failure {
    match error {
        PlanError::Unreadable(path, error) => {
            Problem::new(format!("cannot read {}: {error}", path.display())).usage()
        }
        PlanError::TooLarge(path) => {
            Problem::new(format!("{} is larger than any event", path.display())).usage()
        }
        PlanError::Empty(path) => Problem::new(format!("{} holds no events", path.display()))
            .help("events are *.json and *.jsonl files at any depth; expected.json and content.* are not")
            .usage(),
        PlanError::BadGlob(reason) => {
            Problem::new(format!("a fixture is no glob: {reason}")).usage()
        }
        PlanError::StdinTwice => {
            Problem::new("the standard input (-) can be read only once").usage()
        }
        PlanError::NothingLeft(of) => Problem::new(format!("--filter leaves none of {of} cases"))
            .help("it is a glob on the case's path, as the lines of a run show it: '*upload*'")
            .usage(),
        PlanError::NoMatch(case, missed) => {
            let problem = Problem::new(format!(
                "--set {}: nothing is there in the event of {case}",
                missed.pointer
            ));
            match missed.nearest {
                Some(nearest) => problem.help(format!("did you mean {nearest}?")),
                None => problem,
            }
            .usage()
        }
        PlanError::Spoilt(case, found) => Problem::new(format!(
            "--set makes of {case} what is no event: {}",
            found.message
        ))
        .usage(),
        PlanError::Syntax(error) => super::wrong_input::syntax(&error, width),
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
