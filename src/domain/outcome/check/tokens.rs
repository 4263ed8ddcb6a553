//! The check of refused calls.

use std::borrow::Cow;

use crate::domain::{
    call::CallRecord,
    hints,
    operation::Operation,
    outcome::{
        observed::{CallSeen, Observed},
        terms::Terms,
        verdicts::Failure,
        wording::at,
    },
};

/// No call was refused for its token.
pub(super) fn tokens(observed: &Observed, terms: &Terms<'_>) -> Option<Failure> {
    let mut refused = observed
        .calls
        .iter()
        .filter(|call| call.record.is_refused_token());
    let first = refused.next()?;
    let others = match refused.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(Failure {
        hint: hints::for_call(&first.record).map(Cow::Borrowed),
        ..Failure::from(format!("{}{others}", why_refused(first, terms)))
    })
}

/// A refused call in a sentence: `the write token was used to download: 403 on GET … at +120 ms`.
fn why_refused(call: &CallSeen, terms: &Terms<'_>) -> String {
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
        _ => "for a call that skill tokens may not make",
    };
    match record.token.as_ref().map(|token| token.kind) {
        None => format!("a call without a token: {place}"),
        Some(None) => format!("a token that the mock does not know was used {doing}: {place}"),
        Some(Some(kind)) if !is_own_token(record, terms) => {
            format!("the {kind} token of another event was used {doing}: {place}")
        }
        Some(Some(kind)) => match other_file(record, terms) {
            Some(file) => format!(
                "file {file} is not this event's file ({}): the {kind} token was used {doing}: {place}",
                terms.file_id
            ),
            None if record.status == 401 => {
                format!("the {kind} token had expired when it was used {doing}: {place}")
            }
            None => format!("the {kind} token was used {doing}: {place}"),
        },
    }
}

/// Whether the token of the call is one of this event. A call belongs to the event of its token
/// first.
fn is_own_token(record: &CallRecord, terms: &Terms<'_>) -> bool {
    record
        .events
        .iter()
        .next()
        .is_none_or(|id| id == terms.event_id)
}

/// The file that the call named, where it is not that of the event.
fn other_file<'a>(record: &'a CallRecord, terms: &Terms<'_>) -> Option<&'a str> {
    let file = record.file_id.as_deref()?;
    (record.is_for_another_file() && file != terms.file_id).then_some(file)
}
