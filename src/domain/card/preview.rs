//! Cards as the sections of Box's preview sidebar, for any renderer: content, title, whether a
//! section starts open, and times in the form that the preview uses.

use std::borrow::Cow;

use super::{
    breakage::{Breakage, breakage},
    model::{Card, CardType, Entry, Hidden, Slice},
};
use crate::domain::json::tree::{Items, Tree};

/// A transcript of more lines than this can be expanded beyond the box in which it scrolls.
pub const LINES_WITHOUT_EXPAND: usize = 5;

/// The cards of a file in the sidebar.
#[derive(Clone, Debug)]
pub struct Sidebar<'a> {
    /// The sections, hidden ones included, in the order of the cards.
    pub sections: Vec<Section<'a>>,
    /// The first card that breaks the sidebar, which then shows an error and no section.
    pub broken: Option<Broken>,
}

/// A card that breaks the sidebar.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The index of the card in the list.
    pub index: usize,
    /// The value that is the cause.
    pub breakage: Breakage,
}

/// A section of the sidebar: one card.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// The index of the card in the list.
    pub index: usize,
    /// Its title.
    pub title: Cow<'a, str>,
    /// The type that it is shown as, if the preview knows it.
    pub card_type: Option<CardType>,
    /// Why the preview hides it, if it does.
    pub hidden: Option<Hidden>,
    /// Whether it starts open.
    pub open: bool,
    /// What it shows.
    pub body: Body<'a>,
}

/// What a section shows.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// Pills.
    Keywords(Vec<Item<'a>>, Option<f64>),
    /// Thumbnails, and the duration in seconds that their bars represent.
    Faces(Vec<Item<'a>>, Option<f64>),
    /// Lines of speech.
    Transcript(Vec<TranscriptLine<'a>>),
    /// The text of a status, and its code, which may be empty.
    Status(Cow<'a, str>, &'a str),
    /// A sentence: the list of entries is empty.
    NoInformation,
    /// Nothing: the preview does not know the type.
    Nothing,
}

/// A pill or a face.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its label.
    pub text: Cow<'a, str>,
    /// Its image, for a face.
    pub image_url: Option<&'a str>,
    /// The starts of its segments in seconds, for the buttons of its timeline; none for a start that is
    /// not a number. Without segments, a click opens no timeline.
    pub starts: Vec<Option<f64>>,
    /// The segments that are drawn on its timeline.
    pub slices: Vec<Slice>,
}

/// A line of a transcript.
#[derive(Clone, Debug)]
pub struct TranscriptLine<'a> {
    /// Its start in seconds, if a time is shown.
    pub time: Option<f64>,
    /// The time in seconds that is copied with the line.
    pub copied_time: Option<f64>,
    /// The text.
    pub text: Cow<'a, str>,
}

/// The sidebar for a list of cards. `current_version` is the id of the file's current version, if it is
/// known.
pub fn sidebar<'a>(
    cards: impl IntoIterator<Item = Tree<'a>>,
    current_version: Option<&str>,
) -> Sidebar<'a> {
    let cards: Vec<_> = cards.into_iter().map(Card).collect();
    // Without such a card Box does not open the sidebar for skills, so that it cannot break either.
    let is_there = cards
        .iter()
        .any(|card| card.hidden(current_version).is_none() && card.has_content());
    let broken = cards.iter().enumerate().find_map(|(index, card)| {
        let breakage = breakage(card.0).filter(|_| is_there || card.0.is_null())?;
        Some(Broken { index, breakage })
    });
    let section = |(index, card): (usize, &Card<'a>)| Section {
        index,
        title: card.title(),
        card_type: card.card_type(),
        hidden: match card.hidden(current_version) {
            None if !is_there => Some(Hidden::NoContent),
            hidden => hidden,
        },
        open: card.starts_open(),
        body: body(*card),
    };
    Sidebar {
        sections: cards.iter().enumerate().map(section).collect(),
        broken,
    }
}

fn body(card: Card<'_>) -> Body<'_> {
    let Some(card_type) = card.card_type() else {
        return Body::Nothing;
    };
    if card_type == CardType::Status {
        return Body::Status(card.status_text(), card.status_code().unwrap_or_default());
    }
    let entries = card.entries();
    if entries.is_empty() {
        return Body::NoInformation;
    }
    let duration = card.duration();
    match card_type {
        CardType::Keyword => Body::Keywords(items(entries, duration, Entry::text), duration),
        CardType::Timeline | CardType::Face => {
            Body::Faces(items(entries, duration, Entry::label), duration)
        }
        CardType::Transcript | CardType::Status => Body::Transcript(
            entries
                .iter()
                .map(|value| TranscriptLine {
                    time: Entry(value).time(),
                    copied_time: Entry(value).copied_time(),
                    text: Entry(value).text(),
                })
                .collect(),
        ),
    }
}

fn items<'a>(
    entries: Items<'a>,
    duration: Option<f64>,
    text: fn(Entry<'a>) -> Cow<'a, str>,
) -> Vec<Item<'a>> {
    entries
        .iter()
        .map(|value| {
            let entry = Entry(value);
            let start = |segment: Tree<'_>| segment.get("start")?.as_f64();
            Item {
                text: text(entry),
                image_url: entry.image_url(),
                starts: entry.appears().iter().map(start).collect(),
                slices: duration
                    .map(|seconds| entry.slices(seconds).collect())
                    .unwrap_or_default(),
            }
        })
        .collect()
}

