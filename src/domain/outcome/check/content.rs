//! The checks of what was written.

use std::borrow::Cow;

use crate::domain::{
    card::normalise::Difference,
    operation::Operation,
    outcome::{
        findings::Findings,
        observed::{CallSeen, Observed},
        terms::Terms,
        verdicts::Failure,
        wording::at,
    },
};

/// No write was refused for its content, and no card breaks Box's preview.
pub(super) fn cards(observed: &Observed, findings: &Findings) -> Option<Failure> {
    if let Some(call) = refused_write(observed) {
        return Some(Failure::from(format!(
            "Box refused a write at {}: {}",
            at(call.ms),
            call.record.message.as_deref().unwrap_or("400")
        )));
    }
    let error = findings.first_error()?;
    Some(Failure {
        hint: error.help.clone().map(Cow::Owned),
        ..Failure::from(format!("{} (at {})", error.message, error.pointer))
    })
}

/// A write of cards that was refused for its content.
pub(super) fn refused_write(observed: &Observed) -> Option<&CallSeen> {
    observed.calls.iter().find(|call| {
        let record = &call.record;
        record.status == 400
            && record.fault.is_none()
            && matches!(record.operation, Operation::Cards | Operation::Invocation)
    })
}

/// The final cards and the metadata are those of `expected.json`.
pub(super) fn expected(observed: &Observed, terms: &Terms<'_>) -> Option<Failure> {
    let expected = terms.expected?;
    let differences = match expected.compare_cards(observed) {
        Ok(differences) => differences,
        Err(reason) => return Some(Failure::from(reason.to_owned())),
    };
    if !differences.is_empty() {
        return Some(differ("the cards differ", differences));
    }
    expected
        .compare_metadata(observed)
        .find_map(|(name, differences)| match differences {
            None => Some(Failure::from(format!(
                "expected.json expects {name}, and it was not written"
            ))),
            Some(differences) if differences.is_empty() => None,
            Some(differences) => Some(differ(&format!("{name} differs"), differences)),
        })
}

fn differ(what: &str, differences: Vec<Difference>) -> Failure {
    let places = match differences.len() {
        1 => "one place".to_owned(),
        many => format!("{many} places"),
    };
    Failure {
        differences,
        ..Failure::from(format!("{what} from expected.json in {places}"))
    }
}

/// With `--strict`: there is no warning.
pub(super) fn warnings(findings: &Findings) -> Option<Failure> {
    let cards = findings
        .warnings()
        .map(|found| format!("{} (at {})", found.message, found.pointer));
    let mut all = cards.chain(findings.not_played.iter().cloned());
    let first = all.next()?;
    let more = match all.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("--strict accepts no warning: {first}{more}").into())
}
