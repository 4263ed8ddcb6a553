//! How far an event is: what is still waited for, and the checks of its status.

use std::borrow::Cow;

use crate::domain::{
    hints,
    outcome::{
        expected::{Expected, WantedStatus},
        observed::{Millis, Observed, Reply, Status, WriteSeen},
        terms::{Terms, WaitEnd},
        verdicts::{Check, Failure},
        wording::{at, span},
    },
};

use super::{content, tokens};

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// It waits for this.
    Waiting(Awaited),
    /// All that it waited for has happened: it is judged after so much silence. The next event may be
    /// sent.
    Done(Millis),
    /// The function has answered and is stopped: nothing more can happen.
    Stopped,
    /// It can no longer pass, or nothing final is expected of it: it is judged after so much silence.
    GivingUp(Millis),
}

/// What an event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The reply to the delivery.
    Reply,
    /// The first card.
    Cards,
    /// A final status.
    FinalStatus,
    /// Metadata of another template, which `expected.json` names.
    Metadata,
    /// The end of a call to Box or to a provider.
    OpenCall,
    /// A call of a provider to the skill.
    Callback,
}

/// How far an event is.
pub fn phase(observed: &Observed, terms: &Terms<'_>) -> Phase {
    let Some(reply) = observed.reply() else {
        return Phase::Waiting(Awaited::Reply);
    };
    if terms.stops_after_answer && matches!(reply, Reply::Answered { .. }) {
        return Phase::Stopped;
    }
    if observed.has_open_calls() || terms.has_open_provider_calls {
        return Phase::Waiting(Awaited::OpenCall);
    }
    if observed.has_callbacks_left() && !has_failed_for_good(observed, terms) {
        return Phase::Waiting(Awaited::Callback);
    }
    let has_final = observed.status().is_some_and(Status::is_final);
    let has_metadata = terms.has_all_metadata(observed);
    let is_about_metadata = terms
        .expected
        .is_some_and(Expected::is_about_metadata_alone);
    if has_metadata && (has_final || is_about_metadata) {
        return Phase::Done(terms.settle);
    }
    if terms.makes(Check::Reply) && matches!(reply, Reply::Answered { .. }) && !reply.is_good() {
        // The skill has refused the event: Box would send it again.
        return Phase::GivingUp(terms.settle);
    }
    if !terms.expects_final() && has_metadata || has_failed_for_good(observed, terms) {
        return Phase::GivingUp(terms.give_up);
    }
    Phase::Waiting(match observed.status() {
        _ if !has_metadata => Awaited::Metadata,
        Some(_) => Awaited::FinalStatus,
        None => Awaited::Cards,
    })
}

/// Whether a check has failed, and nothing that the skill still does can change that.
fn has_failed_for_good(observed: &Observed, terms: &Terms<'_>) -> bool {
    let is_refused = observed.reply().is_some_and(|reply| !reply.is_good())
        || observed.callbacks.iter().any(|it| !it.reply.is_good());
    terms.makes(Check::Reply) && is_refused
        || terms.makes(Check::Tokens) && tokens::tokens(observed, terms).is_some()
        || terms.makes(Check::Finished) && after_the_final(observed).is_some()
        || terms.makes(Check::Cards) && content::refused_write(observed).is_some()
        || terms.makes(Check::Providers) && observed.missing_in_cassette().next().is_some()
}

