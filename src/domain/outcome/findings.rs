//! The findings in the final state of an event: those of `cards validate`, and calls that the mock
//! does not implement.

use super::observed::Observed;
use crate::domain::{
    card::validate::{Schema, validate, validate_list},
    diagnostic::{Diagnostic, Severity},
    json::tree::Tree,
};

/// What was found in the final state of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Those of the validator in the final cards, errors included.
    pub cards: Vec<Diagnostic>,
    /// Calls that Box has and the mock does not implement, in sentences.
    pub not_played: Vec<String>,
}

impl Findings {
    /// Validates the final cards, and looks for calls that the mock does not implement.
    pub fn from_observed(observed: &Observed) -> Self {
        let cards = match observed.cards() {
            None => Vec::new(),
            Some(cards) => match cards.tree() {
                list @ Tree::Array(_) => validate_list(list, Schema::Box),
                // Cards in a shape that is not a list.
                other => validate(other, Schema::Box),
            },
        };
        let calls = observed.calls.iter();
        let not_played = calls
            .filter(|call| call.record.is_not_played())
            .map(|call| {
                let record = &call.record;
                format!(
                    "{} {} is a Box call that the mock does not play",
                    record.method, record.target
                )
            });
        Self {
            cards,
            not_played: not_played.collect(),
        }
    }

    /// The warnings in the cards.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        let findings = self.cards.iter();
        findings.filter(|finding| finding.severity == Severity::Warning)
    }

    /// Whether there is a warning.
    pub fn has_warnings(&self) -> bool {
        self.warnings().next().is_some() || !self.not_played.is_empty()
    }

    /// The first finding in the cards that is an error.
    pub fn first_error(&self) -> Option<&Diagnostic> {
        let mut findings = self.cards.iter();
        findings.find(|finding| finding.severity == Severity::Error)
    }
}
