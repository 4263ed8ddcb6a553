//! The lines of the event pump: new files, attempts to deliver their events to the skill, and the
//! final status of an invocation.

use jiff::tz::TimeZone;

use super::{
    log_line::columns,
    text::{Line, Role},
    units::{counted, duration},
};
use crate::domain::{
    notice::{Attempt, By, Delivered, Placed, Placement},
    outcome::Status,
};

/// The line of a file that changed in the folder; a change by the API has the line of its call.
pub(super) fn placed(placed: &Placed, zone: &TimeZone) -> Option<Line> {
    let what = match placed.how {
        Placement::Upload => "uploaded ",
        Placement::Copy => "copied ",
        Placement::Move => "moved ",
    };
    (placed.by == By::Folder).then(|| {
        columns(placed.at, zone, "dir", (Role::Dim, "---"), None)
            .plain(what)
            .with(Role::Strong, &placed.name)
            .with(Role::Dim, format!("  file {}", placed.file_id))
    })
}

/// The line of an attempt.
pub(super) fn attempt(attempt: &Attempt, zone: &TimeZone) -> Line {
    let role = match attempt.result {
        Delivered::Delivered => Role::Good,
        Delivered::Retrying => Role::Warn,
        Delivered::GivenUp => Role::Bad,
    };
    let status = attempt
        .status
        .map_or_else(|| "---".to_owned(), |status| status.to_string());
    let line = columns(attempt.at, zone, "event", (role, &status), attempt.ms)
        .plain("POST ")
        .plain(&attempt.event_type)
        .plain(" ")
        .with(Role::Strong, &attempt.name);
    let line = match &attempt.error {
        Some(error) => line.plain("  ").with(role, error),
        None => line,
    };
    match (attempt.result, attempt.next_ms) {
        (Delivered::Retrying, Some(next)) => {
            #[allow(clippy::cast_precision_loss, reason = "a pause has few digits")]
            let pause = duration(next as f64);
            let number = format!("attempt {} of {}", attempt.number, attempt.of);
            line.with(Role::Warn, format!("  {number}, again in {pause}"))
        }
        (Delivered::GivenUp, _) => {
            let attempts = counted(attempt.number as usize, "attempt", "attempts");
            line.with(Role::Bad, format!("  given up after {attempts}"))
        }
        _ => line,
    }
}

/// The line of the final status of an invocation, `ms` milliseconds after its file arrived.
pub fn ended(name: &str, status: Status, cards: usize, ms: Option<f64>) -> Line {
    let role = match status {
        Status::Success => Role::Good,
        Status::Processing => Role::Dim,
        Status::TransientFailure | Status::PermanentFailure => Role::Bad,
    };
    let line = Line::from("  ")
        .with(Role::Strong, name)
        .plain(": ")
        .with(role, status.as_str())
        .plain(format!(" with {}", counted(cards, "card", "cards")));
    match ms {
        Some(ms) => line.with(Role::Dim, format!(", {} in all", duration(ms))),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn failed(result: Delivered, next_ms: Option<u64>) -> Attempt {
        Attempt {
            at: Timestamp::UNIX_EPOCH,
            event_id: "e_1".to_owned(),
            event_type: "ITEM_UPLOAD".to_owned(),
            file_id: "7".to_owned(),
            name: "a.txt".to_owned(),
            number: 2,
            of: 6,
            result,
            status: Some(503),
            ms: Some(12.0),
            error: None,
            next_ms,
        }
    }

    #[test]
    fn a_failed_attempt_says_when_the_next_is() {
        let failed = failed(Delivered::Retrying, Some(1000));
        let line = attempt(&failed, &TimeZone::UTC);
        assert_eq!(
            line.as_plain(),
            "00:00:00.000  event  503   12 ms  POST ITEM_UPLOAD a.txt  attempt 2 of 6, again in 1.0 s"
        );
    }

    #[test]
    fn the_last_attempt_says_that_it_was_the_last() {
        let failed = failed(Delivered::GivenUp, None);
        let line = attempt(&failed, &TimeZone::UTC);
        let line = line.as_plain();
        assert!(line.ends_with("given up after 2 attempts"), "{line}");
    }

    #[test]
    fn the_end_of_an_invocation_is_one_clear_line() {
        let line = ended("a.txt", Status::Success, 2, Some(1500.0));
        let line = line.as_plain();
        assert!(
            line.starts_with("  a.txt: success with 2 cards, 1"),
            "{line}"
        );
    }
}
