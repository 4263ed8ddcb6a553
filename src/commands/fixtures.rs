//! Reads the fixtures of the command line. A wrong fixture ends the command with exit code 2 before
//! anything is sent.

use std::path::PathBuf;

use crate::{
    exit::{Failure, Problem},
    render::diagnostic,
    replay::{
        Case, PlanError,
        plan::{NotAnUpload, Plan, Selection, load},
    },
    terminal::Terminal,
};

/// Programs that start a skill; as a FIXTURE, their `--` was forgotten.
const PROGRAMS: [&str; 12] = [
    "node", "npm", "npx", "bun", "deno", "python", "python3", "ruby", "php", "java", "go", "dotnet",
];

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

/// The failure for a wrong fixture.
pub(super) fn problem(error: PlanError, width: usize) -> Failure {
    match error {
        PlanError::Unreadable(path, error) => {
            let problem = Problem::new(format!("cannot read {}: {error}", path.display()));
            match path.to_str() {
                Some(name) if PROGRAMS.contains(&name) => problem.help(format!(
                    "put the command that starts the skill after --: skillctl replay FIXTURE -- {name} …"
                )),
                _ => problem,
            }
            .usage()
        }
        PlanError::SourceFile(path) => {
            Problem::new(format!("{} is a program, not an event", path.display()))
                .help("put the command that starts the skill after --: skillctl replay FIXTURE -- COMMAND")
                .usage()
        }
        PlanError::Content(path) => Problem::new(format!("{} is not an event", path.display()))
            .help(format!(
                "make an event for this file: skillctl event new {} --case cases/NAME",
                path.display()
            ))
            .usage(),
        PlanError::TooLarge(path) => {
            Problem::new(format!("{} is too large for an event", path.display())).usage()
        }
        PlanError::Empty(path) => Problem::new(format!("{} holds no events", path.display()))
            .help("events are *.json and *.jsonl files at any depth, except expected.json and content.*")
            .usage(),
        PlanError::BadGlob(reason) => {
            Problem::new(format!("a FIXTURE is not a valid glob: {reason}")).usage()
        }
        PlanError::NotAnUpload(path, why) => {
            let shown = path.display();
            match why {
                NotAnUpload::Program => Problem::new(format!(
                    "{shown} is a program, not a fixture"
                ))
                .help(format!(
                    "give fixtures, and put -- before the skill's command, such as: \
                     skillctl replay cases -- node {shown}"
                )),
                NotAnUpload::PartOfACase => Problem::new(format!(
                    "{shown} is a part of a case, not a fixture"
                ))
                .help("give the folder of the case, or its event.json"),
            }
            .usage()
        }
        PlanError::StdinTwice => {
            Problem::new("- (standard input) can be given only once").usage()
        }
        PlanError::NothingLeft(of) => Problem::new(format!("--filter matches none of {of} cases"))
            .help("give a glob for the path of a case as a run prints it, such as '*upload*'")
            .usage(),
        PlanError::NoMatch(case, missed) => {
            let problem = Problem::new(format!(
                "--set {}: the event of {case} has no such member",
                missed.pointer
            ));
            match missed.nearest {
                Some(nearest) => problem.help(format!("did you mean {nearest}?")),
                None => problem,
            }
            .usage()
        }
        PlanError::Spoilt(case, found) => Problem::new(format!(
            "{case} is not an event any more after --set: {}",
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
