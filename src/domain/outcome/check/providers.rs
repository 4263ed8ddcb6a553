//! The check of calls to providers, in a run with cassettes.

use crate::domain::outcome::{observed::Observed, verdicts::Failure};

/// The cassette holds every call.
pub(super) fn providers(observed: &Observed) -> Option<Failure> {
    let mut missing = observed.missing_in_cassette();
    let first = missing.next()?;
    let reason = match missing.count() {
        0 => first.connection.text.clone(),
        more => format!("{}; {more} more calls are missing", first.connection.text),
    };
    Some(Failure {
        hint: Some(
            "record it with --cassette auto, or leave out what changes with --cassette-ignore"
                .into(),
        ),
        ..reason.into()
    })
}
