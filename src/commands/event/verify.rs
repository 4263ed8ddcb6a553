//! `skillctl event verify`: whether a captured delivery is Box's, and if not, why.

use std::path::Path;

use serde_json::{Value, json};

use super::files::MAX_INPUT;
use crate::{
    cli::{OutputFormat, event::VerifyArgs},
    commands::input,
    domain::{
        event::{
            envelope,
            signature::{Age, Flaw, KeySlot, Keys, Match, Signed, Verdict, verify},
        },
        json::tree::Tree,
        secret::Secret,
    },
    env::{Environment, wall_clock},
    exit::{Failure, Outcome, Problem},
    render::{
        json::line,
        text::{Line, Role, Text},
    },
    terminal::Terminal,
};

/// A delivery as it was captured.
struct Capture {
    body: Vec<u8>,
    signed: Signed,
}

/// Checks the signatures and says what came of each.
pub(super) fn run(
    arguments: &VerifyArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let keys = keys(arguments, environment)?;
    let capture = match (&arguments.file, &arguments.body) {
        (Some(file), _) => of_proxy_event(file, terminal.width)?,
        (None, Some(body)) => of_parts(body, arguments, terminal.width)?,
        (None, None) => return Err(Problem::new("no capture was named").usage()),
    };
    let age = arguments.max_age.map(|allowed| Age {
        now: wall_clock()(),
        allowed: i64::try_from(allowed.as_secs()).unwrap_or(i64::MAX),
    });
    let verdict = verify(&capture.body, &capture.signed, &keys, age);
    let names = [
        (KeySlot::Primary, arguments.primary_key_env.as_deref()),
        (KeySlot::Secondary, arguments.secondary_key_env.as_deref()),
    ];
    match arguments.format {
        OutputFormat::Human => terminal.out(&human(&verdict, &capture.signed, &names)),
        OutputFormat::Json => {
            let told = machine(&verdict, &capture.signed);
            terminal.out_raw(line(&told).as_bytes());
        }
    }
    if verdict.holds() {
        Ok(())
    } else {
        Err(Failure::Check)
    }
}

fn keys(arguments: &VerifyArgs, environment: &Environment) -> Result<Keys, Failure> {
    let key = |name: &Option<String>| -> Result<Option<Secret>, Failure> {
        let Some(name) = name else { return Ok(None) };
        match environment.var(name) {
            Some(value) => Ok(Some(Secret::new(value))),
            None => Err(Problem::new(format!("the variable {name} is not set"))
                .help("it should hold a signing key from the app's configuration at Box")
                .usage()),
        }
    };
    let keys = Keys {
        primary: key(&arguments.primary_key_env)?,
        secondary: key(&arguments.secondary_key_env)?,
    };
    if keys.is_empty() {
        return Err(Problem::new("there is no key to check the signatures with")
            .help("name the variable that holds one: --primary-key-env or --secondary-key-env")
            .usage());
    }
    Ok(keys)
}

/// A capture with its headers and its exact body inside.
fn of_proxy_event(file: &Path, width: usize) -> Result<Capture, Failure> {
    let document = input::document(file, MAX_INPUT, width)?;
    let Some(unwrapped) = envelope::unwrap(document.tree()) else {
        let message = format!(
            "{} is no API Gateway proxy event, so it has no headers and no signatures",
            document.name
        );
        return Err(Problem::new(message)
            .help("give the parts instead: --body FILE with --headers FILE")
            .usage());
    };
    let unwrapped = unwrapped
        .map_err(|found| Problem::new(format!("{}: {}", document.name, found.message)).usage())?;
    Ok(Capture {
        body: unwrapped.body.to_vec(),
        signed: Signed::of_headers(&unwrapped.headers),
    })
}

/// The body and the headers, each by itself; a flag beats the headers' file.
fn of_parts(body: &Path, arguments: &VerifyArgs, width: usize) -> Result<Capture, Failure> {
    let body = input::bytes(body, MAX_INPUT)?;
    let headers = match &arguments.headers {
        Some(path) => headers(path, width)?,
        None => Vec::new(),
    };
    let mut signed = Signed::of_headers(&headers);
    let beats = |slot: &mut Option<String>, flag: &Option<String>| {
        if flag.is_some() {
            slot.clone_from(flag);
        }
    };
    beats(&mut signed.timestamp, &arguments.timestamp);
    beats(&mut signed.primary, &arguments.signature_primary);
    beats(&mut signed.secondary, &arguments.signature_secondary);
    if arguments.headers.is_none() {
        // Whoever gives the values by flags has no place for these two.
        signed.algorithm = Some("HmacSHA256".to_owned());
        signed.version = Some("1".to_owned());
    }
    Ok(Capture { body, signed })
}

/// Headers as one `name: value` a line, or as a JSON object.
fn headers(path: &Path, width: usize) -> Result<Vec<(String, String)>, Failure> {
    let bytes = input::bytes(path, MAX_INPUT)?;
    let text = String::from_utf8_lossy(&bytes);
    if text.trim_start().starts_with('{') {
        let document = input::document(path, MAX_INPUT, width)?;
        let members = document.tree().as_object().unwrap_or_default();
        return Ok(members
            .iter()
            .filter_map(|(name, value)| {
                let value = match value {
                    Tree::Array(values) => values.first()?,
                    value => value,
                };
                Some((name.to_owned(), value.as_str()?.to_owned()))
            })
            .collect());
    }
    Ok(text
        .lines()
        .filter_map(|line| line.trim_start_matches(['<', '>', ' ']).split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect())
}

fn human(verdict: &Verdict, signed: &Signed, names: &[(KeySlot, Option<&str>)]) -> Text {
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

fn machine(verdict: &Verdict, signed: &Signed) -> Value {
    let signatures: Vec<Value> = verdict
        .matches
        .iter()
        .map(|found| {
            let (slot, holds, reason) = explain(found, &[]);
            json!({"key": slot.as_str(), "ok": holds, "reason": reason})
        })
        .collect();
    let reasons: Vec<String> = verdict
        .flaws
        .iter()
        .map(|flaw| reason(flaw, verdict))
        .collect();
    json!({
        "ok": verdict.holds(),
        "matched": verdict.matched().map(KeySlot::as_str).collect::<Vec<_>>(),
        "timestamp": signed.timestamp,
        "signatures": signatures,
        "reasons": reasons
    })
}

/// What came of one key: its slot, whether it holds, and a sentence.
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

/// Why a delivery is not to be trusted, and what to look at.
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
            format!("box-delivery-timestamp is no RFC 3339 time: {text}")
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
            format!("it says it was delivered {seconds} seconds from now: look at the clocks")
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
