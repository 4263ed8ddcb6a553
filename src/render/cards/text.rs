//! Cards for a terminal of any width: pills, timeline bars in block characters, transcripts with
//! their times, and the status text that the preview shows.

use unicode_width::UnicodeWidthStr;

use super::{REMARK, breakage_remark, hidden_remark, on_one_line, period};
use crate::{
    domain::card::{
        breakage::{ERROR_ADVICE, ERROR_TITLE},
        model::{NO_INFORMATION, Slice},
        preview::{Body, Item, Section, Sidebar, TranscriptLine, clock},
    },
    render::{
        text::{Line, Role, Text, visible},
        units::counted,
        wrap::{cut, wrap},
    },
};

/// How cards are laid out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether long cards are shown whole.
    pub full: bool,
}

/// Columns by which content is indented below its title.
const INDENT: usize = 2;

/// Pills that are shown of a long card.
const PILLS_BEFORE_FOLD: usize = 40;

/// Faces, or pills with a bar, that are shown of a long card.
const BARS_BEFORE_FOLD: usize = 12;

/// Lines of a transcript that are shown of a long card: those that the preview shows without scrolling.
const LINES_BEFORE_FOLD: usize = 10;

/// Renders the sections, one below the other.
pub fn render(sidebar: &Sidebar<'_>, options: Options) -> Text {
    let mut text = Text::new();
    if let Some(broken) = &sidebar.broken {
        push_wrapped(&mut text, Role::Plain, ERROR_TITLE, options.width);
        push_wrapped(&mut text, Role::Plain, ERROR_ADVICE, options.width);
        push_remark(&mut text, &breakage_remark(broken), options.width);
        return text;
    }
    for section in &sidebar.sections {
        if !text.lines.is_empty() {
            text.push(Line::new());
        }
        text.append(render_section(section, options), 0);
    }
    if sidebar.sections.is_empty() {
        text.push(Line::new().with(Role::Dim, format!("{REMARK}: no cards")));
    }
    text
}

fn render_section(section: &Section<'_>, options: Options) -> Text {
    let mut text = Text::new();
    let (about, body) = body(section, options);
    let chevron = if section.open && section.hidden.is_none() {
        "▾ "
    } else {
        "▸ "
    };
    let width_left = options.width.saturating_sub(INDENT).max(8);
    let title = shown_on_one_line(&section.title);
    let mut heading = Line::new().with(Role::Dim, chevron);
    if title.width() + 2 + about.width() <= width_left {
        heading.push(Role::Strong, &title);
        if !about.is_empty() {
            heading = heading.padded(options.width.saturating_sub(about.width()));
            heading.push(Role::Dim, &about);
        }
    } else {
        heading.push(Role::Strong, cut(&title, width_left));
    }
    text.push(heading);
    if let Some(hidden) = section.hidden {
        let mut reason = Text::new();
        push_remark(&mut reason, &hidden_remark(hidden), width_left);
        text.append(reason, INDENT);
    } else {
        text.append(body, INDENT);
    }
    text
}

/// A short description of a section (such as "2 topics"), and its content.
fn body(section: &Section<'_>, options: Options) -> (String, Text) {
    let options = Options {
        width: options.width.saturating_sub(INDENT).max(16),
        ..options
    };
    match &section.body {
        Body::Keywords(items, duration) => {
            let about = about(items, *duration, "topic", "topics");
            let timed = duration.filter(|_| items.iter().any(|it| !it.slices.is_empty()));
            let mut text = match timed {
                Some(duration) => bars(items, duration, options),
                None => pills(items, options),
            };
            push_empty_bar(&mut text, items, options.width);
            (about, text)
        }
        Body::Faces(items, duration) => {
            let about = about(items, *duration, "face", "faces");
            let mut text = match duration {
                Some(duration) => bars(items, *duration, options),
                None => faces(items, options),
            };
            push_empty_bar(&mut text, items, options.width);
            (about, text)
        }
        Body::Transcript(lines) => {
            let last = lines.iter().filter_map(|line| line.time).next_back();
            let mut about = counted(lines.len(), "line", "lines");
            if let Some(last) = last {
                about = format!("{about} · to {}", clock(last));
            }
            (about, transcript(lines, options))
        }
        Body::Status(sentence, code) => {
            let rows = rows(sentence, options, options.width);
            let text = rows.into_iter().map(Line::from).collect();
            (cut(&shown_on_one_line(code), options.width / 2), text)
        }
        Body::NoInformation => {
            let mut text = Text::new();
            push_wrapped(&mut text, Role::Plain, NO_INFORMATION, options.width);
            (String::new(), text)
        }
        Body::Nothing => {
            let mut text = Text::new();
            push_remark(&mut text, super::UNKNOWN_TYPE, options.width);
            (String::new(), text)
        }
    }
}

