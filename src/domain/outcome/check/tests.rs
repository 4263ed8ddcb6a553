//! The rules of the checks, without a socket. Each also has one test with a real mock and a real
//! skill in `tests/cli/verdicts.rs`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    call::WriteRecord,
    json::tree::Tape,
    notice::Connection,
    operation::Operation,
    outcome::{expected::Expected, observed::Reply},
};

const TERMS: Terms<'_> = Terms {
    event_id: "e",
    file_id: "7",
    expected: None,
    off: &[],
    has_mock: true,
    has_cassette: false,
    has_open_provider_calls: false,
    wants_duplicate: false,
    is_strict: false,
    is_signed: false,
    skill_path: "/",
    is_started_here: false,
    has_strays: false,
    stops_after_answer: false,
    settle: 300.0,
    give_up: 3000.0,
};

/// The verdicts of an event whose time of 400 ms is over.
fn judged(observed: &Observed, terms: &Terms<'_>) -> Verdicts {
    let findings = Findings::from_observed(observed);
    run(observed, &findings, &WaitEnd::Deadline(400.0), terms)
}

fn expected(text: &str) -> Expected {
    let tape = Tape::read(text.as_bytes()).expect("JSON");
    Expected::read(tape.tree()).expect("an expected.json")
}

/// An event that was sent and answered with `status` after 5 ms.
fn answered(status: u16) -> Observed {
    let mut observed = Observed::default();
    observed.sent(0.0);
    observed.replied(Reply::Answered { status, ms: 5.0 }, 5.0);
    observed
}

/// The skill reports `status` with `cards` at `ms`, by skill_invocations.
fn report(observed: &mut Observed, status: &str, cards: &Value, ms: f64) {
    write(observed, Some(status), cards, ms);
}

/// The skill writes `cards` at `ms`, by the metadata API.
fn write(observed: &mut Observed, status: Option<&str>, cards: &Value, ms: f64) {
    let record: WriteRecord = serde_json::from_value(json!({
        "seq": 1, "at": "2026-01-01T00:00:00Z",
        "op": if status.is_some() { "invocation" } else { "create" },
        "status": status, "scope": "global", "template": "boxSkillsCards",
        "instance": {"cards": cards}
    }))
    .expect("a record");
    observed.written(&record, ms, ms);
}

/// The skill writes an instance of `global/properties` at `ms`.
fn write_properties(observed: &mut Observed, fields: &Value, ms: f64) {
    let record: WriteRecord = serde_json::from_value(json!({
        "seq": 1, "at": "2026-01-01T00:00:00Z", "op": "create",
        "scope": "global", "template": "properties", "instance": fields
    }))
    .expect("a record");
    observed.written(&record, ms, ms);
}

/// A call is refused at 20 ms.
fn refused(observed: &mut Observed, call: &Value) {
    let mut record = json!({
        "call": 1, "at": "2026-01-01T00:00:00Z", "method": "GET", "host": "127.0.0.1",
        "target": "/2.0/files/7/content", "operation": "download", "status": 403, "ms": 1.0
    });
    let members = call.as_object().expect("members").clone();
    record.as_object_mut().expect("an object").extend(members);
    let record = serde_json::from_value(record).expect("a record");
    observed.closed(Arc::new(record), 20.0, 20.0);
}

fn keyword(text: &str) -> Value {
    json!({
        "type": "skill_card", "skill_card_type": "keyword",
        "skill": {"type": "service", "id": "s"},
        "invocation": {"type": "skill_invocation", "id": "i"},
        "entries": [{"text": text}]
    })
}

/// The reason of a check that fails; `None` where it passes.
fn reason(observed: &Observed, terms: &Terms<'_>, check: Check) -> Option<String> {
    let verdicts = judged(observed, terms);
    let failure = verdicts.failures().find(|(failed, _)| *failed == check);
    failure.map(|(_, failure)| failure.reason.clone())
}

