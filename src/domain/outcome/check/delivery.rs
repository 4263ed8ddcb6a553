//! The checks of deliveries and replies.

use std::borrow::Cow;

use crate::domain::{
    card::normalise::{difference, normalise},
    json::tree::Tape,
    outcome::{
        observed::{Observed, Reply},
        terms::{Terms, WaitEnd},
        verdicts::Failure,
        wording::span,
    },
};

/// The last reply is a 2xx in time, and the skill's process has not ended.
pub(super) fn reply(observed: &Observed, end: &WaitEnd, terms: &Terms<'_>) -> Option<Failure> {
    if let WaitEnd::Died(how) = end {
        return Some(how.clone().into());
    }
    let reason = match observed.reply() {
        Some(reply) if reply.is_good() => return callbacks(observed),
        Some(Reply::Answered {
            status: status @ 300..=399,
            ..
        }) => format!("the skill answered {status}, a redirect, which Box does not follow"),
        Some(Reply::Answered { status, .. }) => {
            format!("the skill answered {status}; Box accepts only 2xx, and sends the event again")
        }
        Some(Reply::Late(deadline)) => format!(
            "no reply within {}; Box treats that as a failure and sends the event again: answer first, work afterwards",
            span(*deadline)
        ),
        Some(Reply::Failed(how)) => how.clone(),
        None => match end {
            WaitEnd::Interrupted(after) => {
                format!(
                    "no reply until the run was interrupted, after {}",
                    span(*after)
                )
            }
            _ => "the skill never replied".to_owned(),
        },
    };
    let reason = match observed.deliveries().count() {
        0 | 1 => reason,
        _ if observed.was_sent_again() => {
            format!("when the same event was sent once more, {reason}")
        }
        times => format!("sent {times} times; the last time, {reason}"),
    };
    Some(Failure {
        hint: observed.reply().and_then(|reply| hint(reply, terms)),
        ..reason.into()
    })
}

/// The first call of a provider that the skill refused.
fn callbacks(observed: &Observed) -> Option<Failure> {
    let refused = observed.callbacks.iter().find(|it| !it.reply.is_good())?;
    let target = &refused.target;
    let how = match &refused.reply {
        Reply::Answered { status, .. } => format!("was answered {status}"),
        Reply::Late(deadline) => format!("got no reply within {}", span(*deadline)),
        Reply::Failed(reason) => format!("failed: {reason}"),
    };
    Some(format!("the provider's call back, {target}, {how}").into())
}

/// What to do about a reply with this status.
fn hint(reply: &Reply, terms: &Terms<'_>) -> Option<Cow<'static, str>> {
    match reply {
        Reply::Answered {
            status: 401 | 403, ..
        } if !terms.is_signed => Some(
            "the event was sent without signatures; if the skill verifies them, sign it with \
             --primary-key-env VAR"
                .into(),
        ),
        Reply::Answered {
            status: 404 | 405, ..
        } => Some(
            format!(
                "the event was sent to the path {}; if the skill has another one, name it in --skill",
                terms.skill_path
            )
            .into(),
        ),
        _ => None,
    }
}

/// The second delivery of the same event changed nothing in the stored cards.
pub(super) fn duplicate(observed: &Observed) -> Option<Failure> {
    let Some(before) = observed.cards_before() else {
        return Some(Failure::from(
            "the event was not sent a second time: the run or the skill ended before".to_owned(),
        ));
    };
    let shown = |cards: Option<_>| {
        let mut cards: Tape<'_> = cards.unwrap_or_default();
        normalise(&mut cards);
        cards
    };
    let (before, after) = (shown(before), shown(observed.cards()));
    let differences = difference(before.tree(), after.tree(), 0.0);
    let places = match differences.len() {
        0 => return None,
        1 => "one place".to_owned(),
        many => format!("{many} places"),
    };
    Some(Failure {
        differences,
        ..Failure::from(format!(
            "the second delivery of the event changed the stored cards in {places}: Box sends an \
             event again when a reply is late or lost"
        ))
    })
}