/// Seconds as the preview writes them: `m:ss` or `h:mm:ss`, rounded down. The preview does not expect
/// times before 0, and writes -5 as `-1:0-5`.
pub fn clock(seconds: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, beyond any time that is meant"
    )]
    let floor = |number: f64| number.floor() as i64;
    let hours = floor(seconds / 3600.0);
    let minutes = floor(seconds % 3600.0 / 60.0);
    let rest = floor(seconds % 3600.0 % 60.0);
    let zero = if rest < 10 { "0" } else { "" };
    if hours > 0 {
        format!("{hours}:{minutes:02}:{zero}{rest}")
    } else {
        format!("{minutes}:{zero}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::json::tree::Tape;

    fn list(cards: &Value) -> Tape<'_> {
        Tape::from_value(cards)
    }

    fn shown<'a>(cards: &'a Tape<'_>) -> Vec<Section<'a>> {
        let list = cards.tree().as_array().expect("a list");
        sidebar(list.iter(), None).sections
    }

    #[test]
    fn times_are_written_as_the_preview_writes_them() {
        for (seconds, text) in [
            (0.0, "0:00"),
            (59.99, "0:59"),
            (61.0, "1:01"),
            (3600.0, "1:00:00"),
            (3725.5, "1:02:05"),
            (-5.0, "-1:0-5"),
            (-0.5, "-1:0-1"),
        ] {
            assert_eq!(clock(seconds), text);
        }
    }

    #[test]
    fn a_section_is_open_unless_its_entries_are_an_empty_list() {
        let cards = json!([
            json!({"skill_card_type": "keyword", "entries": []}),
            json!({"skill_card_type": "keyword", "entries": [{"text": "a"}]}),
            json!({"skill_card_type": "status", "status": {"code": "x"}}),
        ]);
        let cards = list(&cards);
        let open: Vec<_> = shown(&cards).iter().map(|it| it.open).collect();
        assert_eq!(open, [false, true, true]);
        assert!(matches!(shown(&cards)[0].body, Body::NoInformation));
    }

    #[test]
    fn appearances_without_duration_draw_no_slice() {
        let cards = json!([json!({"skill_card_type": "timeline",
            "entries": [{"text": "a", "appears": [{"start": 1, "end": 2}]}]})]);
        let cards = list(&cards);
        let Body::Faces(faces, None) = &shown(&cards)[0].body else {
            panic!("faces were expected");
        };
        assert!(faces[0].slices.is_empty());
        assert_eq!(faces[0].starts, [Some(1.0)], "its buttons work");
    }

    #[test]
    fn one_card_breaks_the_whole_sidebar() {
        let cards = json!([
            {"skill_card_type": "keyword", "entries": [{"text": "a"}]},
            {"skill_card_type": "transcript", "status": {}},
        ]);
        let tape = list(&cards);
        let cards = tape.tree().as_array().expect("a list");
        let broken = sidebar(cards.iter(), None).broken.expect("broken");
        assert_eq!(broken.index, 1);
        assert_eq!(broken.breakage.pointer.as_str(), "/entries");
    }

    #[test]
    fn without_a_card_that_has_content_the_sidebar_is_not_opened() {
        let cards = json!([{"error": "quota"}, {"skill_card_title": null}]);
        let tape = list(&cards);
        let cards = tape.tree().as_array().expect("a list");
        let sidebar = sidebar(cards.iter(), None);
        assert!(sidebar.broken.is_none());
        assert!(sidebar.sections.iter().all(|it| it.hidden.is_some()));
    }

    #[test]
    fn the_first_of_several_times_is_copied_and_none_is_shown() {
        let cards = json!([{"skill_card_type": "transcript",
            "entries": [{"text": "a", "appears": [{"start": 3}, {"start": 9}]}]}]);
        let cards = list(&cards);
        let Body::Transcript(lines) = &shown(&cards)[0].body else {
            panic!("a transcript was expected");
        };
        assert_eq!((lines[0].time, lines[0].copied_time), (None, Some(3.0)));
    }

    #[test]
    fn odd_shapes_show_nothing_and_do_not_panic() {
        let cards = json!([
            json!(null),
            json!(7),
            json!([]),
            json!({"skill_card_type": 5}),
            json!({"skill_card_type": "transcript", "entries": [null, 1, "x", {"appears": {}}]}),
        ]);
        let cards = list(&cards);
        assert_eq!(shown(&cards).len(), 5);
    }
}
