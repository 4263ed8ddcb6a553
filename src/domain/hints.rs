//! What to do about a refused call, in a sentence: for the checks of a replay and for the mock's log.

use http::Method;

use super::{call::CallRecord, operation::Operation, token::TokenKind};

/// What the skill should do instead of this call; `None` where the answer says it already, or a fault
/// caused it.
pub fn for_call(record: &CallRecord) -> Option<&'static str> {
    if record.fault.is_some() {
        return None;
    }
    let kind = record.token.as_ref().and_then(|token| token.kind);
    match (record.status, kind) {
        (401 | 403, None) if record.token.is_none() => {
            Some("send the event's token: Authorization: Bearer TOKEN")
        }
        (403, Some(TokenKind::Read)) if needs(TokenKind::Write, record) => {
            Some("use the event's write token (token.write.access_token)")
        }
        (403, Some(TokenKind::Write)) if needs(TokenKind::Read, record) => {
            Some("use the event's read token (token.read.access_token)")
        }
        (409, _) if is_create_of_cards(record) => Some(
            "the file has cards: change them by PUT with a JSON Patch, or replace them by \
             PUT /2.0/skill_invocations/ID",
        ),
        _ => None,
    }
}

/// Whether the token was of the wrong kind, and one of `kind` would do.
fn needs(kind: TokenKind, record: &CallRecord) -> bool {
    !record.is_for_another_file() && kind.permits(record.operation)
}

fn is_create_of_cards(record: &CallRecord) -> bool {
    record.operation == Operation::Cards
        && record.method == Method::POST
        && record.target.ends_with("/global/boxSkillsCards")
}
