//! A card as Box's web preview reads it: its type, its title, the text of its status, whether it
//! is shown at all. Views over JSON trees: nothing is copied, whatever the shape.
//!
//! The rules are those of box-ui-elements 26.3, whose preview is what users of Box see.

use std::borrow::Cow;

use super::{
    codes::{SOMETHING_WENT_WRONG, UNKNOWN_ERROR, known_status, known_title},
    javascript::{attribute_text, child_text, coerced_number, is_truthy},
};
use crate::domain::json::tree::{Items, Tree};

/// The types of cards that the preview knows, in `skill_card_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardType {
    /// Topics, shown as pills.
    Keyword,
    /// Faces or other images, with a bar of when each appears.
    Timeline,
    /// Lines of speech with their times.
    Transcript,
    /// The state of the skill.
    Status,
    /// Faces, shown as a timeline is. The preview knows it; Box's description does not.
    Face,
}

impl CardType {
    /// Every type, those of Box's description first, in its order.
    pub const ALL: [Self; 5] = [
        Self::Keyword,
        Self::Timeline,
        Self::Transcript,
        Self::Status,
        Self::Face,
    ];

    /// The types in Box's description.
    pub const DOCUMENTED: [Self; 4] = [
        Self::Keyword,
        Self::Timeline,
        Self::Transcript,
        Self::Status,
    ];

    /// Its name in `skill_card_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Timeline => "timeline",
            Self::Transcript => "transcript",
            Self::Status => "status",
            Self::Face => "face",
        }
    }

    /// Whether Box describes it.
    pub fn is_documented(self) -> bool {
        Self::DOCUMENTED.contains(&self)
    }

    /// Whether its entries are shown as images.
    pub fn has_images(self) -> bool {
        matches!(self, Self::Timeline | Self::Face)
    }

    /// The type with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|card_type| card_type.as_str() == name)
    }

    /// The title that the preview gives a card that names none.
    pub fn default_title(self) -> &'static str {
        match self {
            Self::Keyword => "Topics",
            Self::Timeline => UNTITLED,
            Self::Transcript => "Transcript",
            Self::Status => "Status",
            Self::Face => "Faces",
        }
    }
}

/// The title of a card that has none and whose type gives it none.
pub(super) const UNTITLED: &str = "Skill Card";

/// What the preview says for a card whose list of entries is empty.
pub const NO_INFORMATION: &str = "We’re sorry, no skills information was found.";

/// A card, read from any JSON value.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a>(pub Tree<'a>);

impl<'a> Card<'a> {
    /// The type that the preview shows it as; none if `skill_card_type` is missing or unknown.
    pub fn card_type(self) -> Option<CardType> {
        if self.is_error() {
            return Some(CardType::Status);
        }
        CardType::parse(self.0.get("skill_card_type")?.as_str()?)
    }

    /// Whether it has `error` and no `status`: the preview then shows a status card of its own.
    pub fn is_error(self) -> bool {
        self.is_truthy_member("error") && !self.is_truthy_member("status")
    }

    fn is_truthy_member(self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_truthy)
    }

    /// Its title as the preview shows it: a title code that the preview knows beats the message,
    /// and without either the type gives one.
    pub fn title(self) -> Cow<'a, str> {
        if let Some(known) = self.title_code().and_then(known_title) {
            return Cow::Borrowed(known);
        }
        if let Some(message) = self.shown_title() {
            return child_text(message);
        }
        let name = self.0.get("skill_card_type").and_then(Tree::as_str);
        Cow::Borrowed(match self.card_type() {
            Some(card_type) => card_type.default_title(),
            // The preview has a title for this name, but it is not a type.
            None if name == Some("topics") => CardType::Keyword.default_title(),
            None => UNTITLED,
        })
    }

    /// The message of its title, a string or not, if the preview shows it.
    pub(super) fn shown_title(self) -> Option<Tree<'a>> {
        if self
            .title_code()
            .is_some_and(|code| known_title(code).is_some())
        {
            return None;
        }
        let message = self.0.get("skill_card_title")?.get("message");
        message.filter(|message| is_truthy(*message))
    }

    /// The code of its title.
    pub fn title_code(self) -> Option<&'a str> {
        self.0.get("skill_card_title")?.get("code")?.as_str()
    }

    /// The code of its status.
    pub fn status_code(self) -> Option<&'a str> {
        if self.is_error() {
            return Some(UNKNOWN_ERROR);
        }
        self.0.get("status")?.get("code")?.as_str()
    }

    /// Whether the preview has no text of its own for the status.
    pub(super) fn shows_status_message(self) -> bool {
        self.status_code().and_then(known_status).is_none()
    }

    /// The text that the preview shows for its status: its own for the codes it knows, else the
    /// card's message, else that something went wrong, even for `success`.
    pub fn status_text(self) -> Cow<'a, str> {
        if let Some(known) = self.status_code().and_then(known_status) {
            return Cow::Borrowed(known);
        }
        let message = self
            .0
            .get("status")
            .and_then(|status| status.get("message"));
        match message.filter(|message| is_truthy(*message)) {
            Some(message) => child_text(message),
            None => Cow::Borrowed(SOMETHING_WENT_WRONG),
        }
    }

    /// Its entries; none where it has no list of them.
    pub fn entries(self) -> Items<'a> {
        self.entry_list().unwrap_or_default()
    }

    /// Its list of entries, if it has one.
    pub fn entry_list(self) -> Option<Items<'a>> {
        self.0.get("entries")?.as_array()
    }

    /// Its duration in seconds, if there is one above 0.
    pub fn duration(self) -> Option<f64> {
        coerced_number(self.0.get("duration")?).filter(|seconds| *seconds > 0.0)
    }

    /// Whether its section starts open.
    pub fn starts_open(self) -> bool {
        self.entry_list().is_none_or(|entries| !entries.is_empty())
    }

    /// Whether it has a status or a list of entries. Box opens its sidebar for skills only if a card
    /// of the file has.
    pub fn has_content(self) -> bool {
        self.is_truthy_member("status") || self.entry_list().is_some()
    }

    /// Why the preview hides the card, or nothing if it shows it. `current_version` is the id of
    /// the file's current version; if it is not known, cards of every version are shown.
    pub fn hidden(self, current_version: Option<&str>) -> Option<Hidden> {
        let version = self.0.get("file_version").filter(|value| is_truthy(*value));
        if let Some(version) = version {
            // A version that has no string as its id is never the current one.
            let id = version.get("id").and_then(Tree::as_str);
            let is_current = id.is_some_and(|id| current_version.is_none_or(|it| it == id));
            if !is_current {
                return Some(Hidden::OtherVersion);
            }
        }
        (!self.is_error() && !self.has_content()).then_some(Hidden::NoContent)
    }
}

