//! Cards as the sections of Box's preview sidebar, for any renderer: content, title, whether a
//! section starts open, and times in the form that the preview uses.

use std::borrow::Cow;

use super::model::{Card, CardType, Entry, Hidden, Slice};
use crate::domain::json::tree::{Items, Tree};

/// A transcript of more lines than this is collapsed at first.
pub const LINES_BEFORE_COLLAPSE: usize = 5;

/// A section of the sidebar: one card.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Which card of the list it is, from 0.
    pub index: usize,
    /// Its title.
    pub title: &'a str,
    /// Its type, if Box describes it.
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
    Status(&'a str, &'a str),
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
    /// The slices of its timeline that are drawn; empty where a click shows nothing.
    pub slices: Vec<Slice>,
}

/// A line of a transcript.
#[derive(Clone, Debug)]
pub struct TranscriptLine<'a> {
    /// Its start in seconds, if a time is shown.
    pub time: Option<f64>,
    /// The text.
    pub text: Cow<'a, str>,
}

/// The sections of a list of cards, those that are not shown included, in their order.
/// `current_version` is the id of the file's current version, where it is known.
pub fn sections<'a>(
    cards: impl IntoIterator<Item = Tree<'a>>,
    current_version: Option<&str>,
) -> Vec<Section<'a>> {
    cards
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let card = Card(value);
            Section {
                index,
                title: card.title(),
                card_type: card.card_type(),
                hidden: card.hidden(current_version),
                open: card.entry_list().is_none_or(|entries| !entries.is_empty()),
                body: body(card),
            }
        })
        .collect()
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
        CardType::Keyword => Body::Keywords(items(entries, duration), duration),
        CardType::Timeline => Body::Faces(items(entries, duration), duration),
        CardType::Transcript | CardType::Status => Body::Transcript(
            entries
                .iter()
                .map(|value| TranscriptLine {
                    time: Entry(value).time(),
                    text: Entry(value).text(),
                })
                .collect(),
        ),
    }
}

fn items(entries: Items<'_>, duration: Option<f64>) -> Vec<Item<'_>> {
    entries
        .iter()
        .map(|value| {
            let entry = Entry(value);
            Item {
                text: entry.text(),
                image_url: entry.image_url(),
                slices: duration
                    .map(|seconds| entry.slices(seconds).collect())
                    .unwrap_or_default(),
            }
        })
        .collect()
}

/// Seconds as the preview writes them: `m:ss` or `h:mm:ss`, floored.
pub fn clock(seconds: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and times below 0 are shown as 0"
    )]
    let whole = seconds.max(0.0).floor() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
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
        sections(list.iter(), None)
    }

    #[test]
    fn times_are_floored_and_grow_hours_where_needed() {
        for (seconds, text) in [
            (0.0, "0:00"),
            (59.99, "0:59"),
            (61.0, "1:01"),
            (3600.0, "1:00:00"),
            (-5.0, "0:00"),
            (f64::MAX, "5124095576030431:00:15"),
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