/// The invocation was ended, once, and nothing was reported after its end.
pub(super) fn finished(observed: &Observed, end: &WaitEnd, terms: &Terms<'_>) -> Option<Failure> {
    if let Some(late) = after_the_final(observed) {
        return Some(late.into());
    }
    if !observed.status().is_some_and(Status::is_final) {
        return left_unfinished(observed, end, terms);
    }
    let successes = reports(observed)
        .filter(|(write, status)| write.is_explicit && *status == Status::Success)
        .count();
    let deliveries = observed.deliveries().count().max(1);
    let times = match deliveries {
        1 => "one delivery".to_owned(),
        many => format!("{many} deliveries"),
    };
    (successes > deliveries).then(|| {
        format!("success was reported {successes} times for {times}; it must be reported once")
            .into()
    })
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
            // A delivery starts over.
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

fn left_unfinished(observed: &Observed, end: &WaitEnd, terms: &Terms<'_>) -> Option<Failure> {
    if !terms.expects_final() {
        return None;
    }
    let how_long = match end {
        // The reply check says what is wrong; nothing more was waited for.
        WaitEnd::Died(_) => return None,
        WaitEnd::Interrupted(after) => {
            format!("until the run was interrupted, after {}", span(*after))
        }
        _ if terms.makes(Check::Reply) && !observed.reply().is_some_and(Reply::is_good) => {
            return None;
        }
        WaitEnd::Stopped => "before the function had answered; AWS stops it there".to_owned(),
        WaitEnd::Silence(silence) => format!("and nothing happened for {}", span(*silence)),
        WaitEnd::Deadline(wait) => format!("within {}", span(*wait)),
        WaitEnd::Settled => "by then".to_owned(),
    };
    let reason = match observed.status() {
        Some(_) => format!("left on processing: no final status {how_long}"),
        None if observed.has_written_cards() => {
            format!("the cards have no status, and no status was reported {how_long}")
        }
        None => format!("no card was written {how_long}"),
    };
    Some(Failure {
        hint: hint_for_unfinished(observed, end, terms),
        ..Failure::from(reason)
    })
}

/// What to do about an invocation that was not ended.
fn hint_for_unfinished(
    observed: &Observed,
    end: &WaitEnd,
    terms: &Terms<'_>,
) -> Option<Cow<'static, str>> {
    if let Some(hint) = conflict(observed) {
        return Some(hint.into());
    }
    if *end == WaitEnd::Stopped {
        return Some("end all work before the function returns or calls its callback".into());
    }
    let others: Vec<_> = observed.metadata().map(|(name, _)| name).collect();
    if !others.is_empty() && terms.expected.is_none() {
        let names = others.join(", ");
        return Some(
            format!("the skill wrote {names}; expected.json can name that under `metadata`").into(),
        );
    }
    let is_silent =
        observed.box_calls() == 0 && observed.connections.is_empty() && !terms.has_strays;
    is_silent.then(|| {
        if terms.is_started_here {
            "no call reached the mock: the client may ignore the proxy variables; point it at \
             BOX_API_BASE_URL"
        } else {
            "no call reached the mock: start the skill with `-- COMMAND`, or with the variables of \
             `skillctl env`"
        }
        .into()
    })
}

/// What to do about a create of cards that Box refused because the file has cards.
fn conflict(observed: &Observed) -> Option<&'static str> {
    observed
        .calls
        .iter()
        .filter(|call| call.record.status == 409)
        .find_map(|call| hints::for_call(&call.record))
}

/// The invocation ended with the status that is expected.
pub(super) fn outcome(observed: &Observed, end: &WaitEnd, terms: &Terms<'_>) -> Option<Failure> {
    let status = observed.status();
    let wanted = match terms.wanted_status() {
        WantedStatus::Exactly(wanted) if wanted == status => return None,
        WantedStatus::Exactly(wanted) => wanted,
        WantedStatus::NoFailure if matches!(status, None | Some(Status::Success)) => return None,
        WantedStatus::NoFailure => None,
    };
    let wanted = wanted.map_or("no status", Status::as_str);
    let reason = match (status, end) {
        (Some(status), _) if status.is_final() => {
            format!(
                "the skill reported {}; {wanted} was expected",
                status.as_str()
            )
        }
        (Some(status), _) => format!(
            "the invocation is {}; {wanted} was expected",
            status.as_str()
        ),
        (None, _) => format!("no status was reported; {wanted} was expected"),
    };
    let hint = status
        .filter(|status| matches!(status, Status::PermanentFailure | Status::TransientFailure))
        .and_then(|_| observed.unreachable_host())
        .map(|failure| Cow::Owned(failure.to_owned()));
    Some(Failure {
        hint,
        ..Failure::from(reason)
    })
}
