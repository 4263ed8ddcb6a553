//! Cards as a page of its own that looks and works like the sidebar of Box's preview: pills and
//! faces open their timeline, a transcript expands and copies, everything works by keyboard.
//!
//! The page loads nothing but the images that cards name by https. Its content security policy allows
//! no script but its own, whatever a card contains.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use super::{counted, on_one_line, period};
use crate::{
    domain::card::{
        model::{NO_INFORMATION, Slice},
        preview::{Body, Item, LINES_BEFORE_COLLAPSE, Section, TranscriptLine, clock},
    },
    render::text::{is_unshowable, visible},
};

pub(in crate::render) const STYLE: &str = include_str!("sidebar.css");
pub(in crate::render) const SCRIPT: &str = include_str!("sidebar.js");

/// About the bytes of a rendered line of a transcript, to allocate once.
const BYTES_PER_ENTRY: usize = 140;

/// Lines of a transcript that a browser lays out together when they are scrolled into view.
const LINES_IN_BLOCK: usize = 200;

/// Cards and the name of the file that they belong to.
pub struct Owner<'a> {
    /// The name of the file.
    pub name: &'a str,
    /// The cards.
    pub sections: &'a [Section<'a>],
}

/// A page with the cards of one file.
pub fn render(name: &str, sections: &[Section<'_>]) -> String {
    page(&[Owner { name, sections }])
}

/// A page with a sidebar for each file.
pub fn page(owners: &[Owner<'_>]) -> String {
    let policy = policy();
    let name = match owners {
        [one] => shown(one.name),
        several => Cow::Owned(counted(several.len(), "file", "files")),
    };
    let firsts = owners.iter().scan(0, |next, owner| {
        let first = *next;
        *next += owner.sections.len();
        Some(first)
    });
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (name) " – Box Skills" }
                style { (PreEscaped(STYLE)) }
                noscript { style { "[hidden]{display:revert!important}.more{display:none}.lines.folded ol,.lines.folded li{display:revert!important}" } }
            }
            body {
                @match owners {
                    [one] => main .sidebar { (sidebar(one, 0)) },
                    several => main .several {
                        @for (owner, first) in several.iter().zip(firsts) {
                            article .sidebar { (sidebar(owner, first)) }
                        }
                    },
                }
                p #said .unseen role="status" aria-live="polite" {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The content of a sidebar; the ids of its sections are numbered from `first`.
fn sidebar(owner: &Owner<'_>, first: usize) -> Markup {
    let sections = owner.sections.iter();
    let (present, hidden): (Vec<_>, Vec<_>) = sections.partition(|it| it.hidden.is_none());
    html! {
        header .top {
            h1 { "Skills" }
            p .file dir="auto" { (shown(owner.name)) }
        }
        @for section in &present { (section_of(section, first)) }
        @if present.is_empty() { p .empty { "No cards are shown." } }
        @if !hidden.is_empty() { (left_out(&hidden)) }
    }
}

/// The content security policy: images by https or data URI, and no script but its own.
pub(in crate::render) fn policy() -> String {
    format!(
        "default-src 'none'; img-src data: https:; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(SCRIPT))
    )
}

/// The sections without a page, for a page with the cards of many files. The ids of their elements
/// are numbered from `first`; the ranges of two panels must not overlap.
pub(in crate::render) fn panel(sections: &[Section<'_>], first: usize) -> Markup {
    let (present, hidden): (Vec<_>, Vec<_>) = sections.iter().partition(|it| it.hidden.is_none());
    html! {
        div .sidebar {
            @for section in &present { (section_of(section, first)) }
            @if !hidden.is_empty() { (left_out(&hidden)) }
        }
    }
}

/// Text as the page shows it: white space collapsed as in a browser, invisible characters and those
/// that change the direction of text as escapes. (maud escapes markup.)
pub(in crate::render) fn shown(text: &str) -> Cow<'_, str> {
    let odd = |it: char| is_unshowable(it) || (it.is_whitespace() && it != ' ');
    let is_plain = !text.contains(odd) && !text.contains("  ") && text.trim() == text;
    if is_plain {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(visible(&on_one_line(text)).into_owned())
    }
}

fn section_of(section: &Section<'_>, first: usize) -> Markup {
    let id = first + section.index;
    let kind = section
        .card_type
        .map_or("other", crate::domain::card::model::CardType::as_str);
    html! {
        section .card data-kind=(kind) aria-labelledby=(format_args!("title-{id}")) {
            h2 {
                button #{ "title-" (id) } .fold type="button" aria-expanded=(section.open) aria-controls=(format_args!("body-{id}")) {
                    span dir="auto" { (shown(section.title)) }
                }
            }
            div #{ "body-" (id) } .body hidden[!section.open] {
                @match &section.body {
                    Body::Keywords(items, duration) => (keywords(id, items, *duration)),
                    Body::Faces(items, duration) => (faces(id, items, *duration)),
                    Body::Transcript(lines) => (transcript(id, lines)),
                    Body::Status(sentence, _) => p .sentence dir="auto" { (shown(sentence)) },
                    Body::NoInformation => p .sentence { (NO_INFORMATION) },
                    Body::Nothing => p .note { "Nothing is shown: the preview knows no card of this type." },
                }
            }
        }
    }
}