/// Why the preview hides a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// It belongs to another version of the file.
    OtherVersion,
    /// It has neither a status nor a list of entries.
    NoContent,
}

impl Hidden {
    /// The reason in a few words, to follow "not shown: ".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherVersion => "it belongs to another version of the file",
            Self::NoContent => "it has neither a status nor a list of entries",
        }
    }
}

/// An entry of a card: a pill, a face, a line of speech.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a>(pub Tree<'a>);

impl<'a> Entry<'a> {
    /// Its text, as a pill or a line shows it.
    pub fn text(self) -> Cow<'a, str> {
        self.0.get("text").map(child_text).unwrap_or_default()
    }

    /// Its text as the label of an image.
    pub fn label(self) -> Cow<'a, str> {
        self.0.get("text").map(attribute_text).unwrap_or_default()
    }

    /// The address of its image.
    pub fn image_url(self) -> Option<&'a str> {
        self.0.get("image_url")?.as_str()
    }

    /// The periods in which it appears, as written.
    pub fn appears(self) -> Items<'a> {
        self.0
            .get("appears")
            .and_then(Tree::as_array)
            .unwrap_or_default()
    }

    /// The time in seconds that the preview shows next to a line of a transcript: there must be
    /// exactly one period, whose start is a number.
    pub fn time(self) -> Option<f64> {
        let mut appears = self.appears().iter();
        match (appears.next(), appears.next()) {
            (Some(only), None) => only.get("start")?.as_f64(),
            _ => None,
        }
    }

    /// The time in seconds that the preview copies in front of a line of a transcript: the first.
    pub fn copied_time(self) -> Option<f64> {
        self.appears().iter().next()?.get("start")?.as_f64()
    }

    /// The slices that the preview draws on a bar of `duration` seconds.
    pub fn slices(self, duration: f64) -> impl Iterator<Item = Slice> + 'a {
        self.appears()
            .iter()
            .enumerate()
            .filter_map(move |(index, appearance)| {
                Slice::from_appearance(index, appearance, duration)
            })
    }
}

/// A period on a timeline bar, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// The index of its segment among those of the entry.
    pub index: usize,
    /// Where it starts.
    pub start: f64,
    /// Where it ends; none gets the least width.
    pub end: Option<f64>,
}

