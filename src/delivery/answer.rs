//! The answer of a Skill as a transport returns it, and the words for what failed.

use std::time::Instant;

use bytes::Bytes;

use crate::domain::text::innermost_cause;

/// The most that is kept of the body of an answer, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The start of its body.
    pub(super) body: Bytes,
    /// When its end arrived.
    pub(super) at: Instant,
}

/// An answer, or a sentence that says why there is none.
pub(super) type Exchange = Result<Answer, String>;

/// The sentence for an answer that ended early.
pub(super) fn broke_off(status: u16, error: &dyn std::error::Error) -> String {
    let cause = innermost_cause(error);
    format!(
        "the skill answered {status}, but closed the connection before the end of its answer: {cause}"
    )
}