/// The cards that the preview hides, with the reason.
fn left_out(hidden: &[&Section<'_>]) -> Markup {
    html! {
        aside .left-out {
            h2 { "Left out by the preview" }
            ul {
                @for section in hidden {
                    li {
                        "Card " (section.index + 1) ", “" span dir="auto" { (shown(section.title)) } "”: "
                        (section.hidden.map_or("", crate::domain::card::model::Hidden::as_str))
                    }
                }
            }
        }
    }
}

fn keywords(id: usize, items: &[Item<'_>], duration: Option<f64>) -> Markup {
    html! {
        ul .pills {
            @for (nth, item) in items.iter().enumerate() {
                li {
                    @if item.slices.is_empty() {
                        span .pill dir="auto" { (shown(&item.text)) }
                    } @else {
                        button .pill .opens type="button" dir="auto" aria-expanded="false" aria-controls=(format_args!("bar-{id}-{nth}")) {
                            (shown(&item.text))
                        }
                    }
                }
            }
        }
        (bars(id, items, duration))
    }
}

fn faces(id: usize, items: &[Item<'_>], duration: Option<f64>) -> Markup {
    html! {
        ul .faces {
            @for (nth, item) in items.iter().enumerate() {
                @let label = shown(&item.text);
                li {
                    @if item.slices.is_empty() {
                        span .face title=(label) { (face(item, &label)) }
                    } @else {
                        button .face .opens type="button" title=(label) aria-expanded="false" aria-controls=(format_args!("bar-{id}-{nth}")) {
                            (face(item, &label))
                        }
                    }
                }
            }
        }
        (bars(id, items, duration))
    }
}

fn face(item: &Item<'_>, label: &str) -> Markup {
    html! {
        @match item.image_url.filter(|address| may_load(address)) {
            Some(address) => img src=(address) alt=(label) width="45" height="45" loading="lazy" referrerpolicy="no-referrer";,
            None => span .no-image {
                span aria-hidden="true" { (initial(label)) }
                span .unseen dir="auto" { (label) }
            },
        }
    }
}

/// Whether the content security policy allows an image from this address.
fn may_load(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("data:image/")
}

/// The letter shown in place of a missing image.
fn initial(label: &str) -> String {
    label
        .chars()
        .find(|it| it.is_alphanumeric())
        .map_or_else(|| "?".to_owned(), |it| it.to_uppercase().to_string())
}

/// The timelines of pills or faces, closed at first.
fn bars(id: usize, items: &[Item<'_>], duration: Option<f64>) -> Markup {
    html! {
        @if let Some(duration) = duration {
            @for (nth, item) in items.iter().enumerate() {
                @if !item.slices.is_empty() {
                    div #{ "bar-" (id) "-" (nth) } .timeline hidden role="group" aria-label=(format_args!("Timeline of {}", shown(&item.text))) {
                        div .track {
                            @for slice in &item.slices { (slice_on(slice, duration)) }
                        }
                        div .scale aria-hidden="true" {
                            span { (clock(0.0)) }
                            span .label dir="auto" { (shown(&item.text)) }
                            span { (clock(duration)) }
                        }
                    }
                }
            }
        }
    }
}

fn slice_on(slice: &Slice, duration: f64) -> Markup {
    let share = |seconds: f64| (seconds / duration).clamp(0.0, 1.0) * 100.0;
    let left = share(slice.start);
    let width = share(slice.end.unwrap_or(slice.start)) - left;
    let label = period(slice);
    html! {
        button .slice type="button" data-time=(slice.start.max(0.0)) title=(label) aria-label=(label)
            style=(format_args!("left:{left:.3}%;width:{:.3}%", width.max(0.0))) {}
    }
}

fn transcript(id: usize, lines: &[TranscriptLine<'_>]) -> Markup {
    let folds = lines.len() > LINES_BEFORE_COLLAPSE;
    let times = lines.iter().filter_map(|line| line.time);
    let time_column = times.map(|time| clock(time).len()).max();
    html! {
        div .tools {
            span .count { (counted(lines.len(), "line", "lines")) }
            button .copy type="button" data-lines=(format_args!("lines-{id}")) { "Copy" }
            @if folds {
                button .more type="button" aria-expanded="false" aria-controls=(format_args!("lines-{id}")) { "Expand" }
            }
        }
        div #{ "lines-" (id) } .lines .folded[folds] .timed[time_column.is_some()] style=[time_column.map(|width| format!("--time:{width}ch"))] {
            @for (nth, block) in lines.chunks(LINES_IN_BLOCK).enumerate() {
                ol start=(nth * LINES_IN_BLOCK + 1) style=(format_args!("--lines:{}", block.len())) {
                    (transcript_lines(block, nth == 0))
                }
            }
        }
    }
}

/// The rows of a block, built without maud: a transcript may have a hundred thousand lines.
fn transcript_lines(lines: &[TranscriptLine<'_>], is_first: bool) -> PreEscaped<String> {
    let mut text = String::with_capacity(lines.len() * BYTES_PER_ENTRY);
    for (nth, line) in lines.iter().enumerate() {
        // The tab key reaches one line of a transcript, the arrow keys reach the others.
        let reach = if is_first && nth == 0 { "0" } else { "-1" };
        text.push_str("<li><button type=\"button\" tabindex=\"");
        text.push_str(reach);
        text.push_str("\">");
        if let Some(time) = line.time {
            text.push_str("<time>");
            text.push_str(&clock(time));
            text.push_str("</time>");
        }
        text.push_str("<span dir=\"auto\">");
        // maud's own escaping of text.
        shown(&line.text).render_to(&mut text);
        text.push_str("</span></button></li>");
    }
    PreEscaped(text)
}