fn about(items: &[Item<'_>], duration: Option<f64>, one: &str, many: &str) -> String {
    let count = counted(items.len(), one, many);
    match duration {
        Some(duration) => format!("{count} · {}", clock(duration)),
        None => count,
    }
}

/// Rows that are shown of one long text.
const ROWS_BEFORE_FOLD: usize = 12;

/// The rows of a text of any length: the first [`ROWS_BEFORE_FOLD`] unless all are wanted, the last
/// of them ending in `…`.
fn rows(text: &str, options: Options, width: usize) -> Vec<String> {
    if options.full {
        return wrapped(text, width);
    }
    // Enough characters to fill more rows than are shown, whatever their width.
    let enough = (ROWS_BEFORE_FOLD + 1) * (width + 1) * 2;
    let start = text.trim_start();
    let end = start
        .char_indices()
        .nth(enough)
        .map_or(start.len(), |(at, _)| at);
    let mut rows = wrapped(&start[..end], width);
    if rows.len() > ROWS_BEFORE_FOLD {
        rows.truncate(ROWS_BEFORE_FOLD);
        if let Some(last) = rows.last_mut() {
            *last = format!("{}…", cut(last, width - 1).trim_end_matches('…'));
        }
    }
    rows
}

fn push_wrapped(text: &mut Text, role: Role, words: &str, width: usize) {
    for line in wrapped(words, width) {
        text.push(Line::new().with(role, line));
    }
}

/// A sentence of skillctl's own.
fn push_remark(text: &mut Text, remark: &str, width: usize) {
    push_wrapped(text, Role::Warn, &format!("{REMARK}: {remark}"), width);
}

/// A remark if a click opens an empty bar.
fn push_empty_bar(text: &mut Text, items: &[Item<'_>], width: usize) {
    if let Some(remark) = super::empty_bar_remark(items) {
        push_remark(text, &remark, width);
    }
}

/// `text` in lines of at most `width` columns. Control characters are escaped before columns are
/// counted.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    text.trim()
        .lines()
        .flat_map(|line| wrap(&visible(line), width))
        .collect()
}

/// `text` on one line: line breaks become blanks, other control characters are escaped.
fn shown_on_one_line(text: &str) -> String {
    visible(&on_one_line(text)).into_owned()
}

fn pills(items: &[Item<'_>], options: Options) -> Text {
    const BETWEEN: usize = 2;
    let shown = fold(items, PILLS_BEFORE_FOLD, options.full);
    let mut text = Text::new();
    let mut line = Line::new();
    for item in shown {
        let label = shown_on_one_line(&item.text);
        let label = cut(&label, options.width.saturating_sub(4));
        let pill = format!("( {label} )");
        let used = line.width();
        if used > 0 && used + BETWEEN + pill.width() > options.width {
            text.push(std::mem::take(&mut line));
        } else if used > 0 {
            line.push(Role::Plain, " ".repeat(BETWEEN));
        }
        line.push(Role::Accent, pill);
    }
    text.push(line);
    push_fold(&mut text, items.len() - shown.len(), "topic", "topics");
    text
}

fn faces(items: &[Item<'_>], options: Options) -> Text {
    let shown = fold(items, BARS_BEFORE_FOLD, options.full);
    let mut text = Text::new();
    for item in shown {
        let label = cut(&shown_on_one_line(&item.text), options.width - 2);
        text.push(Line::new().with(Role::Accent, "● ").plain(label));
    }
    push_fold(&mut text, items.len() - shown.len(), "face", "faces");
    text
}

/// A row with label, bar and times for each item, and the scale below.
fn bars(items: &[Item<'_>], duration: f64, options: Options) -> Text {
    const BETWEEN: usize = 2;
    const LEAST_BAR: usize = 10;
    let shown = fold(items, BARS_BEFORE_FOLD, options.full);
    let labels: Vec<String> = shown
        .iter()
        .map(|item| shown_on_one_line(&item.text))
        .collect();
    let widest = labels.iter().map(|label| label.width()).max();
    let label_width = widest.unwrap_or(0).clamp(4, options.width / 3);
    let rest = options.width.saturating_sub(label_width + BETWEEN);
    let times: Vec<String> = shown
        .iter()
        .map(|item| times_in(&item.slices, rest / 3))
        .collect();
    let widest = times.iter().map(|times| times.width()).max().unwrap_or(0);
    // A terminal that is too narrow for bar and times gets only the bar.
    let times_width = if rest >= LEAST_BAR + BETWEEN + widest {
        widest
    } else {
        0
    };
    let bar_width = match times_width {
        0 => rest,
        width => rest - BETWEEN - width,
    };
    let mut text = Text::new();
    for ((item, label), times) in shown.iter().zip(&labels).zip(&times) {
        let mut line = Line::new()
            .with(Role::Accent, cut(label, label_width))
            .padded(label_width + BETWEEN);
        line.append(&bar(&item.slices, duration, bar_width));
        if times_width > 0 && !times.is_empty() {
            line.push(Role::Plain, " ".repeat(BETWEEN));
            line.push(Role::Dim, times);
        }
        text.push(line);
        if options.full && times.contains('+') {
            let all: Vec<String> = item.slices.iter().map(period).collect();
            for row in wrap(&all.join(", "), bar_width) {
                let indent = " ".repeat(label_width + BETWEEN);
                text.push(Line::from(indent).with(Role::Dim, row));
            }
        }
    }
    text.push(scale(duration, label_width + BETWEEN, bar_width));
    push_fold(&mut text, items.len() - shown.len(), "more", "more");
    text
}

/// As many periods as fit into `columns`, and the number of the others.
fn times_in(slices: &[Slice], columns: usize) -> String {
    let mut shown = String::new();
    for (index, slice) in slices.iter().enumerate() {
        let between = if index == 0 { "" } else { ", " };
        let next = format!("{between}{}", period(slice));
        let left = slices.len() - index - 1;
        let tail = if left == 0 {
            0
        } else {
            3 + left.to_string().len()
        };
        if index > 0 && shown.width() + next.width() + tail > columns {
            return format!("{shown} +{}", slices.len() - index);
        }
        shown.push_str(&next);
    }
    shown
}

/// A bar of `columns`, drawn in half columns. A slice takes at least one half.
fn bar(slices: &[Slice], duration: f64, columns: usize) -> Line {
    let halves = columns * 2;
    let mut filled = vec![false; halves];
    for slice in slices {
        let first = half_at(slice.start, duration, halves).min(halves - 1);
        let last = half_at(slice.end.unwrap_or(slice.start), duration, halves);
        for half in &mut filled[first..last.max(first + 1).min(halves)] {
            *half = true;
        }
    }
    let mut line = Line::new();
    let mut run = (Role::Dim, String::new());
    for pair in filled.chunks(2) {
        let (role, block) = match pair {
            [true, true] => (Role::Accent, '█'),
            [true, _] => (Role::Accent, '▌'),
            [_, true] => (Role::Accent, '▐'),
            _ => (Role::Dim, '─'),
        };
        if role != run.0 {
            line.push(run.0, &run.1);
            run = (role, String::new());
        }
        run.1.push(block);
    }
    line.push(run.0, &run.1);
    line
}

/// The half column of a time; times outside of the bar are at its ends.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a bar has few columns, and the share is clamped to 0…1"
)]
fn half_at(seconds: f64, duration: f64, halves: usize) -> usize {
    ((seconds / duration).clamp(0.0, 1.0) * halves as f64).round() as usize
}

fn scale(duration: f64, indent: usize, columns: usize) -> Line {
    let end = clock(duration);
    let start = clock(0.0);
    let line = Line::from(" ".repeat(indent));
    if start.width() + 1 + end.width() > columns {
        return line;
    }
    line.with(Role::Dim, &start)
        .padded(indent + columns - end.width())
        .with(Role::Dim, end)
}

fn transcript(lines: &[TranscriptLine<'_>], options: Options) -> Text {
    let shown = fold(lines, LINES_BEFORE_FOLD, options.full);
    let times: Vec<Option<String>> = shown.iter().map(|line| line.time.map(clock)).collect();
    let column = times.iter().flatten().map(String::len).max();
    let indent = column.map_or(0, |width| width + 2);
    let width_left = options.width.saturating_sub(indent).max(8);
    let mut text = Text::new();
    for (line, time) in shown.iter().zip(times) {
        let mut rows = rows(&line.text, options, width_left);
        if rows.is_empty() {
            rows.push(String::new());
        }
        for (row, words) in rows.iter().enumerate() {
            let mut shown = Line::new();
            if indent > 0 {
                let time = time.as_deref().filter(|_| row == 0).unwrap_or_default();
                shown.push(Role::Dim, format!("{time:>width$}  ", width = indent - 2));
            }
            text.push(shown.plain(words));
        }
    }
    push_fold(&mut text, lines.len() - shown.len(), "line", "lines");
    text
}

/// The part of a list that is shown.
fn fold<T>(items: &[T], most: usize, full: bool) -> &[T] {
    if full {
        items
    } else {
        &items[..items.len().min(most)]
    }
}

fn push_fold(text: &mut Text, left: usize, one: &str, many: &str) {
    if left > 0 {
        let more = if one == many {
            format!("… {left} more")
        } else {
            format!("… {left} more {}", if left == 1 { one } else { many })
        };
        text.push(Line::new().with(Role::Dim, format!("{more}; --full shows all")));
    }
}