#[test]
fn every_check_that_was_run_is_returned_in_order_with_its_own_failure() {
    let mut observed = Observed::default();
    observed.sent(0.0);
    let results = |terms: &Terms<'_>| -> Vec<(&'static str, bool)> {
        let each = judged(&observed, terms).into_each();
        each.map(|(check, failure)| (check.as_str(), failure.is_none()))
            .collect()
    };
    let terms = Terms {
        off: &[Check::Finished],
        ..TERMS
    };
    assert_eq!(
        results(&terms),
        [
            ("reply", false),
            ("tokens", true),
            ("outcome", false),
            ("cards", true)
        ]
    );
    let alone = Terms {
        has_mock: false,
        ..TERMS
    };
    assert_eq!(results(&alone), [("reply", false)]);
    let nothing = Terms {
        off: &[Check::Reply],
        ..alone
    };
    assert!(judged(&observed, &nothing).is_ok());
}

/// The hint of a check that fails.
fn hint(observed: &Observed, terms: &Terms<'_>, check: Check) -> Option<String> {
    let verdicts = judged(observed, terms);
    let failure = verdicts.failures().find(|(failed, _)| *failed == check);
    failure?.1.hint.as_deref().map(str::to_owned)
}

#[test]
fn a_reply_must_be_2xx() {
    for status in [200, 202, 299] {
        assert_eq!(reason(&answered(status), &TERMS, Check::Reply), None);
    }
    let found = reason(&answered(500), &TERMS, Check::Reply).expect("a failure");
    assert!(found.starts_with("the skill answered 500"), "{found}");
    let found = reason(&answered(302), &TERMS, Check::Reply).expect("a failure");
    assert!(
        found.contains("a redirect, which Box does not follow"),
        "{found}"
    );
}

#[test]
fn a_late_reply_fails_with_its_deadline() {
    let mut observed = Observed::default();
    observed.sent(0.0);
    observed.replied(Reply::Late(200.0), 200.0);
    let found = reason(&observed, &TERMS, Check::Reply).expect("a failure");
    assert!(found.starts_with("no reply within 200 ms"), "{found}");
}

#[test]
fn all_refused_deliveries_are_counted() {
    let mut observed = answered(503);
    observed.sent(500.0);
    let reply = Reply::Answered {
        status: 503,
        ms: 1.0,
    };
    observed.replied(reply, 501.0);
    let found = reason(&observed, &TERMS, Check::Reply).expect("a failure");
    let start = "sent 2 times; the last time, the skill answered 503";
    assert!(found.starts_with(start), "{found}");
}

#[test]
fn a_second_success_is_a_failure() {
    let mut observed = answered(200);
    report(&mut observed, "success", &json!([keyword("one")]), 1.0);
    assert_eq!(reason(&observed, &TERMS, Check::Finished), None);
    report(&mut observed, "success", &json!([keyword("two")]), 2.0);
    let found = reason(&observed, &TERMS, Check::Finished).expect("a failure");
    assert!(found.contains("success was reported 2 times"), "{found}");
}

#[test]
fn a_status_after_the_final_one_is_a_failure() {
    let mut observed = answered(200);
    report(&mut observed, "processing", &json!([]), 1.0);
    report(&mut observed, "success", &json!([keyword("done")]), 2.0);
    assert_eq!(reason(&observed, &TERMS, Check::Finished), None);
    report(&mut observed, "processing", &json!([]), 3.0);
    assert_eq!(
        reason(&observed, &TERMS, Check::Finished).as_deref(),
        Some(
            "processing was written at +3 ms, after the final success at +2 ms: the file now shows it"
        )
    );
}

#[test]
fn an_invocation_left_on_processing_is_a_failure() {
    let mut observed = answered(200);
    report(&mut observed, "processing", &json!([]), 1.0);
    assert_eq!(
        reason(&observed, &TERMS, Check::Finished).as_deref(),
        Some("left on processing: no final status within 400 ms")
    );
}

#[test]
fn without_a_card_the_reason_names_the_wait() {
    assert_eq!(
        reason(&answered(200), &TERMS, Check::Finished).as_deref(),
        Some("no card was written within 400 ms")
    );
}