impl Slice {
    /// The slice of one appearance: none if the start is not a number or is not before the end
    /// of the duration.
    fn from_appearance(index: usize, appearance: Tree<'_>, duration: f64) -> Option<Self> {
        let start = appearance.get("start")?.as_f64()?;
        let end = appearance.get("end").and_then(Tree::as_f64);
        (start < duration).then_some(Self { index, start, end })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::json::tree::Tape;

    #[test]
    fn a_known_title_code_beats_the_message_which_beats_the_type() {
        let card = json!({"skill_card_type": "keyword",
            "skill_card_title": {"code": "skills_faces", "message": "People"}});
        assert_eq!(Card(Tape::from_value(&card).tree()).title(), "Faces");
        let card = json!({"skill_card_type": "keyword",
            "skill_card_title": {"code": "license-plates", "message": "Plates"}});
        assert_eq!(Card(Tape::from_value(&card).tree()).title(), "Plates");
        for (card_type, title) in [
            ("keyword", "Topics"),
            ("transcript", "Transcript"),
            ("status", "Status"),
            ("face", "Faces"),
            ("timeline", "Skill Card"),
            ("other", "Skill Card"),
            ("topics", "Topics"),
        ] {
            assert_eq!(
                Card(Tape::from_value(&json!({"skill_card_type": card_type})).tree()).title(),
                title
            );
        }
    }

    #[test]
    fn a_known_status_code_ignores_the_message() {
        let card = json!({"status": {"code": "skills_pending_status", "message": "Hello"}});
        assert_eq!(
            Card(Tape::from_value(&card).tree()).status_text(),
            "We’re working on processing your file - please hold!"
        );
    }

    #[test]
    fn a_status_without_message_shows_as_an_error_even_success() {
        for code in ["success", "invoked", "skills_external_auth_error.", "x"] {
            let card = json!({"status": {"code": code}});
            assert_eq!(
                Card(Tape::from_value(&card).tree()).status_text(),
                SOMETHING_WENT_WRONG
            );
        }
        let card = json!({"status": {"code": "success", "message": "Done"}});
        assert_eq!(Card(Tape::from_value(&card).tree()).status_text(), "Done");
    }

    #[test]
    fn a_card_with_an_error_and_no_status_is_shown_as_a_status_card() {
        let card = json!({"skill_card_type": "keyword", "error": "quota",
            "entries": [{"text": "a"}]});
        let tape = Tape::from_value(&card);
        let card = Card(tape.tree());
        assert_eq!(card.card_type(), Some(CardType::Status));
        assert_eq!(
            (&*card.title(), &*card.status_text()),
            ("Status", SOMETHING_WENT_WRONG)
        );
        let card = json!({"skill_card_type": "keyword", "error": "quota", "status": {}});
        assert_eq!(
            Card(Tape::from_value(&card).tree()).card_type(),
            Some(CardType::Keyword)
        );
    }

    #[test]
    fn a_number_is_shown_as_a_title_and_as_a_text() {
        let card = json!({"skill_card_title": {"message": 2026.0}});
        assert_eq!(Card(Tape::from_value(&card).tree()).title(), "2026");
        for (text, shown) in [
            (json!(1.5), "1.5"),
            (json!(["a", 1]), "a1"),
            (json!(true), ""),
        ] {
            let entry = json!({"text": text});
            assert_eq!(Entry(Tape::from_value(&entry).tree()).text(), shown);
        }
    }

    #[test]
    fn a_card_is_shown_for_its_version_if_it_has_content() {
        let card = json!({"file_version": {"id": "7"}, "status": {}});
        assert_eq!(Card(Tape::from_value(&card).tree()).hidden(Some("7")), None);
        assert_eq!(Card(Tape::from_value(&card).tree()).hidden(None), None);
        for version in [json!("7"), json!(7), json!({"id": 7}), json!([])] {
            let card = json!({"file_version": version, "status": {}});
            for current in [None, Some("7")] {
                assert_eq!(
                    Card(Tape::from_value(&card).tree()).hidden(current),
                    Some(Hidden::OtherVersion),
                    "{card}"
                );
            }
        }
        assert_eq!(
            Card(Tape::from_value(&card).tree()).hidden(Some("8")),
            Some(Hidden::OtherVersion)
        );
        assert_eq!(
            Card(Tape::from_value(&json!({"status": ""})).tree()).hidden(None),
            Some(Hidden::NoContent)
        );
        assert_eq!(
            Card(Tape::from_value(&json!({"entries": []})).tree()).hidden(None),
            None
        );
    }

    #[test]
    fn slices_need_a_start_inside_the_duration() {
        let entry = json!({"appears": [{"start": 1, "end": 2.5}, {"start": "3"}, {"start": 10},
            {"end": 4}, {"start": 9.5}, 7]});
        let slices: Vec<_> = Entry(Tape::from_value(&entry).tree())
            .slices(10.0)
            .collect();
        assert_eq!(
            slices,
            [
                Slice {
                    index: 0,
                    start: 1.0,
                    end: Some(2.5)
                },
                Slice {
                    index: 4,
                    start: 9.5,
                    end: None
                }
            ]
        );
    }

    #[test]
    fn a_transcript_shows_a_time_only_for_exactly_one_appearance() {
        assert_eq!(
            Entry(Tape::from_value(&json!({"appears": [{"start": 1.5}]})).tree()).time(),
            Some(1.5)
        );
        assert_eq!(
            Entry(Tape::from_value(&json!({"appears": [{"start": 1}, {"start": 2}]})).tree())
                .time(),
            None
        );
        assert_eq!(
            Entry(Tape::from_value(&json!({"appears": [{"start": "1"}]})).tree()).time(),
            None
        );
    }
}
