//! An outcome as a record: one shape for `--format json` and the JSON report; all other
//! reports are rendered from it. docs/reports.md describes it for others.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{
    findings::Findings,
    judged::Outcome,
    observed::{CallSeen, CallbackSeen, ConnectionSeen, Delivery, OpenCall, Reply, Status},
    verdicts::{Check, Failure},
};
use crate::domain::{
    call::TokenSeen,
    diagnostic::Severity,
    json::tree::{Items, Tape},
    notice::ProviderCall,
};

/// One event, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The case, by its path, with the number of the repeat where there are several.
    pub case: String,
    /// The invocation's id as it was sent.
    pub event_id: Arc<str>,
    /// The file's id as it was sent.
    pub file_id: Arc<str>,
    /// Whether every check passed.
    pub ok: bool,
    /// The reply to the last delivery.
    pub reply: Option<ReplyRecord>,
    /// The status of the invocation, in Box's word.
    pub status: Option<Cow<'static, str>>,
    /// When the last card was written, in milliseconds from the sending.
    pub cards_ms: Option<f64>,
    /// The checks that were made.
    pub checks: Vec<CheckRecord>,
    /// The calls of the Skill, in their order.
    pub calls: Vec<CallRow>,
    /// Calls that had no answer when the event was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_off: Vec<OpenCallRow>,
    /// Calls that were too many to keep.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub calls_left_out: usize,
    /// All deliveries, where there was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<DeliveryRecord>,
    /// Connections that did not become a call to Box: to other hosts, or failed ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionRow>,
    /// Calls of providers to the skill, which its cassette holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<CallbackRow>,
    /// What `cards validate` warns of in the final cards, and calls that the mock does not play.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningRecord>,
    /// Whether a mock watched what the Skill does.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub mock: bool,
    /// The cards that were written, in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<Tape<'static>>,
}

/// How the Skill replied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplyRecord {
    /// The status; none without an answer.
    pub status: Option<u16>,
    /// Milliseconds to the answer, or of the deadline that passed.
    pub ms: Option<f64>,
    /// Why there is no answer: `late`, or a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One sending of the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// When, in milliseconds from the first.
    pub at_ms: f64,
    /// The reply.
    pub reply: Option<ReplyRecord>,
    /// Whether it was sent to see that nothing changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub duplicate: bool,
}

/// A check and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Whether it passed.
    pub ok: bool,
    /// Why not.
    pub reason: Option<String>,
    /// What to do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Cow<'static, str>>,
    /// What differs from what was expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<DifferenceRecord>,
}

/// One place in which the cards differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceRecord {
    /// Where.
    pub pointer: String,
    /// What was expected; nothing where there should be nothing.
    pub expected: Option<Tape<'static>>,
    /// What was found; nothing where there was nothing.
    pub found: Option<Tape<'static>>,
}

/// A call of the Skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRow {
    /// When its head was in, in milliseconds from the sending.
    pub at_ms: f64,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// The method.
    pub method: String,
    /// The host that the client named.
    pub host: SmolStr,
    /// Path and query, tokens redacted.
    pub target: SmolStr,
    /// Which of Box's operations it is.
    pub operation: Cow<'static, str>,
    /// What it was answered with; 0 where the connection ended before.
    pub status: u16,
    /// The token it carried, as far as it may be shown.
    pub token: Option<TokenSeen>,
    /// Box's error code.
    pub code: Option<String>,
    /// What the refusal says.
    pub message: Option<String>,
    /// The fault that struck.
    pub fault: Option<String>,
    /// A remark for people.
    pub note: Option<String>,
}

/// A call that had no answer when the event was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCallRow {
    /// When its head was in, in milliseconds from the sending.
    pub at_ms: f64,
    /// Which of Box's operations it is.
    pub operation: Cow<'static, str>,
}

/// A warning about the final state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarningRecord {
    /// A stable name, for programs: `no-duration`, `not-played`.
    pub code: Cow<'static, str>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The value in the list of cards that it is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// How to correct it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A connection that did not become a call to Box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// When, in milliseconds from the sending.
    pub at_ms: f64,
    /// Its kind, for programs: `tls-failed`, `other-host`, …
    pub kind: String,
    /// The host that the client named, as far as it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What happened and why, in a sentence.
    pub text: String,
    /// The call to a provider, in a run with cassettes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderCall>,
}

/// A call of a provider to the skill, from a cassette.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallbackRow {
    /// When it was sent, in milliseconds from the sending of the event.
    pub at_ms: f64,
    /// Its method and its path, secrets redacted.
    pub target: String,
    /// The skill's reply.
    pub reply: ReplyRecord,
}

