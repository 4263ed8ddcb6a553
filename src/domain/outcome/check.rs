//! The checks of a replay, each a verdict with its reason in a sentence. What they look at is
//! collected in `observed`; their names on the command line are also in `cli::replay`.

use super::observed::{CallSeen, Observed, Reply, Status, WriteSeen};
use crate::domain::{
    call::CallRecord,
    card::{
        normalise::{Difference, difference, normalise},
        validate::{Schema, validate, validate_list},
    },
    diagnostic::Severity,
    json::tree::{Tape, Tree},
    operation::Operation,
    token::TokenKind,
};

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
}

impl Check {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 7] = [
        Self::Reply,
        Self::Tokens,
        Self::Finished,
        Self::Outcome,
        Self::Cards,
        Self::Expected,
        Self::Duplicate,
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
        }
    }
}

/// What `expected.json` says of the final state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// The status.
    pub status: Option<Status>,
    /// The cards, normalised, with `"<any>"` for what may be anything.
    pub cards: Option<Tape<'static>>,
    /// By how much numbers may differ.
    pub tolerance: f64,
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
    /// What differs from what was expected.
    pub differences: Vec<Difference>,
}

impl Verdicts {
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

/// What the checks need besides what was observed.
#[derive(Clone, Debug, Default)]
pub struct Terms<'a> {
    /// What the case expects.
    pub expected: Option<&'a Expected>,
    /// How long the cards were waited for, in milliseconds.
    pub wait: f64,
    /// Whether there was a mock to see what the Skill does.
    pub has_mock: bool,
    /// Why the Skill is gone, where it died during the run.
    pub died: Option<&'a str>,
}

/// Runs the checks that are not turned off.
pub fn run(observed: &Observed, terms: &Terms<'_>, off: &[Check]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for (check, ran) in Check::ALL.into_iter().zip(&mut verdicts.ran) {
        *ran = !off.contains(&check) && applies(check, observed, terms);
        if *ran && let Some(failure) = failure(check, observed, terms) {
            verdicts.failures.push((check, failure));
        }
    }
    verdicts
}

/// Whether there is anything to check.
fn applies(check: Check, observed: &Observed, terms: &Terms<'_>) -> bool {
    match check {
        Check::Reply => true,
        _ if !terms.has_mock => false,
        Check::Expected => terms.expected.is_some_and(|it| it.cards.is_some()),
        Check::Duplicate => observed.was_sent_again(),
        _ => true,
    }
}

fn failure(check: Check, observed: &Observed, terms: &Terms<'_>) -> Option<Failure> {
    if check == Check::Expected {
        return differences(observed, terms.expected?);
    }
    if check == Check::Duplicate {
        return duplicate(observed);
    }
    let reason = match check {
        Check::Reply => reply(observed, terms),
        Check::Tokens => tokens(observed),
        Check::Finished => finished(observed, terms),
        Check::Outcome => outcome(observed, terms),
        Check::Cards => cards(observed),
        Check::Expected | Check::Duplicate => None,
    }?;
    Some(Failure {
        reason,
        differences: Vec::new(),
    })
}

fn reply(observed: &Observed, terms: &Terms<'_>) -> Option<String> {
    if let Some(died) = terms.died {
        return Some(died.to_owned());
    }
    let reason = match observed.reply() {
        Some(reply) if reply.is_good() => return None,
        Some(Reply::Answered {
            status: status @ 300..=399,
            ..
        }) => format!("the skill answered {status}, a redirect, which Box does not follow"),
        Some(Reply::Answered { status, .. }) => {
            format!("the skill answered {status}; Box takes only 2xx, and sends the event again")
        }
        Some(Reply::Late(deadline)) => format!(
            "no reply within {}; Box takes that for a failure and sends the event again: answer first, work afterwards",
            seconds(*deadline)
        ),
        Some(Reply::Failed(how)) => how.clone(),
        None => "the skill never replied".to_owned(),
    };
    Some(match observed.deliveries().count() {
        0 | 1 => reason,
        _ if observed.was_sent_again() => {
            format!("when the same event came once more, {reason}")
        }
        times => format!("sent {times} times, and at last {reason}"),
    })
}

