//! What the checks need besides what was observed.

use super::{
    expected::{Expected, WantedStatus},
    observed::{Millis, Observed, Status},
    verdicts::Check,
};

/// What the checks and the waiting need besides what was observed.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of the run, or a fact about it"
)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// The id of the event as it was sent.
    pub event_id: &'a str,
    /// The id of its file as it was sent.
    pub file_id: &'a str,
    /// What the case expects.
    pub expected: Option<&'a Expected>,
    /// The checks that are turned off.
    pub off: &'a [Check],
    /// Whether there was a mock to observe the skill.
    pub has_mock: bool,
    /// Whether calls to providers are answered from a cassette.
    pub has_cassette: bool,
    /// Whether the event waits for the answer of a provider.
    pub has_open_provider_calls: bool,
    /// Whether the event is to be sent a second time.
    pub wants_duplicate: bool,
    /// Whether warnings fail the event.
    pub is_strict: bool,
    /// Whether the run started the skill, with the variables that point it at the mock.
    pub is_started_here: bool,
    /// Whether the mock saw calls that belong to no event in progress.
    pub has_strays: bool,
    /// Whether deliveries are signed.
    pub is_signed: bool,
    /// The path of the skill's URL.
    pub skill_path: &'a str,
    /// Whether the skill is stopped once it has answered, as AWS stops a function.
    pub stops_after_answer: bool,
    /// How long nothing may happen before a finished event is judged.
    pub settle: Millis,
    /// How long nothing may happen before an event that can no longer pass is judged.
    pub give_up: Millis,
}

/// Why an event was judged when it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum WaitEnd {
    /// It was finished, and nothing happened any more.
    #[default]
    Settled,
    /// Nothing happened for so long, and it could no longer pass, or nothing final was expected.
    Silence(Millis),
    /// The function had answered and was stopped.
    Stopped,
    /// The time for its cards was over.
    Deadline(Millis),
    /// The user interrupted the run, so long after the event was sent.
    Interrupted(Millis),
    /// The skill's process had ended: a sentence.
    Died(String),
}

impl Terms<'_> {
    /// Whether a check is made.
    pub(super) fn makes(&self, check: Check) -> bool {
        !self.off.contains(&check)
    }

    /// The status that the event must end with.
    pub(super) fn wanted_status(&self) -> WantedStatus {
        match self.expected {
            Some(expected) => expected.wanted_status(),
            None => WantedStatus::Exactly(Some(Status::Success)),
        }
    }

    /// Whether a final status is to come.
    pub(super) fn expects_final(&self) -> bool {
        self.expected.is_none_or(Expected::expects_final)
    }

    /// Whether all metadata of other templates that the case names was written.
    pub(super) fn has_all_metadata(&self, observed: &Observed) -> bool {
        self.expected
            .is_none_or(|expected| expected.has_all_metadata(observed))
    }
}