impl Record {
    /// The record of an outcome. Its cards are read only with `with_cards`.
    pub fn from_outcome(outcome: Outcome, with_cards: bool) -> Self {
        let ok = outcome.is_ok();
        let observed = outcome.observed;
        let cards = if with_cards { observed.cards() } else { None };
        let cards = cards.map(Tape::into_owned);
        let are_several = observed.deliveries().nth(1).is_some();
        Self {
            case: outcome.case.text(),
            event_id: Arc::clone(&outcome.case.names.event_id),
            file_id: Arc::clone(&outcome.case.names.file_id),
            ok,
            reply: observed.reply().map(ReplyRecord::from_reply),
            status: observed.status().map(Status::as_str).map(Cow::Borrowed),
            cards_ms: observed.cards_ms().map(rounded),
            deliveries: observed
                .deliveries()
                .filter(|_| are_several)
                .map(DeliveryRecord::from_delivery)
                .collect(),
            checks: outcome
                .verdicts
                .into_each()
                .map(CheckRecord::from_check)
                .collect(),
            cut_off: observed
                .open_calls()
                .map(OpenCallRow::from_open_call)
                .collect(),
            calls: observed.calls.into_iter().map(CallRow::from_call).collect(),
            calls_left_out: observed.calls_left_out,
            connections: observed
                .connections
                .iter()
                .map(ConnectionRow::from_connection)
                .collect(),
            callbacks: observed
                .callbacks
                .iter()
                .map(CallbackRow::from_callback)
                .collect(),
            warnings: warnings(outcome.findings),
            mock: outcome.has_mock,
            cards,
        }
    }

    /// The checks that failed, with why.
    pub fn failures(&self) -> impl Iterator<Item = &CheckRecord> {
        self.checks.iter().filter(|check| !check.ok)
    }

    /// The cards that were written.
    pub fn cards(&self) -> Items<'_> {
        let cards = self
            .cards
            .as_ref()
            .and_then(|cards| cards.tree().as_array());
        cards.unwrap_or_default()
    }
}

impl ReplyRecord {
    fn from_reply(reply: &Reply) -> Self {
        match reply {
            Reply::Answered { status, ms } => Self {
                status: Some(*status),
                ms: Some(rounded(*ms)),
                error: None,
            },
            Reply::Late(ms) => Self {
                status: None,
                ms: Some(rounded(*ms)),
                error: Some("late".to_owned()),
            },
            Reply::Failed(reason) => Self {
                status: None,
                ms: None,
                error: Some(reason.clone()),
            },
        }
    }
}

impl DeliveryRecord {
    fn from_delivery(delivery: &Delivery) -> Self {
        Self {
            at_ms: rounded(delivery.at),
            reply: delivery.reply.as_ref().map(ReplyRecord::from_reply),
            duplicate: delivery.is_duplicate,
        }
    }
}

impl CheckRecord {
    fn from_check((check, failure): (Check, Option<Failure>)) -> Self {
        let ok = failure.is_none();
        let (reason, hint, differences) = match failure {
            Some(failure) => (Some(failure.reason), failure.hint, failure.differences),
            None => (None, None, Vec::new()),
        };
        Self {
            name: Cow::Borrowed(check.as_str()),
            ok,
            reason,
            hint,
            differences: differences
                .into_iter()
                .map(|difference| DifferenceRecord {
                    pointer: difference.pointer.as_str().to_owned(),
                    expected: difference.expected,
                    found: difference.actual,
                })
                .collect(),
        }
    }
}

impl OpenCallRow {
    fn from_open_call(call: OpenCall) -> Self {
        Self {
            at_ms: rounded(call.ms),
            operation: Cow::Borrowed(call.operation.as_str()),
        }
    }
}

impl ConnectionRow {
    fn from_connection(seen: &ConnectionSeen) -> Self {
        let connection = &seen.connection;
        Self {
            at_ms: rounded(seen.ms),
            kind: connection.kind.clone(),
            host: connection.host.clone(),
            text: connection.text.clone(),
            provider: connection.provider.clone(),
        }
    }
}

impl CallbackRow {
    fn from_callback(seen: &CallbackSeen) -> Self {
        Self {
            at_ms: rounded(seen.at),
            target: seen.target.clone(),
            reply: ReplyRecord::from_reply(&seen.reply),
        }
    }
}

/// The warnings among the findings.
fn warnings(findings: Findings) -> Vec<WarningRecord> {
    let calls = findings
        .not_played
        .into_iter()
        .map(|message| WarningRecord {
            code: Cow::Borrowed("not-played"),
            message,
            pointer: String::new(),
            help: None,
        });
    let cards = findings.cards.into_iter();
    cards
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| WarningRecord {
            code: Cow::Borrowed(finding.code),
            message: finding.message,
            pointer: finding.pointer.as_str().to_owned(),
            help: finding.help,
        })
        .chain(calls)
        .collect()
}

impl CallRow {
    fn from_call(call: CallSeen) -> Self {
        let record = Arc::unwrap_or_clone(call.record);
        Self {
            at_ms: rounded(call.ms),
            ms: rounded(record.ms),
            method: record.method.to_string(),
            host: record.host,
            target: record.target,
            operation: Cow::Borrowed(record.operation.as_str()),
            status: record.status,
            token: record.token,
            code: record.code,
            message: record.message,
            fault: record.fault,
            note: record.note,
        }
    }
}

/// Microseconds are enough.
pub(super) fn rounded(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_true(flag: &bool) -> bool {
    *flag
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

fn yes() -> bool {
    true
}
