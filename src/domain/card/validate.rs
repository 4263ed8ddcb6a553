//! Validates cards: all findings for an author, or only the first refusal, worded as Box words it.

use super::{
    breakage::breakage,
    check,
    members::{Flow, Reporter},
    path::Path,
    shape::{self, Recognised, Shape},
    violation::Violation,
};
use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    json::{pointer::Pointer, tree::Tree},
};

pub use super::types::Schema;

/// What is wrong with the cards of an input of any shape that [`shape::recognise`] knows.
/// Pointers are those of the input.
pub fn validate(input: Tree<'_>, schema: Schema) -> Vec<Diagnostic> {
    match shape::recognise(input) {
        Ok(recognised) => validate_recognised(input, &recognised, schema),
        Err(none) => vec![*none],
    }
}

/// As [`validate`], for a value that should be a list of cards.
pub fn validate_list(cards: Tree<'_>, schema: Schema) -> Vec<Diagnostic> {
    let mut collector = Collector::new(schema);
    // A collector never ends the walk early.
    let _ = check::cards(&Path::Base(&Pointer::ROOT), cards, &mut collector);
    let list = cards.as_array().unwrap_or_default();
    report_breakage(
        list.iter(),
        |index| Pointer::ROOT.index(index),
        &mut collector.found,
    );
    collector.found
}

/// As [`validate`], for an input whose shape is known.
pub fn validate_recognised(
    input: Tree<'_>,
    recognised: &Recognised<'_>,
    schema: Schema,
) -> Vec<Diagnostic> {
    let mut collector = Collector::new(schema);
    let root = Path::Base(&Pointer::ROOT);
    let at = Path::Base(&recognised.at);
    let value = recognised.value;
    // A collector never ends the walk early.
    let _ = match recognised.shape {
        Shape::Card => check::card(&at, value, &mut collector),
        Shape::Invocation => {
            let _ = check::invocation(&root, input, &mut collector);
            check::cards(&at, value, &mut collector)
        }
        _ => check::cards(&at, value, &mut collector),
    };
    let pointer = |index| match recognised.shape {
        Shape::Card => recognised.at.clone(),
        _ => recognised.at.index(index),
    };
    report_breakage(recognised.cards(), pointer, &mut collector.found);
    collector.found
}

/// Turns the findings about values that break the sidebar into errors that say so.
fn report_breakage<'a>(
    cards: impl IntoIterator<Item = Tree<'a>>,
    pointer: impl Fn(usize) -> Pointer,
    findings: &mut [Diagnostic],
) {
    for (index, card) in cards.into_iter().enumerate() {
        let Some(breakage) = breakage(card) else {
            continue;
        };
        let pointer = pointer(index).join(&breakage.pointer);
        for finding in findings.iter_mut().filter(|it| it.pointer == pointer) {
            finding.severity = Severity::Error;
            finding.code = "breaks-sidebar";
            finding.message = format!(
                "{}: Box's sidebar shows an error in place of every card of the file",
                breakage.reason
            );
        }
    }
}

/// How many errors and warnings there are.
pub fn count(findings: &[Diagnostic]) -> (usize, usize) {
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    (errors, findings.len() - errors)
}

/// Why Box refuses a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The value that it refuses, from the instance: `/cards/0/skill/id`.
    pub pointer: Pointer,
    /// Its message, which ends in the pointer.
    pub message: String,
}

/// The first refusal of `cards`, the member of an instance, worded as Box words it; none if Box
/// accepts the cards. Allocates nothing for cards that are accepted.
pub fn box_refusal(cards: Tree<'_>, schema: Schema) -> Option<Refusal> {
    let mut refuser = Refuser {
        schema,
        refusal: None,
    };
    let root = Path::Base(&Pointer::ROOT);
    // The refusal, not the flow, is the result.
    let _ = check::cards(&root.key("cards"), cards, &mut refuser);
    refuser.refusal
}

struct Collector {
    schema: Schema,
    found: Vec<Diagnostic>,
}

impl Collector {
    fn new(schema: Schema) -> Self {
        let found = Vec::new();
        Self { schema, found }
    }
}

impl Reporter for Collector {
    fn report(&mut self, path: &Path<'_>, violation: &Violation<'_>) -> Flow {
        if let Some(severity) = violation.severity(self.schema) {
            let (code, report) = violation.report(&subject_of(path, violation).subject());
            self.found.push(Diagnostic {
                severity,
                code,
                message: report.message,
                pointer: path.pointer(),
                found: Some(report.found),
                expected: Some(report.expected),
                help: Some(report.help),
            });
        }
        Flow::Continue(())
    }

    fn wants_display_rules(&self) -> bool {
        true
    }

    fn wants_description_rules(&self) -> bool {
        true
    }
}

/// The path of the value that a violation is about: of a missing member, its object.
fn subject_of<'a>(path: &'a Path<'a>, violation: &Violation<'_>) -> &'a Path<'a> {
    match path {
        Path::Key(object, _) if violation.is_absence() => object,
        _ => path,
    }
}

struct Refuser {
    schema: Schema,
    refusal: Option<Refusal>,
}

impl Reporter for Refuser {
    fn report(&mut self, path: &Path<'_>, violation: &Violation<'_>) -> Flow {
        if !violation.is_refused(self.schema) {
            return Flow::Continue(());
        }
        let pointer = subject_of(path, violation).pointer();
        let message = format!("{} (pointer: {pointer})", violation.refusal(self.schema));
        self.refusal = Some(Refusal { pointer, message });
        Flow::Break(())
    }

    fn wants_display_rules(&self) -> bool {
        false
    }

    fn wants_description_rules(&self) -> bool {
        self.schema == Schema::Documented
    }
}

#[cfg(test)]
mod tests;