#[test]
fn the_status_must_be_the_expected_one() {
    let mut observed = answered(200);
    report(&mut observed, "permanent_failure", &json!([]), 1.0);
    assert_eq!(
        reason(&observed, &TERMS, Check::Outcome).as_deref(),
        Some("the skill reported permanent_failure; success was expected")
    );
    let expected = expected(r#"{"status": "permanent_failure"}"#);
    let terms = Terms {
        expected: Some(&expected),
        ..TERMS
    };
    assert_eq!(reason(&observed, &terms, Check::Outcome), None);
}

#[test]
fn cards_written_through_the_metadata_api_alone_are_a_success() {
    let mut observed = answered(200);
    write(&mut observed, None, &json!([keyword("done")]), 1.0);
    assert!(judged(&observed, &TERMS).is_ok());
}

#[test]
fn the_wrong_token_is_named_with_the_right_one() {
    let mut observed = answered(200);
    let token = json!({"kind": "write", "last4": "abcd"});
    refused(&mut observed, &json!({ "token": token }));
    assert_eq!(
        reason(&observed, &TERMS, Check::Tokens).as_deref(),
        Some("the write token was used to download: 403 on GET /2.0/files/7/content at +20 ms")
    );
    assert_eq!(
        hint(&observed, &TERMS, Check::Tokens).as_deref(),
        Some("use the event's read token (token.read.access_token)")
    );
}

#[test]
fn another_file_is_named_with_the_file_of_the_event() {
    const OTHER_FILE: &str = "access_denied_insufficient_permissions";
    let call = |event: &str| {
        json!({
            "operation": "invocation", "method": "PUT", "target": "/2.0/skill_invocations/1",
            "token": {"kind": "write", "last4": "abcd"}, "code": OTHER_FILE,
            "events": [event], "file_id": "12345"
        })
    };
    let mut observed = answered(200);
    refused(&mut observed, &call("e"));
    assert_eq!(
        reason(&observed, &TERMS, Check::Tokens).as_deref(),
        Some(
            "file 12345 is not this event's file (7): the write token was used to report the \
             invocation: 403 on PUT /2.0/skill_invocations/1 at +20 ms"
        )
    );
    let mut observed = answered(200);
    refused(&mut observed, &call("another"));
    let found = reason(&observed, &TERMS, Check::Tokens).expect("a failure");
    let start = "the write token of another event was used to report the invocation";
    assert!(found.starts_with(start), "{found}");
}

#[test]
fn a_refused_reply_says_what_to_try_only_where_that_can_help() {
    let signed = Terms {
        is_signed: true,
        ..TERMS
    };
    for (status, terms, wanted) in [
        (401, TERMS, Some("--primary-key-env")),
        (403, TERMS, Some("--primary-key-env")),
        (403, signed, None),
        (404, TERMS, Some("the path /")),
        (500, TERMS, None),
    ] {
        let found = hint(&answered(status), &terms, Check::Reply);
        let is_as_wanted = match wanted {
            None => found.is_none(),
            Some(part) => found.as_deref().is_some_and(|found| found.contains(part)),
        };
        assert!(is_as_wanted, "{status}: {found:?}");
    }
}

#[test]
fn a_conflict_names_the_ways_to_change_cards() {
    let mut observed = answered(200);
    report(&mut observed, "processing", &json!([]), 1.0);
    let call = json!({
        "status": 409, "operation": "cards", "method": "POST",
        "target": "/2.0/files/7/metadata/global/boxSkillsCards"
    });
    refused(&mut observed, &call);
    let found = hint(&observed, &TERMS, Check::Finished).expect("a hint");
    assert!(
        found.contains("JSON Patch") && found.contains("skill_invocations"),
        "{found}"
    );
}

#[test]
fn a_host_that_was_not_reached_is_named_with_the_failure() {
    let mut observed = answered(200);
    let connection = Connection {
        at: jiff::Timestamp::UNIX_EPOCH,
        kind: "egress-failed".to_owned(),
        host: Some("ml.example".to_owned()),
        text: "could not reach ml.example:443: no such host".to_owned(),
        ..Connection::default()
    };
    observed.connected(Arc::new(connection), 2.0, 2.0);
    report(&mut observed, "permanent_failure", &json!([]), 3.0);
    assert_eq!(
        hint(&observed, &TERMS, Check::Outcome).as_deref(),
        Some("could not reach ml.example:443: no such host")
    );
}

#[test]
fn metadata_of_another_template_is_not_a_card() {
    let mut observed = answered(200);
    write_properties(&mut observed, &json!({"invoice": "2214"}), 1.0);
    assert_eq!(
        reason(&observed, &TERMS, Check::Finished).as_deref(),
        Some("no card was written within 400 ms")
    );
    let found = hint(&observed, &TERMS, Check::Finished).expect("a hint");
    assert!(
        found.starts_with("the skill wrote global/properties"),
        "{found}"
    );
    assert_eq!(observed.cards_ms(), None);
}

#[test]
fn expected_metadata_is_compared_without_the_members_of_box() {
    let expected = expected(r#"{"metadata": {"global/properties": {"invoice": "2214"}}}"#);
    let terms = Terms {
        expected: Some(&expected),
        ..TERMS
    };
    let mut observed = answered(200);
    let found = reason(&observed, &terms, Check::Expected).expect("a failure");
    assert!(found.contains("expects global/properties"), "{found}");
    let written = json!({"$id": "1", "$version": 0, "invoice": "2214"});
    write_properties(&mut observed, &written, 1.0);
    assert!(
        judged(&observed, &terms).is_ok(),
        "{:?}",
        judged(&observed, &terms)
    );
    write_properties(&mut observed, &json!({"invoice": "1"}), 2.0);
    let found = reason(&observed, &terms, Check::Expected).expect("a failure");
    assert_eq!(
        found,
        "global/properties differs from expected.json in one place"
    );
}

#[test]
fn no_card_any_card_and_processing_can_be_expected() {
    let nothing = answered(200);
    let mut working = answered(200);
    report(&mut working, "processing", &json!([]), 1.0);
    let mut done = answered(200);
    report(&mut done, "success", &json!([keyword("done")]), 1.0);
    let mut failed = answered(200);
    report(&mut failed, "permanent_failure", &json!([]), 1.0);
    for (text, passing) in [
        (r#"{"cards": []}"#, [true, false, false, false]),
        (r#"{"status": null}"#, [true, false, false, false]),
        (r#"{"status": "processing"}"#, [false, true, false, false]),
        (r#"{"cards": "<any>"}"#, [false, false, true, false]),
        (r#"{"status": "success"}"#, [false, false, true, false]),
        ("{}", [false, false, true, false]),
    ] {
        let expected = expected(text);
        let terms = Terms {
            expected: Some(&expected),
            ..TERMS
        };
        let passed = [&nothing, &working, &done, &failed].map(|it| judged(it, &terms).is_ok());
        assert_eq!(passed, passing, "{text}");
    }
}

#[test]
fn what_is_expected_decides_what_is_waited_for() {
    let metadata = expected(r#"{"metadata": {"global/properties": "<any>"}}"#);
    let processing = expected(r#"{"status": "processing"}"#);
    let no_cards = expected(r#"{"cards": []}"#);
    let with = |expected| Terms {
        expected: Some(expected),
        ..TERMS
    };
    let mut observed = Observed::default();
    observed.sent(0.0);
    assert_eq!(phase(&observed, &TERMS), Phase::Waiting(Awaited::Reply));
    let mut observed = answered(200);
    assert_eq!(phase(&observed, &TERMS), Phase::Waiting(Awaited::Cards));
    let awaited = phase(&observed, &with(&metadata));
    assert_eq!(awaited, Phase::Waiting(Awaited::Metadata));
    assert_eq!(phase(&observed, &with(&no_cards)), Phase::GivingUp(3000.0));
    write_properties(&mut observed, &json!({}), 1.0);
    assert_eq!(phase(&observed, &with(&metadata)), Phase::Done(300.0));
    report(&mut observed, "processing", &json!([]), 2.0);
    assert_eq!(
        phase(&observed, &TERMS),
        Phase::Waiting(Awaited::FinalStatus)
    );
    assert_eq!(
        phase(&observed, &with(&processing)),
        Phase::GivingUp(3000.0)
    );
    report(&mut observed, "success", &json!([keyword("done")]), 3.0);
    assert_eq!(phase(&observed, &TERMS), Phase::Done(300.0));
    observed.opened(9, Operation::Cards, 4.0);
    assert_eq!(phase(&observed, &TERMS), Phase::Waiting(Awaited::OpenCall));
    let of_provider = Terms {
        has_open_provider_calls: true,
        ..TERMS
    };
    let mut observed = answered(200);
    report(&mut observed, "success", &json!([keyword("done")]), 3.0);
    assert_eq!(
        phase(&observed, &of_provider),
        Phase::Waiting(Awaited::OpenCall)
    );
}

#[test]
fn an_event_that_can_no_longer_pass_is_given_up_unless_the_check_is_off() {
    let late = {
        let mut observed = Observed::default();
        observed.sent(0.0);
        observed.replied(Reply::Late(200.0), 200.0);
        observed
    };
    let with_call = |call: &Value| {
        let mut observed = answered(200);
        refused(&mut observed, call);
        observed
    };
    let token = json!({"token": {"kind": "write", "last4": "abcd"}});
    let refusal = json!({"status": 400, "operation": "cards"});
    let conflict = json!({"status": 409, "operation": "cards"});
    let cards = Phase::Waiting(Awaited::Cards);
    let silence = Phase::GivingUp(3000.0);
    for (observed, check, wanted) in [
        (late, Check::Reply, silence),
        (answered(500), Check::Reply, Phase::GivingUp(300.0)),
        (with_call(&token), Check::Tokens, silence),
        (with_call(&refusal), Check::Cards, silence),
        (with_call(&conflict), Check::Cards, cards),
    ] {
        assert_eq!(phase(&observed, &TERMS), wanted, "{check:?}");
        let off = Terms {
            off: &[check],
            ..TERMS
        };
        assert_eq!(phase(&observed, &off), cards, "{check:?} is off");
    }
}

#[test]
fn an_unknown_token_fails_and_a_fault_does_not() {
    let unknown = json!({"status": 401, "token": {"kind": null, "last4": "abcd"}});
    let mut observed = answered(200);
    refused(&mut observed, &unknown);
    let found = reason(&observed, &TERMS, Check::Tokens).expect("a failure");
    assert!(
        found.contains("a token that the mock does not know"),
        "{found}"
    );
    let mut observed = answered(200);
    refused(
        &mut observed,
        &json!({"status": 401, "fault": "download=401"}),
    );
    assert_eq!(reason(&observed, &TERMS, Check::Tokens), None);
}

#[test]
fn a_refused_write_fails_the_cards_with_boxs_message() {
    let mut observed = answered(200);
    let message = "an integer (pointer: /cards/0/skill/id)";
    refused(
        &mut observed,
        &json!({"status": 400, "operation": "invocation", "message": message}),
    );
    assert_eq!(
        reason(&observed, &TERMS, Check::Cards),
        Some(format!("Box refused a write at +20 ms: {message}"))
    );
}

#[test]
fn a_duplicate_must_not_change_the_cards() {
    let mut observed = answered(200);
    report(&mut observed, "success", &json!([keyword("one")]), 1.0);
    let terms = Terms {
        wants_duplicate: true,
        ..TERMS
    };
    let found = reason(&observed, &terms, Check::Duplicate).expect("a failure");
    assert!(
        found.starts_with("the event was not sent a second time"),
        "{found}"
    );
    observed.sent_again(10.0);
    observed.replied(
        Reply::Answered {
            status: 200,
            ms: 1.0,
        },
        11.0,
    );
    report(&mut observed, "success", &json!([keyword("one")]), 12.0);
    assert_eq!(reason(&observed, &terms, Check::Duplicate), None);
    report(
        &mut observed,
        "success",
        &json!([keyword("one"), keyword("two")]),
        13.0,
    );
    let found = reason(&observed, &terms, Check::Duplicate).expect("a failure");
    assert!(found.contains("changed the stored cards in"), "{found}");
}

#[test]
fn a_function_that_has_answered_is_judged_at_once() {
    let terms = Terms {
        stops_after_answer: true,
        ..TERMS
    };
    let mut observed = answered(200);
    observed.opened(9, Operation::Cards, 4.0);
    assert_eq!(phase(&observed, &terms), Phase::Stopped);
    let findings = Findings::default();
    let verdicts = run(&observed, &findings, &WaitEnd::Stopped, &terms);
    let mut failures = verdicts.failures();
    let failure = failures.find(|(check, _)| *check == Check::Finished);
    assert_eq!(
        failure.map(|(_, failure)| failure.reason.as_str()),
        Some("no card was written before the function had answered; AWS stops it there")
    );
}
