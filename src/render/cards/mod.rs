//! Cards as Box's preview shows them: for a terminal, as a page that works like the sidebar, as
//! Markdown for a pull request, and as JSON that can be compared.

pub mod html;
pub mod json;
pub mod markdown;
pub mod text;

use super::units::counted;
use crate::domain::card::{
    model::{Hidden, Slice},
    preview::{Broken, Item, clock},
};

/// What skillctl's own remarks start with. Everything else is what the preview shows.
const REMARK: &str = "skillctl";

/// The remark on a card whose type the preview does not know: it shows only the title.
const UNKNOWN_TYPE: &str = "the preview does not know this type of card and shows only its title";

/// The remark on the card that breaks the sidebar.
fn breakage_remark(broken: &Broken) -> String {
    format!(
        "card {} breaks the sidebar, so that none is shown: {}",
        broken.index + 1,
        broken.breakage.reason
    )
}

/// The remark on a card that the preview hides.
fn hidden_remark(hidden: Hidden) -> String {
    format!("not shown: {}", hidden.as_str())
}

/// The remark on items of which a click opens an empty bar, if there are any.
fn empty_bar_remark(items: &[Item<'_>]) -> Option<String> {
    let is_empty = |item: &&Item<'_>| !item.starts.is_empty() && item.slices.is_empty();
    match items.iter().filter(is_empty).count() {
        0 => None,
        count => Some(format!(
            "a click on {} opens an empty timeline",
            counted(count, "entry", "entries")
        )),
    }
}

/// A period of time: `0:01–0:05`, or only its start.
fn period(slice: &Slice) -> String {
    match slice.end {
        Some(end) => format!("{}–{}", clock(slice.start), clock(end)),
        None => clock(slice.start),
    }
}

/// `text` on one line, as a browser shows it: runs of blanks and line breaks are one blank.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::{
        card::{preview::sidebar, shape},
        json::tree::{Tape, Tree},
    };

    const FILES: [(&str, &str); 5] = [
        (
            "instance",
            include_str!("../../../fixtures/cards/instance.json"),
        ),
        (
            "edge-cases",
            include_str!("../../../fixtures/cards/edge-cases.json"),
        ),
        (
            "hostile",
            include_str!("../../../fixtures/cards/hostile.json"),
        ),
        (
            "preview",
            include_str!("../../../fixtures/cards/preview.json"),
        ),
        (
            "broken",
            include_str!("../../../fixtures/cards/bad/breaks-the-sidebar.json"),
        ),
    ];

    /// Renders every fixture and compares the result with its snapshot.
    fn assert_snapshots(format: &str, render: impl Fn(&str, &[Tree<'_>]) -> String) {
        for (name, text) in FILES {
            let input: Value = serde_json::from_str(text).expect("a fixture is JSON");
            let input = Tape::from_value(&input);
            let found = shape::recognise(input.tree()).expect("it holds cards");
            insta::assert_snapshot!(format!("{name}.{format}"), render(name, &found.cards()));
        }
    }

    fn rendered_text(cards: &[Tree<'_>], width: usize, full: bool) -> String {
        let options = text::Options { width, full };
        text::render(&sidebar(cards.iter().copied(), None), options).to_plain()
    }

    #[test]
    fn text_shows_cards_as_the_preview_does() {
        assert_snapshots("text", |_, cards| rendered_text(cards, 80, false));
    }

    #[test]
    fn full_text_on_a_narrow_terminal_shows_all() {
        assert_snapshots("narrow", |_, cards| rendered_text(cards, 40, true));
    }

    #[test]
    fn markdown_shows_cards_and_no_markup_of_theirs() {
        assert_snapshots("markdown", |_, cards| {
            markdown::render(&sidebar(cards.iter().copied(), None))
        });
    }

    #[test]
    fn json_has_placeholders_for_what_changes() {
        assert_snapshots("json", |_, cards| json::render(cards));
    }

    #[test]
    fn html_is_a_self_contained_page() {
        assert_snapshots("html", |name, cards| {
            let page = html::render(name, &sidebar(cards.iter().copied(), None));
            // Style and script are files of their own; the snapshot holds the rest, a tag a line.
            let page = page
                .replace(include_str!("sidebar.css"), "…")
                .replace(include_str!("sidebar.js"), "…");
            let page = match page.split_once("sha256-") {
                Some((before, after)) => {
                    let rest = after.split_once('\'').map_or("", |(_, rest)| rest);
                    format!("{before}sha256-…'{rest}")
                }
                None => page,
            };
            page.replace("><", ">\n<")
        });
    }

    #[test]
    fn no_renderer_passes_control_characters_or_markup_through() {
        let (_, text) = FILES[2];
        let input: Value = serde_json::from_str(text).expect("JSON");
        let input = Tape::from_value(&input);
        let cards = &*shape::recognise(input.tree()).expect("cards").cards();
        let sidebar = sidebar(cards.iter().copied(), None);
        let all = [
            rendered_text(cards, 80, true),
            markdown::render(&sidebar),
            json::render(cards),
            html::render("\u{1b}<b>", &sidebar).replace(include_str!("sidebar.css"), ""),
        ];
        for rendered in &all {
            let drives = |it: char| it != '\n' && super::super::text::is_unshowable(it);
            assert!(!rendered.contains(drives), "{rendered}");
        }
        assert_eq!(all[3].matches("<script").count(), 1, "the page's own");
        assert!(!all[3].contains("<img src=x") && !all[3].contains("javascript:alert(3)"));
    }

    #[test]
    fn lines_stay_within_the_width() {
        for (name, text) in FILES {
            let input: Value = serde_json::from_str(text).expect("JSON");
            let input = Tape::from_value(&input);
            let cards = &*shape::recognise(input.tree()).expect("cards").cards();
            for width in [20, 27, 40, 80, 133, 400] {
                for line in rendered_text(cards, width, true).lines() {
                    let columns = unicode_width::UnicodeWidthStr::width(line);
                    assert!(
                        columns <= width,
                        "{name} at {width}: {columns} columns: {line}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_very_long_line_is_folded() {
        let text = "word ".repeat(100_000);
        let cards = [
            serde_json::json!({"skill_card_type": "transcript", "entries": [{"text": text}]}),
            serde_json::json!({"skill_card_type": "status", "status": {"code": "x", "message": text}}),
        ];
        let tapes = cards.each_ref().map(Tape::from_value);
        let cards = tapes.each_ref().map(Tape::tree);
        let folded = rendered_text(&cards, 80, false);
        assert_eq!(folded.lines().count(), 2 + 2 * 12 + 1, "{folded}");
        assert_eq!(folded.matches("…\n").count(), 2);
        assert!(rendered_text(&cards, 80, true).lines().count() > 10_000);
    }

    #[test]
    fn an_empty_list_is_reported() {
        let empty = sidebar([], None);
        assert_eq!(rendered_text(&[], 80, false), "skillctl: no cards\n");
        assert!(markdown::render(&empty).contains("no cards"));
        assert!(html::render("x", &empty).contains("no card is shown"));
    }
}
