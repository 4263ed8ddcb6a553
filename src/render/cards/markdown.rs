//! Cards as Markdown, for a pull request or the summary of a CI job.

use std::fmt::Write;

use super::{counted, on_one_line, period};
use crate::{
    domain::card::{
        model::NO_INFORMATION,
        preview::{Body, Item, LINES_BEFORE_COLLAPSE, Section, TranscriptLine, clock},
    },
    render::text::visible,
};

/// The heading of one of several files. A blank line must follow it.
pub fn heading(name: &str) -> String {
    format!("## {}\n", escaped(name))
}

/// The sections, each with a heading.
pub fn render(sections: &[Section<'_>]) -> String {
    let mut text = String::new();
    for section in sections {
        if !text.is_empty() {
            text.push('\n');
        }
        put(
            &mut text,
            format_args!("### {}\n\n", escaped(section.title)),
        );
        match (section.hidden, &section.body) {
            (Some(hidden), _) => put(
                &mut text,
                format_args!("*Not shown: {}.*\n", hidden.as_str()),
            ),
            (None, Body::Status(sentence, _)) => {
                put(&mut text, format_args!("{}\n", escaped(sentence)));
            }
            (None, Body::NoInformation) => put(&mut text, format_args!("{NO_INFORMATION}\n")),
            (None, Body::Nothing) => {
                text.push_str("*Nothing is shown: the preview knows no card of this type.*\n");
            }
            (None, Body::Keywords(items, _) | Body::Faces(items, _)) => {
                write_items(&mut text, items);
            }
            (None, Body::Transcript(lines)) => transcript(&mut text, lines),
        }
    }
    if sections.is_empty() {
        text.push_str("*No cards.*\n");
    }
    text
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(words);
}

/// A table if an item has times, otherwise a line of labels.
fn write_items(text: &mut String, items: &[Item<'_>]) {
    if items.iter().all(|item| item.slices.is_empty()) {
        let labels: Vec<_> = items
            .iter()
            .map(|item| format!("**{}**", or_dash(escaped(&item.text))))
            .collect();
        put(text, format_args!("{}\n", labels.join(" · ")));
        return;
    }
    text.push_str("| | appears |\n|---|---|\n");
    for item in items {
        let times: Vec<_> = item.slices.iter().map(period).collect();
        put(
            text,
            format_args!("| {} | {} |\n", escaped(&item.text), times.join(", ")),
        );
    }
}

fn transcript(text: &mut String, lines: &[TranscriptLine<'_>]) {
    let folds = lines.len() > LINES_BEFORE_COLLAPSE;
    if folds {
        let count = counted(lines.len(), "line", "lines");
        put(
            text,
            format_args!("<details><summary>{count}</summary>\n\n"),
        );
    }
    for line in lines {
        match line.time {
            Some(time) => put(
                text,
                format_args!("- `{}` {}\n", clock(time), escaped(&line.text)),
            ),
            None => put(text, format_args!("- {}\n", escaped(&line.text))),
        }
    }
    if folds {
        text.push_str("\n</details>\n");
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "–".to_owned()
    } else {
        text
    }
}

/// Text without a meaning in Markdown: on one line, with every character escaped that could begin
/// markup, and `@` written so that nobody is notified.
fn escaped(text: &str) -> String {
    let text = on_one_line(text);
    let mut safe = String::with_capacity(text.len());
    for character in visible(&text).chars() {
        match character {
            '@' => safe.push_str("&#64;"),
            // Only where needed: some readers show a superfluous backslash.
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&'
            | '!' | '$' | ':' => {
                safe.push('\\');
                safe.push(character);
            }
            // These have a meaning only at the start of a line.
            '+' | '-' | '=' | '.' | ')' if safe.chars().all(|it| it.is_ascii_digit()) => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}
