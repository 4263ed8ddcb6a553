//! Cards as a page of its own that looks and works like the sidebar of Box's preview: pills and
//! faces open their timeline, a transcript expands and copies, everything works by keyboard.
//!
//! The page loads nothing but the images that cards name by https. Its content security policy allows
//! no script but its own, whatever a card contains.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use super::{
    REMARK, UNKNOWN_TYPE, breakage_remark, empty_bar_remark, hidden_remark, on_one_line, period,
};
use crate::{
    domain::card::{
        breakage::{ERROR_ADVICE, ERROR_TITLE},
        model::{CardType, NO_INFORMATION, Slice},
        preview::{Body, Item, LINES_WITHOUT_EXPAND, Section, Sidebar, TranscriptLine, clock},
    },
    render::{
        text::{is_unshowable, visible},
        units::counted,
    },
};

pub(crate) const STYLE: &str = include_str!("sidebar.css");
pub(crate) const SCRIPT: &str = include_str!("sidebar.js");

/// About the bytes of a rendered line of a transcript, to allocate once.
const BYTES_PER_ENTRY: usize = 140;

/// Lines of a transcript that a browser lays out together when they are scrolled into view.
const LINES_IN_BLOCK: usize = 200;

/// Cards and the name of the file that they belong to.
pub struct Owner<'a> {
    /// The name of the file.
    pub name: &'a str,
    /// The cards.
    pub sidebar: &'a Sidebar<'a>,
}

/// A page with the cards of one file.
pub fn render(name: &str, sidebar: &Sidebar<'_>) -> String {
    page(&[Owner { name, sidebar }])
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
        *next += owner.sidebar.sections.len();
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
                noscript { style { "[hidden]{display:revert!important}.more{display:none}.lines.folded{max-height:none!important}" } }
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
    html! {
        header .top {
            h1 { "Skills" }
            p .file dir="auto" { (shown(owner.name)) }
        }
        (content(owner.sidebar, first))
    }
}

/// What the sidebar shows, and skillctl's remarks.
fn content(sidebar: &Sidebar<'_>, first: usize) -> Markup {
    if let Some(broken) = &sidebar.broken {
        return html! {
            section .error {
                h4 { (ERROR_TITLE) }
                h5 { (ERROR_ADVICE) }
            }
            (remark(&breakage_remark(broken)))
        };
    }
    let sections = sidebar.sections.iter();
    let (present, hidden): (Vec<_>, Vec<_>) = sections.partition(|it| it.hidden.is_none());
    html! {
        @for section in &present { (section_of(section, first)) }
        @if present.is_empty() { (remark("no card is shown")) }
        @if !hidden.is_empty() { (hidden_cards(&hidden)) }
    }
}

/// A sentence of skillctl's own.
fn remark(text: &str) -> Markup {
    html! { p .remark { b { (REMARK) ": " } (shown(text)) } }
}

/// The content security policy: images by https or data URI, and no script but its own.
pub(in crate::render) fn policy() -> String {
    format!(
        "default-src 'none'; img-src data: https:; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(SCRIPT))
    )
}

/// The sidebar of one file without a page, for a page that has [`STYLE`] and [`SCRIPT`]. Its content
/// policy forbids inline styles: `data-style` takes the place of `style`, and a script applies it.
pub(crate) fn fragment(sidebar: &Sidebar<'_>) -> String {
    // maud escapes quotation marks, so that this is found in no text.
    panel(sidebar, 0)
        .into_string()
        .replace(" style=\"", " data-style=\"")
}

/// The sections without a page, for a page with the cards of many files. The ids of their elements
/// are numbered from `first`; the ranges of two panels must not overlap.
pub(in crate::render) fn panel(sidebar: &Sidebar<'_>, first: usize) -> Markup {
    html! { div .sidebar { (content(sidebar, first)) } }
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
    let card_type = section.card_type.map_or("other", CardType::as_str);
    html! {
        section .card data-type=(card_type) aria-labelledby=(format_args!("title-{id}")) {
            h2 {
                button #{ "title-" (id) } .fold type="button" aria-expanded=(section.open) aria-controls=(format_args!("body-{id}")) {
                    span { (shown(&section.title)) }
                }
            }
            div #{ "body-" (id) } .body hidden[!section.open] {
                @match &section.body {
                    Body::Keywords(items, duration) => (keywords(id, items, *duration)),
                    Body::Faces(items, duration) => (faces(id, items, *duration)),
                    Body::Transcript(lines) => (transcript(id, lines)),
                    Body::Status(sentence, _) => p .sentence { (shown(sentence)) },
                    Body::NoInformation => p .sentence { (NO_INFORMATION) },
                    Body::Nothing => (remark(UNKNOWN_TYPE)),
                }
            }
        }
    }
}

