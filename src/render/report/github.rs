//! Annotations for GitHub Actions: workflow commands in the log of the job, one for each failed event.
//! GitHub shows ten of each kind for a step.

use std::{fmt::Write, path::Path};

use crate::domain::outcome::{record::Record, summary_record::SummaryRecord};

/// Failures that are annotated.
const MAX_ANNOTATED: usize = 50;

/// The annotation of a failed event, the `number`-th from 0; nothing for others.
pub fn case(record: &Record, number: usize) -> String {
    if record.ok || number >= MAX_ANNOTATED {
        return String::new();
    }
    let reasons: Vec<String> = record
        .failures()
        .map(|check| {
            format!(
                "{}: {}",
                check.name,
                check.reason.as_deref().unwrap_or_default()
            )
        })
        .collect();
    let (file, line) = place(&record.case);
    let line = line.map_or_else(String::new, |line| format!(",line={line}"));
    format!(
        "::error file={}{line},title={}::{}\n",
        property(&file),
        property(&record.case),
        data(&reasons.join("\n"))
    )
}

/// What fails the run as a whole, and how many failures were left out.
pub fn end(summary: &SummaryRecord) -> String {
    let mut text = String::new();
    for stray in summary.strays.iter().take(MAX_ANNOTATED) {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "::error title=skillctl replay::{}", data(stray));
    }
    let more = summary.failed.saturating_sub(MAX_ANNOTATED);
    if more > 0 {
        let _ = writeln!(
            text,
            "::error title=skillctl replay::and {more} more that failed"
        );
    }
    text
}

/// The file and the line of a case by its path: `events.jsonl:7` names a line, a folder contains
/// `event.json`, and ` #2` is a repetition.
fn place(case: &str) -> (String, Option<&str>) {
    let path = match case.rsplit_once(" #") {
        Some((path, digits)) if digits.bytes().all(|it| it.is_ascii_digit()) => path,
        _ => case,
    };
    let has_extension =
        |path: &str, wanted: &str| Path::new(path).extension().is_some_and(|it| it == wanted);
    match path.rsplit_once(':') {
        Some((file, line)) if has_extension(file, "jsonl") => (file.to_owned(), Some(line)),
        _ if has_extension(path, "json") => (path.to_owned(), None),
        _ => (format!("{path}/event.json"), None),
    }
}

/// Text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_case_follows_from_its_path() {
        assert_eq!(place("cases/a #2"), ("cases/a/event.json".to_owned(), None));
        assert_eq!(place("cases/a.json"), ("cases/a.json".to_owned(), None));
        assert_eq!(place("x.jsonl:7 #3"), ("x.jsonl".to_owned(), Some("7")));
    }

    #[test]
    fn no_text_ends_a_workflow_command() {
        assert_eq!(data("100%\r\n::error::"), "100%25%0D%0A::error::");
        assert_eq!(property("a,b:c"), "a%2Cb%3Ac");
    }
}
