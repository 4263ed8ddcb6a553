//! Markdown for the summary of a CI job: the count, the failures with their reasons, the
//! latencies. Bounded: GitHub refuses summaries over 1 MiB.

use std::fmt::{self, Write};

use crate::{
    domain::outcome::{
        record::Record,
        run_record::RunRecord,
        summary_record::{QuantilesRecord, SummaryRecord},
    },
    render::{replay, replay_summary, text::is_unshowable, units::duration},
};

/// Failures that are shown in full.
const MAX_SHOWN: usize = 50;
/// Bytes of a timeline that are shown.
const MAX_BYTES: usize = 8 * 1024;

/// The part before the failures.
pub fn start(summary: &SummaryRecord, runs: &[RunRecord]) -> String {
    let sign = if summary.ok { "✅" } else { "❌" };
    let mut text = format!(
        "## {sign} skillctl replay\n\n{}, in {}\n",
        replay_summary::counts(summary).as_plain(),
        duration(summary.seconds * 1000.0)
    );
    let rows = summary.latencies();
    if !rows.is_empty() {
        text.push_str("\n| | p50 | p90 | p99 | max |\n|---|--:|--:|--:|--:|\n");
    }
    for (
        name,
        QuantilesRecord {
            p50, p90, p99, max, ..
        },
    ) in rows
    {
        let cells = [p50, p90, p99, max].map(duration).join(" | ");
        put(&mut text, format_args!("| {name} | {cells} |\n"));
    }
    for run in runs {
        let rows = run.rows().into_iter();
        let rows = rows.map(|(name, value)| format!("{name}: {}", inline(&value)));
        let rows = rows.collect::<Vec<_>>().join("<br>");
        put(
            &mut text,
            format_args!("\n<details><summary>run</summary>\n\n{rows}\n\n</details>\n"),
        );
    }
    for run in runs.iter().filter(|run| !run.skill.output.is_empty()) {
        let lines = run.skill.output.join("\n");
        let visible: String = lines
            .chars()
            .map(|it| {
                if it != '\n' && is_unshowable(it) {
                    ' '
                } else {
                    it
                }
            })
            .collect();
        put_block(&mut text, "output of the skill", &visible);
    }
    for stray in &summary.strays {
        put(&mut text, format_args!("\n- {}\n", inline(stray)));
    }
    text
}

/// A failed event, the `number`-th from 0; nothing for those that passed and for too many.
pub fn case(record: &Record, number: usize) -> String {
    if record.ok || number >= MAX_SHOWN {
        return String::new();
    }
    let mut text = format!("\n### ❌ {}\n\n", inline(&record.case));
    for check in record.failures() {
        let reason = check.reason.as_deref().unwrap_or_default();
        put(
            &mut text,
            format_args!("- **{}**: {}\n", check.name, inline(reason)),
        );
    }
    put_block(&mut text, "timeline", &replay::failure(record).to_plain());
    text
}

/// Appends a text that opens with a click, up to a bound.
fn put_block(text: &mut String, title: &str, plain: &str) {
    let mut end = plain.len().min(MAX_BYTES);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    // A fence longer than any run of backticks inside.
    let longest = plain.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    put(
        text,
        format_args!(
            "\n<details><summary>{title}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
            plain[..end].trim_end()
        ),
    );
}

/// The part after the failures.
pub fn end(failures: usize) -> String {
    match failures.saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!("\nand {more} more that failed\n"),
    }
}

/// Text within a line: what Markdown or HTML would read is escaped.
fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            odd if is_unshowable(odd) => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn put(text: &mut String, words: fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = text.write_fmt(words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_is_read_as_markup() {
        assert_eq!(
            inline("a\n# <b>![x](javascript:y)`|@all\u{202e}\u{9b}"),
            "a \\# &lt;b>!\\[x\\](javascript:y)\\`\\|\\@all  "
        );
    }
}
