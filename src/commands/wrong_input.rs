//! The failures for a wrong input: exit code 2, with the place in the input.

use crate::{
    domain::{
        diagnostic::Diagnostic,
        json::document::{Document, SyntaxError},
    },
    env::input::InputError,
    exit::{Failure, Problem},
    render::diagnostic,
};

/// The columns that an excerpt is indented by.
const INDENT: usize = 2;

/// The failure for a wrong input, laid out for a terminal of `width` columns.
pub(super) fn wrong_input(width: usize) -> impl Fn(InputError) -> Failure {
    move |error| {
        let problem = Problem::new(error.to_string());
        match error {
            InputError::Syntax(error) => return syntax(&error, width),
            InputError::NotUtf8 { name, .. } => {
                problem.help(format!("convert it: iconv -f windows-1252 -t utf-8 {name}"))
            }
            InputError::Unreadable { .. } | InputError::Folder(_) | InputError::TooLarge { .. } => {
                problem
            }
        }
        .usage()
    }
}

/// As [`wrong_input`], for a command with the option `--max-input`.
pub(super) fn wrong_limited_input(width: usize) -> impl Fn(InputError) -> Failure {
    move |error| match error {
        InputError::TooLarge { .. } => Problem::new(error.to_string())
            .help("raise the limit with --max-input")
            .usage(),
        error => wrong_input(width)(error),
    }
}

/// The failure for a text that is not JSON.
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

/// The failure for a document that does not hold what the command needs. The finding says why.
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