/// The cards that the preview hides, with the reason.
fn hidden_cards(hidden: &[&Section<'_>]) -> Markup {
    html! {
        @for section in hidden {
            @if let Some(reason) = section.hidden {
                p .remark {
                    b { (REMARK) ": " }
                    "card " (section.index + 1) ", “" bdi { (shown(&section.title)) } "”, "
                    (hidden_remark(reason))
                }
            }
        }
    }
}

fn keywords(id: usize, items: &[Item<'_>], duration: Option<f64>) -> Markup {
    html! {
        ul .pills {
            @for (nth, item) in items.iter().enumerate() {
                li { (toggle("pill", id, nth, item, &html! { (shown(&item.text)) })) }
            }
        }
        (timelines(id, items, duration, true))
    }
}

fn faces(id: usize, items: &[Item<'_>], duration: Option<f64>) -> Markup {
    html! {
        ul .faces {
            @for (nth, item) in items.iter().enumerate() {
                li { (toggle("face", id, nth, item, &face(item))) }
            }
        }
        (timelines(id, items, duration, false))
    }
}

/// A pill or a face: a click selects it, and opens its timeline if it has segments.
fn toggle(class: &str, id: usize, nth: usize, item: &Item<'_>, content: &Markup) -> Markup {
    html! {
        @if item.starts.is_empty() {
            button .(class) .toggle type="button" aria-pressed="false" { (content) }
        } @else {
            button .(class) .toggle type="button" aria-expanded="false" aria-controls=(format_args!("bar-{id}-{nth}")) { (content) }
        }
    }
}

/// An image without an address that may be loaded is shown as its label.
fn face(item: &Item<'_>) -> Markup {
    let label = shown(&item.text);
    let address = item.image_url.filter(|address| may_load(address));
    html! {
        img src=[address] alt=(label) title=(label) width="45" height="45" loading="lazy" referrerpolicy="no-referrer";
    }
}

/// Whether the content security policy allows an image from this address.
fn may_load(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("data:image/")
}

/// The timelines of pills or faces, closed at first. Those of pills have a label.
fn timelines(id: usize, items: &[Item<'_>], duration: Option<f64>, labelled: bool) -> Markup {
    html! {
        @for (nth, item) in items.iter().enumerate() {
            @if !item.starts.is_empty() {
                div #{ "bar-" (id) "-" (nth) } .timeline hidden role="group" aria-label=(format_args!("Timeline of {}", shown(&item.text))) data-starts=(starts(item)) {
                    @if labelled && !item.text.is_empty() { p .label { (shown(&item.text)) } }
                    div .track {
                        @for slice in &item.slices { (slice_on(slice, duration.unwrap_or_default())) }
                    }
                    div .segments {
                        button .segment type="button" data-step="-1" title="Previous Segment" aria-label="Previous Segment" {}
                        button .segment type="button" data-step="1" title="Next Segment" aria-label="Next Segment" {}
                    }
                }
            }
        }
        @if let Some(text) = empty_bar_remark(items) { (remark(&text)) }
    }
}

/// The starts of the segments as times, empty for one without a start.
fn starts(item: &Item<'_>) -> String {
    let starts = item.starts.iter();
    let starts: Vec<_> = starts
        .map(|start| start.map(clock).unwrap_or_default())
        .collect();
    starts.join(" ")
}

fn slice_on(slice: &Slice, duration: f64) -> Markup {
    let share = |seconds: f64| (seconds / duration).clamp(0.0, 1.0) * 100.0;
    let left = share(slice.start);
    let width = share(slice.end.unwrap_or(slice.start)) - left;
    let label = period(slice);
    html! {
        button .slice type="button" data-index=(slice.index) title=(label) aria-label=(label)
            style=(format_args!("left:{left:.3}%;width:{:.3}%", width.max(0.0))) {}
    }
}

fn transcript(id: usize, lines: &[TranscriptLine<'_>]) -> Markup {
    let expands = lines.len() > LINES_WITHOUT_EXPAND;
    html! {
        div .tools {
            button .copy type="button" data-lines=(format_args!("lines-{id}")) { "Copy" }
            @if expands {
                button .more type="button" aria-expanded="false" aria-controls=(format_args!("lines-{id}")) { "Expand" }
            }
        }
        div #{ "lines-" (id) } .lines .folded {
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
        let words = shown(&line.text);
        if words != line.text {
            // What is copied has its white space as it is.
            let exact: Vec<_> = line.text.lines().map(visible).collect();
            text.push_str("\" data-text=\"");
            exact.join("\n").render_to(&mut text);
        }
        if let (None, Some(time)) = (line.time, line.copied_time) {
            text.push_str("\" data-time=\"");
            text.push_str(&clock(time));
        }
        text.push_str("\">");
        if let Some(time) = line.time {
            text.push_str("<time>");
            text.push_str(&clock(time));
            text.push_str("</time>");
        }
        text.push_str("<span>");
        // maud's own escaping of text.
        words.render_to(&mut text);
        text.push_str("</span></button></li>");
    }
    PreEscaped(text)
}
