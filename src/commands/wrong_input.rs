//! The problems that end a command because of an input: exit code 2, with the place in the input
//! where there is one.

use crate::{
    domain::{
        diagnostic::Diagnostic,
        json::document::{Document, SyntaxError},
    },
    env::input::InputError,
    exit::{Failure, Problem},
    render::diagnostic,
};

/// Columns by which an excerpt is indented.
const INDENT: usize = 2;

/// Turns the error of an input into the problem that ends the command, for a terminal of `width`
/// columns.
pub(super) fn wrong_input(width: usize) -> impl Fn(InputError) -> Failure {
    move |error| {
        let problem = Problem::new(error.to_string());
        match error {
            InputError::Syntax(error) => return syntax(&error, width),
            InputError::TooLarge { .. } => problem.help("raise it with --max-input"),
            InputError::NotUtf8 { name, .. } => {
                problem.help(format!("convert it: iconv -f windows-1252 -t utf-8 {name}"))
            }
            InputError::Unreadable { .. } | InputError::Folder(_) => problem,
        }
        .usage()
    }
}

/// A text that is not JSON.
pub(super) fn syntax(error: &SyntaxError, width: usize) -> Failure {
    let mut problem = Problem::new(format!(
        "{} cannot be read as JSON: {}",
        error.name, error.message
    ))
    .excerpt(diagnostic::syntax_excerpt(
        error,
        width.saturating_sub(INDENT),
    ));
    problem.help.clone_from(&error.help);
    problem.usage()
}

/// A document that does not hold what the command needs, with the finding that says why.
pub(super) fn wrong_document(
    message: &str,
    document: &Document,
    finding: Diagnostic,
    width: usize,
) -> Failure {
    let findings = [finding];
    let located = document.locate(&findings);
    let width = width.saturating_sub(INDENT);
    let excerpt = diagnostic::findings(&document.name, &document.text, &located, width, 1);
    Problem::new(format!("{} {message}", document.name))
        .excerpt(excerpt)
        .usage()
}
