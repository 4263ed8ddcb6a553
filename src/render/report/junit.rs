//! JUnit XML, as GitHub's and GitLab's test reports read it: one test suite with a test case for each
//! event, and failures with their reasons and the timeline.

use std::fmt::Write;

use crate::{
    domain::outcome::{record::Record, run_record::RunRecord, summary_record::SummaryRecord},
    render::replay,
};

/// The part before the cases.
pub fn start(summary: &SummaryRecord, runs: &[RunRecord]) -> String {
    let tests = summary.total + usize::from(!summary.strays.is_empty());
    let failures = summary.failed + usize::from(!summary.strays.is_empty());
    let counts = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{:.3}\"",
        summary.seconds
    );
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"skillctl replay\" {counts}>\n  <testsuite name=\"skillctl replay\" {counts} skipped=\"0\">\n"
    );
    if !runs.is_empty() {
        text.push_str("    <properties>\n");
        for (name, value) in runs.iter().flat_map(RunRecord::rows) {
            let value = escaped(&value);
            // Writing into a string cannot fail.
            let _ = writeln!(text, "      <property name=\"{name}\" value=\"{value}\"/>");
        }
        text.push_str("    </properties>\n");
    }
    text
}

/// A test case. Its name is the case's path; its class the folder, by which GitLab groups.
pub fn case(record: &Record) -> String {
    let (class, _) = record.case.rsplit_once('/').unwrap_or(("replay", ""));
    let reply = record.reply.as_ref().and_then(|reply| reply.ms);
    let ms = record
        .cards_ms
        .unwrap_or_default()
        .max(reply.unwrap_or_default());
    let mut text = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{:.3}\"",
        escaped(&record.case),
        escaped(class),
        ms / 1000.0
    );
    if record.ok {
        text.push_str("/>\n");
        return text;
    }
    let names: Vec<&str> = record.failures().map(|check| &*check.name).collect();
    let message = record
        .failures()
        .next()
        .and_then(|check| check.reason.as_deref())
        .unwrap_or_default();
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
        escaped(&names.join(",")),
        escaped(message),
        escaped(&replay::failure(record).to_plain())
    );
    text
}

/// The part after the cases. A failure of the run as a whole is a separate case; the output of the skill
/// is that of the suite.
pub fn end(summary: &SummaryRecord, runs: &[RunRecord]) -> String {
    let mut text = String::new();
    if !summary.strays.is_empty() {
        let _ = write!(
            text,
            "    <testcase name=\"the run as a whole\" classname=\"replay\" time=\"0.000\">\n      <failure type=\"strays\" message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(summary.strays.first().map_or("", String::as_str)),
            escaped(&summary.strays.join("\n"))
        );
    }
    let output: Vec<&str> = runs
        .iter()
        .flat_map(|run| &run.skill.output)
        .map(String::as_str)
        .collect();
    if !output.is_empty() {
        let output = escaped(&output.join("\n"));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "    <system-out>{output}</system-out>");
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// Text for XML, in an attribute too. What XML 1.0 does not allow at all becomes a question mark
/// in a box.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_xml() {
        assert_eq!(
            escaped("a<b>&\"\u{1b}[31m\nc"),
            "a&lt;b&gt;&amp;&quot;\u{fffd}[31m&#10;c"
        );
    }
}