fn tokens(observed: &Observed) -> Option<String> {
    let mut refused = observed
        .calls
        .iter()
        .filter(|call| call.record.is_refused_token());
    let first = refused.next()?;
    let others = match refused.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("{}{others}", why_refused(first)))
}

/// A refused call in a sentence: `the write token was used to download: 403 on GET … at +120 ms`.
fn why_refused(call: &CallSeen) -> String {
    let record = &call.record;
    let place = format!(
        "{} on {} {} at {}",
        record.status,
        record.method,
        record.target,
        at(call.ms)
    );
    let doing = match record.operation {
        Operation::Download => "to download",
        Operation::Cards => "to write cards",
        Operation::CardsRead => "to read cards",
        Operation::Invocation => "to report the invocation",
        Operation::Info => "to ask about a file",
        Operation::Representation => "to ask for a representation",
        _ => "for a call that Skill tokens may not make",
    };
    match record.token.as_ref().map(|token| token.kind) {
        None => format!("a call came without a token: {place}"),
        Some(None) => format!("a token that the mock does not know was used {doing}: {place}"),
        Some(Some(kind)) if is_other_file(record) => {
            format!("the {kind} token of another event was used {doing}: {place}")
        }
        Some(Some(kind)) if record.status == 401 => {
            format!("the {kind} token had expired when it was used {doing}: {place}")
        }
        Some(Some(kind)) => {
            let right = match kind {
                TokenKind::Read => "; that takes the write token",
                TokenKind::Write => "; that takes the read token",
                TokenKind::User => "",
            };
            format!("the {kind} token was used {doing}: {place}{right}")
        }
    }
}

fn is_other_file(record: &CallRecord) -> bool {
    record.code.as_deref() == Some("access_denied_insufficient_permissions")
}

fn finished(observed: &Observed, terms: &Terms<'_>) -> Option<String> {
    if !observed.status().is_some_and(Status::is_final) {
        let late = after_the_final(observed);
        return late.or_else(|| left_unfinished(observed, terms));
    }
    if let Some(late) = after_the_final(observed) {
        return Some(late);
    }
    let successes = reports(observed)
        .filter(|(write, status)| write.is_explicit && *status == Status::Success)
        .count();
    let deliveries = observed.deliveries().count().max(1);
    let times = match deliveries {
        1 => "one delivery".to_owned(),
        many => format!("{many} deliveries"),
    };
    (successes > deliveries)
        .then(|| format!("success was reported {successes} times for {times}: once is right"))
}

/// The writes that report the status of the invocation.
fn reports(observed: &Observed) -> impl Iterator<Item = (&WriteSeen, Status)> {
    observed
        .writes
        .iter()
        .filter_map(|write| Some((write, write.status?)))
}

/// A status after the final one, before the event was delivered once more.
fn after_the_final(observed: &Observed) -> Option<String> {
    let mut deliveries = observed.deliveries().skip(1).map(|it| it.at).peekable();
    let mut last_final: Option<&WriteSeen> = None;
    for (write, status) in reports(observed) {
        while deliveries.next_if(|at| *at <= write.ms).is_some() {
            // A delivery begins anew.
            last_final = None;
        }
        match last_final {
            Some(first) if status != Status::Success => {
                return Some(format!(
                    "{} was written at {}, after the final {} at {}: the file now shows it",
                    status.as_str(),
                    at(write.ms),
                    first.status.map_or("", Status::as_str),
                    at(first.ms)
                ));
            }
            None if status.is_final() => last_final = Some(write),
            _ => {}
        }
    }
    None
}

