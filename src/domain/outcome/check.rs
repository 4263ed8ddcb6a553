//! The checks of a replay: which of them apply to an event, and why each failed. Their names on the
//! command line are also in `cli::replay`. What they look at is collected in `observed`.

mod content;
mod delivery;
mod progress;
mod providers;
mod tokens;

use super::{
    expected::Expected,
    findings::Findings,
    observed::Observed,
    terms::{Terms, WaitEnd},
    verdicts::{Check, Verdicts},
};

pub use self::progress::{Awaited, Phase, phase};

/// Makes the checks that are not turned off.
pub fn run(observed: &Observed, findings: &Findings, end: &WaitEnd, terms: &Terms<'_>) -> Verdicts {
    Verdicts::collect(|check| {
        let applies = terms.makes(check) && applies(check, terms);
        applies.then(|| match check {
            Check::Reply => delivery::reply(observed, end, terms),
            Check::Tokens => tokens::tokens(observed, terms),
            Check::Finished => progress::finished(observed, end, terms),
            Check::Outcome => progress::outcome(observed, end, terms),
            Check::Cards => content::cards(observed, findings),
            Check::Expected => content::expected(observed, terms),
            Check::Duplicate => delivery::duplicate(observed),
            Check::Providers => providers::providers(observed),
            Check::Warnings => content::warnings(findings),
        })
    })
}

/// Whether there is anything to check.
fn applies(check: Check, terms: &Terms<'_>) -> bool {
    match check {
        Check::Reply => true,
        _ if !terms.has_mock => false,
        Check::Expected => terms.expected.is_some_and(Expected::is_compared),
        Check::Duplicate => terms.wants_duplicate,
        Check::Providers => terms.has_cassette,
        Check::Warnings => terms.is_strict,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
