//! A replay for programs: one object an event, and one for the summary (design §2).

use serde_json::{Value, json};

use super::replay::status_word;
use crate::domain::{
    outcome::{CallSeen, Outcome, Reply, Summary},
    stats::Quantiles,
};

/// `{"case","event_id","file_id","ok","reply","status","cards_ms","checks","calls"}`.
pub fn outcome(outcome: &Outcome) -> Value {
    let observed = &outcome.observed;
    let checks: Vec<Value> = outcome
        .verdicts
        .iter()
        .map(|verdict| {
            let mut check = json!({
                "name": verdict.check.as_str(),
                "ok": verdict.is_ok(),
                "reason": verdict.failure.as_ref().map(|failure| &failure.reason)
            });
            if let Some(failure) = verdict
                .failure
                .as_ref()
                .filter(|it| !it.differences.is_empty())
            {
                check["differences"] = failure
                    .differences
                    .iter()
                    .map(|difference| {
                        json!({
                            "pointer": difference.pointer.as_str(),
                            "expected": difference.expected,
                            "found": difference.actual
                        })
                    })
                    .collect();
            }
            check
        })
        .collect();
    json!({
        "case": outcome.case,
        "event_id": outcome.event_id,
        "file_id": outcome.file_id,
        "ok": outcome.is_ok(),
        "reply": reply(observed.reply.as_ref()),
        "status": status_word(observed),
        "cards_ms": observed.cards_ms().map(rounded),
        "checks": checks,
        "calls": observed.calls.iter().map(call).collect::<Vec<_>>()
    })
}

/// `{"summary":{…}}`.
pub fn summary(summary: &Summary) -> Value {
    json!({
        "summary": {
            "ok": summary.is_ok(),
            "total": summary.total,
            "passed": summary.passed,
            "failed": summary.total - summary.passed,
            "not_sent": summary.left_out,
            "seconds": rounded(summary.seconds),
            "reply_ms": quantiles(&summary.reply.quantiles()),
            "cards_ms": quantiles(&summary.cards.quantiles()),
            "strays": summary.strays
        }
    })
}

fn reply(reply: Option<&Reply>) -> Value {
    match reply {
        Some(Reply::Answered { status, ms }) => json!({"status": status, "ms": rounded(*ms)}),
        Some(Reply::Late(ms)) => json!({"status": null, "ms": rounded(*ms), "error": "late"}),
        Some(Reply::Failed(reason)) => json!({"status": null, "ms": null, "error": reason}),
        None => Value::Null,
    }
}

fn call(call: &CallSeen) -> Value {
    let record = &call.record;
    json!({
        "at_ms": rounded(call.ms),
        "ms": rounded(record.ms),
        "method": record.method,
        "host": record.host,
        "target": record.target,
        "operation": record.operation.as_str(),
        "status": record.status,
        "token": record.token,
        "code": record.code,
        "message": record.message,
        "fault": record.fault,
        "note": record.note
    })
}

fn quantiles(quantiles: &Quantiles) -> Value {
    if quantiles.count == 0 {
        return Value::Null;
    }
    let Quantiles {
        count,
        p50,
        p90,
        p99,
        max,
    } = *quantiles;
    json!({
        "count": count, "p50": rounded(p50), "p90": rounded(p90), "p99": rounded(p99),
        "max": rounded(max)
    })
}

/// Microseconds are enough.
fn rounded(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0
}
