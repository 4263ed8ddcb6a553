//! A replay for programs, printed by `--format json` and written by `--report json`: one object for
//! each event, and one for the summary (docs/reports.md).

use serde_json::json;

use super::json::escaped;
use crate::domain::outcome::{
    record::Record, run_record::RunRecord, summary_record::SummaryRecord,
};

/// The version of the format. It grows when a reader of the previous one would misread it.
pub const VERSION: u32 = 1;

/// One event in one line.
pub fn outcome(record: &Record) -> String {
    // The size of an event without calls, of which there may be a million.
    let mut json = Vec::with_capacity(512);
    // Records hold strings for keys and finite numbers: they can always be written, and as UTF-8.
    let _ = serde_json::to_writer(&mut json, record);
    escaped(String::from_utf8(json).unwrap_or_default())
}

/// `{"summary":{…}}`.
pub fn summary(summary: &SummaryRecord) -> String {
    escaped(json!({ "summary": summary }).to_string())
}

/// The part of a report before the outcomes. A merged report has several runs.
pub fn report_start(runs: &[RunRecord]) -> String {
    let run = match runs {
        [] => String::new(),
        [run] => format!("\"run\":{},", json!(run)),
        runs => format!("\"runs\":{},", json!(runs)),
    };
    escaped(format!("{{\"version\":{VERSION},{run}\"outcomes\":["))
}

/// The part after them.
pub fn report_end(summary: &SummaryRecord) -> String {
    format!("\n],\"summary\":{}}}\n", json!(summary))
}
