//! The checks by name, and the results of the checks of one event.

use std::borrow::Cow;

use crate::domain::card::normalise::Difference;

/// A check, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// 2xx in time.
    Reply,
    /// No refused call.
    Tokens,
    /// Not left on processing, no status after the final one, one success per delivery.
    Finished,
    /// The status is success, or that of `expected.json`.
    Outcome,
    /// No card that Box refuses or cannot show, no write refused for its content.
    Cards,
    /// The final cards are those of `expected.json`.
    Expected,
    /// The same event again changed nothing.
    Duplicate,
    /// With a cassette: no call that it does not hold.
    Providers,
    /// With `--strict`: no warning.
    Warnings,
}

impl Check {
    /// All checks, in the order in which they are reported.
    pub const ALL: [Self; 9] = [
        Self::Reply,
        Self::Tokens,
        Self::Finished,
        Self::Outcome,
        Self::Cards,
        Self::Expected,
        Self::Duplicate,
        Self::Providers,
        Self::Warnings,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Tokens => "tokens",
            Self::Finished => "finished",
            Self::Outcome => "outcome",
            Self::Cards => "cards",
            Self::Expected => "expected",
            Self::Duplicate => "duplicate",
            Self::Providers => "providers",
            Self::Warnings => "warnings",
        }
    }

    /// Its rule, as help texts state it.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Reply => "The skill replied 2xx in time",
            Self::Tokens => "No call was refused because of its token",
            Self::Finished => {
                "The invocation ended: a final status, nothing after it, one success per delivery"
            }
            Self::Outcome => "The status is success, or the one in expected.json",
            Self::Cards => {
                "No card has a validation error, and Box refused no write for its content"
            }
            Self::Expected => "The cards equal those in expected.json",
            Self::Duplicate => "The second delivery of --duplicate changed nothing",
            Self::Providers => "With a cassette: it holds every call to a provider",
            Self::Warnings => "With --strict: no warning",
        }
    }
}

/// The results of the checks of an event. Mostly all of them pass, and then nothing is allocated:
/// a run may have a million events, judged on one thread and reported on another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// Which were run, in the order of [`Check::ALL`].
    ran: [bool; Check::ALL.len()],
    /// Those that failed, in that order.
    failures: Vec<(Check, Failure)>,
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// In a sentence that a newcomer understands, without a full stop.
    pub reason: String,
    /// What to do about it, in a sentence without a full stop; only where that is known.
    pub hint: Option<Cow<'static, str>>,
    /// What differs from what was expected.
    pub differences: Vec<Difference>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self {
            reason,
            hint: None,
            differences: Vec::new(),
        }
    }
}

impl Verdicts {
    /// Runs each check of `ALL`: `check` returns `None` for one that does not apply, else why it
    /// failed, if it did.
    pub(super) fn collect(mut check: impl FnMut(Check) -> Option<Option<Failure>>) -> Self {
        let mut verdicts = Self::default();
        for (name, ran) in Check::ALL.into_iter().zip(&mut verdicts.ran) {
            let Some(result) = check(name) else {
                continue;
            };
            *ran = true;
            verdicts
                .failures
                .extend(result.map(|failure| (name, failure)));
        }
        verdicts
    }

    /// Whether every check passed.
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    /// The checks that failed, with why.
    pub fn failures(&self) -> impl Iterator<Item = (Check, &Failure)> {
        self.failures
            .iter()
            .map(|(check, failure)| (*check, failure))
    }

    /// Each check that was run, with why it failed where it did.
    pub fn into_each(self) -> impl Iterator<Item = (Check, Option<Failure>)> {
        let mut failures = self.failures.into_iter().peekable();
        let all = Check::ALL.into_iter().zip(self.ran);
        all.filter(|(_, ran)| *ran).map(move |(check, _)| {
            let failure = failures.next_if(|(failed, _)| *failed == check);
            (check, failure.map(|(_, failure)| failure))
        })
    }
}