fn left_unfinished(observed: &Observed, terms: &Terms<'_>) -> Option<String> {
    if terms.died.is_some() || !observed.reply().is_some_and(Reply::is_good) {
        // The reply check says what is wrong; nothing more was waited for.
        return None;
    }
    let waited = seconds(terms.wait);
    Some(match observed.status() {
        Some(_) => format!("left on processing: no final status within {waited}"),
        None if observed.writes.is_empty() => format!("no card was written within {waited}"),
        None => format!("cards were written, but none says how it ended, within {waited}"),
    })
}

fn outcome(observed: &Observed, terms: &Terms<'_>) -> Option<String> {
    let wanted = terms
        .expected
        .and_then(|expected| expected.status)
        .unwrap_or(Status::Success);
    match observed.status() {
        Some(status) if status == wanted => None,
        Some(status) if !status.is_final() && wanted.is_final() => Some(format!(
            "the invocation is {}, not {}",
            status.as_str(),
            wanted.as_str()
        )),
        Some(status) => Some(format!(
            "the skill reported {}, expected was {}",
            status.as_str(),
            wanted.as_str()
        )),
        None => Some(format!(
            "no status was reported; {} was expected",
            wanted.as_str()
        )),
    }
}

fn cards(observed: &Observed) -> Option<String> {
    let refused = observed.calls.iter().find(|call| {
        let record = &call.record;
        record.status == 400
            && record.fault.is_none()
            && matches!(record.operation, Operation::Cards | Operation::Invocation)
    });
    if let Some(call) = refused {
        return Some(format!(
            "Box refused a write at {}: {}",
            at(call.ms),
            call.record.message.as_deref().unwrap_or("400")
        ));
    }
    let cards = observed.cards()?;
    let found = match cards.tree() {
        list @ Tree::Array(_) => validate_list(list, Schema::Box),
        // Of a template that keeps them in another shape.
        other => validate(other, Schema::Box),
    };
    let found = found
        .into_iter()
        .find(|finding| finding.severity == Severity::Error)?;
    Some(format!("{} (at {})", found.message, found.pointer))
}

fn differences(observed: &Observed, expected: &Expected) -> Option<Failure> {
    let wanted = expected.cards.as_ref()?;
    let Some(mut actual) = observed.cards() else {
        return Some(Failure {
            reason: "there are no cards to compare with expected.json".to_owned(),
            differences: Vec::new(),
        });
    };
    normalise(&mut actual);
    let differences = difference(wanted.tree(), actual.tree(), expected.tolerance);
    let reason = match differences.len() {
        0 => return None,
        1 => "the cards differ from expected.json in one place".to_owned(),
        many => format!("the cards differ from expected.json in {many} places"),
    };
    Some(Failure {
        reason,
        differences,
    })
}

/// What changed in the stored cards when the same event came once more.
fn duplicate(observed: &Observed) -> Option<Failure> {
    let shown = |cards: Option<_>| {
        let mut cards: Tape<'_> = cards.unwrap_or_default();
        normalise(&mut cards);
        cards
    };
    let (before, after) = (shown(observed.cards_before()?), shown(observed.cards()));
    let differences = difference(before.tree(), after.tree(), 0.0);
    let reason = match differences.len() {
        0 => return None,
        1 => "the same event once more changed the stored cards in one place".to_owned(),
        many => format!("the same event once more changed the stored cards in {many} places"),
    };
    Some(Failure {
        reason: format!("{reason}: Box sends an event again when a reply is late or lost"),
        differences,
    })
}

/// `+120 ms`, `+3.4 s`.
pub fn at(ms: f64) -> String {
    if ms < 10_000.0 {
        format!("+{ms:.0} ms")
    } else {
        format!("+{:.1} s", ms / 1000.0)
    }
}

fn seconds(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else if ms % 1000.0 == 0.0 {
        format!("{:.0} s", ms / 1000.0)
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

#[cfg(test)]
mod tests;
