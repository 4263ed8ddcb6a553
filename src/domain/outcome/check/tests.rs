//! The rules of the checks, without a socket. Each also has one test with a real mock and a real
//! skill in `tests/cli/verdicts.rs`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::domain::call::WriteRecord;

const TERMS: Terms<'_> = Terms {
    expected: None,
    wait: 400.0,
    has_mock: true,
    died: None,
};

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
        "status": status,
        "instance": {"cards": cards}
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
    let verdicts = run(observed, terms, &[]);
    let failure = verdicts.failures().find(|(failed, _)| *failed == check);
    failure.map(|(_, failure)| failure.reason.clone())
}

#[test]
fn every_check_that_was_run_is_returned_in_order_with_its_own_failure() {
    let mut observed = Observed::default();
    observed.sent(0.0);
    let terms = Terms {
        expected: None,
        wait: 1000.0,
        has_mock: true,
        died: None,
    };
    let results = |terms: &Terms<'_>, off: &[Check]| -> Vec<(&'static str, bool)> {
        let each = run(&observed, terms, off).into_each();
        each.map(|(check, failure)| (check.as_str(), failure.is_none()))
            .collect()
    };
    assert_eq!(
        results(&terms, &[Check::Finished]),
        [
            ("reply", false),
            ("tokens", true),
            ("outcome", false),
            ("cards", true)
        ]
    );
    let alone = Terms {
        has_mock: false,
        ..terms
    };
    assert_eq!(results(&alone, &[]), [("reply", false)]);
    assert!(run(&observed, &alone, &[Check::Reply]).is_ok());
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
    let start = "sent 2 times, and at last the skill answered 503";
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
        Some("the skill reported permanent_failure, expected was success")
    );
    let expected = Expected {
        status: Some(Status::PermanentFailure),
        ..Expected::default()
    };
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
    assert!(run(&observed, &TERMS, &[]).is_ok());
}

#[test]
fn the_wrong_token_is_named_with_the_right_one() {
    let mut observed = answered(200);
    let token = json!({"kind": "write", "last4": "abcd"});
    refused(&mut observed, &json!({ "token": token }));
    assert_eq!(
        reason(&observed, &TERMS, Check::Tokens).as_deref(),
        Some(
            "the write token was used to download: 403 on GET /2.0/files/7/content at +20 ms; \
             that takes the read token"
        )
    );
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
    observed.sent_again(10.0);
    observed.replied(
        Reply::Answered {
            status: 200,
            ms: 1.0,
        },
        11.0,
    );
    report(&mut observed, "success", &json!([keyword("one")]), 12.0);
    assert_eq!(reason(&observed, &TERMS, Check::Duplicate), None);
    report(
        &mut observed,
        "success",
        &json!([keyword("one"), keyword("two")]),
        13.0,
    );
    let found = reason(&observed, &TERMS, Check::Duplicate).expect("a failure");
    assert!(found.contains("changed the stored cards in"), "{found}");
}
