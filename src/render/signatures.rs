//! The verdict on the signatures of a delivery, for people and for programs.

use serde_json::{Value, json};

use super::text::{Line, Role, Text};
use crate::domain::event::signature::{Flaw, KeySlot, Match, Signed, Verdict};

/// The verdict for people. `names` are the variables that hold the keys.
pub fn text(verdict: &Verdict, signed: &Signed, names: &[(KeySlot, Option<&str>)]) -> Text {
    let mut text = Text::new();
    text.push(if verdict.holds() {
        let slots: Vec<&str> = verdict.matched().map(KeySlot::as_str).collect();
        Line::new().with(Role::Good, "ok").plain(format!(
            ": Box signed these bytes with the {} key",
            slots.join(" and the ")
        ))
    } else {
        Line::new()
            .with(Role::Bad, "failed")
            .plain(": a receiver must not trust this delivery")
    });
    for found in &verdict.matches {
        let (slot, holds, reason) = explain(found, names);
        let role = if holds { Role::Good } else { Role::Warn };
        text.push(
            Line::from("  ")
                .with(role, format!("{:<10}", slot.as_str()))
                .plain(reason),
        );
    }
    if let Some(timestamp) = &signed.timestamp {
        text.push(
            Line::from("  ")
                .with(Role::Dim, format!("{:<10}", "delivered"))
                .plain(timestamp),
        );
    }
    for flaw in &verdict.flaws {
        text.push(
            Line::from("  ")
                .with(Role::Bad, format!("{:<10}", "because"))
                .plain(reason(flaw, verdict)),
        );
    }
    text
}

/// The verdict for programs.
pub fn json(verdict: &Verdict, signed: &Signed) -> Value {
    let signatures: Vec<Value> = verdict
        .matches
        .iter()
        .map(|found| {
            let (slot, holds, reason) = explain(found, &[]);
            json!({"key": slot.as_str(), "ok": holds, "reason": reason})
        })
        .collect();
    json!({
        "ok": verdict.holds(),
        "matched": verdict.matched().map(KeySlot::as_str).collect::<Vec<_>>(),
        "timestamp": signed.timestamp,
        "signatures": signatures,
        "reasons": reasons(verdict)
    })
}

/// The result of one key: its slot, whether it holds, and a sentence.
fn explain(found: &Match, names: &[(KeySlot, Option<&str>)]) -> (KeySlot, bool, String) {
    let variable = |slot: KeySlot| {
        names
            .iter()
            .find(|(other, _)| *other == slot)
            .and_then(|(_, name)| *name)
            .map_or_else(
                || format!("the {slot} key"),
                |name| format!("the key in {name}"),
            )
    };
    match found {
        Match::Holds(slot) => (*slot, true, format!("holds with {}", variable(*slot))),
        Match::Crossed(slot, other) => (
            *slot,
            false,
            format!(
                "{} made the {other} signature: the keys are swapped",
                variable(*slot)
            ),
        ),
        Match::Rewritten(slot, how) => (
            *slot,
            false,
            format!("{} is right, but {}", variable(*slot), how.explain()),
        ),
        Match::Fails(slot) => (
            *slot,
            false,
            format!("does not hold with {}", variable(*slot)),
        ),
        Match::NoKey(slot) => (*slot, false, "no key was given for it".to_owned()),
        Match::NoSignature(slot) => (*slot, false, "there is no such signature".to_owned()),
    }
}

/// Why a delivery cannot be trusted, a sentence for each flaw.
pub fn reasons(verdict: &Verdict) -> Vec<String> {
    let flaws = verdict.flaws.iter();
    flaws.map(|flaw| reason(flaw, verdict)).collect()
}

/// Why a delivery cannot be trusted, and what to check.
fn reason(flaw: &Flaw, verdict: &Verdict) -> String {
    let shown = |value: &Option<String>| value.as_deref().unwrap_or("missing").to_owned();
    match flaw {
        Flaw::Unsigned => "there is no box-signature-primary or -secondary header: the app has no \
                           signing keys at Box, or the capture lost them"
            .to_owned(),
        Flaw::NoTimestamp => {
            "box-delivery-timestamp is missing, and it is part of what is signed".to_owned()
        }
        Flaw::BadTimestamp(text) => {
            format!("box-delivery-timestamp is not an RFC 3339 time: {text}")
        }
        Flaw::Algorithm(value) => {
            format!(
                "box-signature-algorithm is {}, not HmacSHA256",
                shown(value)
            )
        }
        Flaw::Version(value) => format!("box-signature-version is {}, not 1", shown(value)),
        Flaw::TooOld { age, allowed } => {
            format!("it was delivered {age} seconds ago, and {allowed} are allowed")
        }
        Flaw::InTheFuture(seconds) => {
            format!("it says it was delivered {seconds} seconds from now: check the clocks")
        }
        Flaw::NoMatch if is_rewritten(verdict) => {
            "the bytes are not those that Box sent: keep the raw body, before any parser".to_owned()
        }
        Flaw::NoMatch => "no key made a signature over these bytes: the key is another app's or \
                          was rotated, or the body or the timestamp was changed"
            .to_owned(),
    }
}

fn is_rewritten(verdict: &Verdict) -> bool {
    verdict
        .matches
        .iter()
        .any(|found| matches!(found, Match::Rewritten(..)))
}
