//! Cards as Markdown, for a pull request or the summary of a CI job.

use std::fmt::Write;

use super::{
    REMARK, UNKNOWN_TYPE, breakage_remark, empty_bar_remark, hidden_remark, on_one_line, period,
};
use crate::{
    domain::card::{
        breakage::{ERROR_ADVICE, ERROR_TITLE},
        model::NO_INFORMATION,
        preview::{Body, Item, LINES_WITHOUT_EXPAND, Sidebar, TranscriptLine, clock},
    },
    render::{text::visible, units::counted},
};

/// The heading of one of several files. A blank line must follow it.
pub fn heading(name: &str) -> String {
    format!("## {}\n", escaped(name))
}

/// The sections, each with a heading.
pub fn render(sidebar: &Sidebar<'_>) -> String {
    let mut text = String::new();
    if let Some(broken) = &sidebar.broken {
        put(
            &mut text,
            format_args!("{ERROR_TITLE}  \n{ERROR_ADVICE}\n\n"),
        );
        remark(&mut text, &breakage_remark(broken));
        return text;
    }
    for section in &sidebar.sections {
        if !text.is_empty() {
            text.push('\n');
        }
        put(
            &mut text,
            format_args!("### {}\n\n", escaped(&section.title)),
        );
        match (section.hidden, &section.body) {
            (Some(hidden), _) => remark(&mut text, &hidden_remark(hidden)),
            (None, Body::Status(sentence, _)) => {
                put(&mut text, format_args!("{}\n", escaped(sentence)));
            }
            (None, Body::NoInformation) => put(&mut text, format_args!("{NO_INFORMATION}\n")),
            (None, Body::Nothing) => remark(&mut text, UNKNOWN_TYPE),
            (None, Body::Keywords(items, _) | Body::Faces(items, _)) => {
                write_items(&mut text, items);
                if let Some(empty) = empty_bar_remark(items) {
                    text.push('\n');
                    remark(&mut text, &empty);
                }
            }
            (None, Body::Transcript(lines)) => transcript(&mut text, lines),
        }
    }
    if sidebar.sections.is_empty() {
        remark(&mut text, "no cards");
    }
    text
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(words);
}

/// A sentence of skillctl's own.
fn remark(text: &mut String, remark: &str) {
    put(text, format_args!("*{REMARK}: {}.*\n", escaped(remark)));
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
    let folds = lines.len() > LINES_WITHOUT_EXPAND;
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
