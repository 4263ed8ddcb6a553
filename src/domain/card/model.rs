//! A card as Box's web preview reads it: its type, its title, the text of its status, whether it
//! is shown at all. Views over JSON trees: nothing is copied, whatever the shape.
//!
//! The rules are those of box-ui-elements 26.3, whose preview is what users of Box see.

use std::borrow::Cow;

use super::codes::{SOMETHING_WENT_WRONG, known_status, known_title};
use crate::domain::json::tree::{Items, Tree};

/// The types of cards that Box describes, in `skill_card_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardType {
    /// Topics, shown as pills.
    Keyword,
    /// Faces or other images, with a bar of when each appears.
    Timeline,
    /// Lines of speech with their times.
    Transcript,
    /// How the skill is doing.
    Status,
}

impl CardType {
    /// Every type, in the order in which Box's description lists them.
    pub const ALL: [Self; 4] = [
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
        }
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
        }
    }
}

/// The title of a card that has none and whose type gives it none.
pub(super) const UNTITLED: &str = "Skill Card";

/// What the preview says for a card whose list of entries is empty.
pub const NO_INFORMATION: &str = "We're sorry, no skills information was found.";

/// A card, read from any JSON value.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a>(pub Tree<'a>);

impl<'a> Card<'a> {
    /// Its type; none if `skill_card_type` is missing or is not a type that Box describes.
    pub fn card_type(self) -> Option<CardType> {
        CardType::parse(self.0.get("skill_card_type")?.as_str()?)
    }

    /// Its title as the preview shows it: a title code that the preview knows beats the message,
    /// and without either the type gives one.
    pub fn title(self) -> &'a str {
        self.title_code()
            .and_then(known_title)
            .or_else(|| self.title_message().filter(|message| !message.is_empty()))
            .unwrap_or_else(|| self.card_type().map_or(UNTITLED, CardType::default_title))
    }

    /// The code of its title.
    pub fn title_code(self) -> Option<&'a str> {
        self.0.get("skill_card_title")?.get("code")?.as_str()
    }

    /// The message of its title.
    pub fn title_message(self) -> Option<&'a str> {
        self.0.get("skill_card_title")?.get("message")?.as_str()
    }

    /// The code of its status.
    pub fn status_code(self) -> Option<&'a str> {
        self.0.get("status")?.get("code")?.as_str()
    }

    /// The message of its status, if it says anything.
    pub fn status_message(self) -> Option<&'a str> {
        let message = self.0.get("status")?.get("message")?.as_str()?;
        (!message.is_empty()).then_some(message)
    }

    /// The text that the preview shows for its status: its own for the codes it knows, else the
    /// card's message, else that something went wrong, even for `success`.
    pub fn status_text(self) -> &'a str {
        self.status_code()
            .and_then(known_status)
            .or_else(|| self.status_message())
            .unwrap_or(SOMETHING_WENT_WRONG)
    }

    /// Its entries; none where it has no list of them.
    pub fn entries(self) -> Items<'a> {
        self.entry_list().unwrap_or_default()
    }

    /// Its list of entries, if it has one.
    pub fn entry_list(self) -> Option<Items<'a>> {
        self.0.get("entries")?.as_array()
    }

    /// Its duration in seconds, where there is one above 0.
    pub fn duration(self) -> Option<f64> {
        self.0
            .get("duration")?
            .as_f64()
            .filter(|seconds| *seconds > 0.0)
    }

    /// Why the preview hides the card, or nothing if it shows it. `current_version` is the id of
    /// the file's current version; if it is not known, cards of every version are shown.
    pub fn hidden(self, current_version: Option<&str>) -> Option<Hidden> {
        let version = self.0.get("file_version").filter(|value| is_truthy(*value));
        if let (Some(version), Some(current)) = (version, current_version)
            && version.get("id").unwrap_or(version).as_str() != Some(current)
        {
            return Some(Hidden::OtherVersion);
        }
        let has_status = self.0.get("status").is_some_and(is_truthy);
        (!has_status && self.entry_list().is_none()).then_some(Hidden::NoContent)
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
    /// Its text; a number is shown as such, anything else is empty.
    pub fn text(self) -> Cow<'a, str> {
        match self.0.get("text") {
            Some(Tree::String(text)) => Cow::Borrowed(text),
            Some(Tree::Number(number)) => Cow::Owned(number.to_string()),
            _ => Cow::Borrowed(""),
        }
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

    /// The slices that the preview draws on a bar of `duration` seconds.
    pub fn slices(self, duration: f64) -> impl Iterator<Item = Slice> + 'a {
        self.appears()
            .iter()
            .filter_map(move |appearance| Slice::from_appearance(appearance, duration))
    }
}

/// A period on a timeline bar, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// Where it starts.
    pub start: f64,
    /// Where it ends; none gets the least width.
    pub end: Option<f64>,
}

impl Slice {
    /// The slice of one appearance: none if the start is not a number or is not before the end
    /// of the duration.
    fn from_appearance(appearance: Tree<'_>, duration: f64) -> Option<Self> {
        let start = appearance.get("start")?.as_f64()?;
        let end = appearance.get("end").and_then(Tree::as_f64);
        (start < duration).then_some(Self { start, end })
    }
}

/// Whether the value is truthy in JavaScript.
fn is_truthy(value: Tree<'_>) -> bool {
    match value {
        Tree::Null => false,
        Tree::Bool(truth) => truth,
        Tree::Number(number) => number.as_f64() != Some(0.0),
        Tree::String(text) => !text.is_empty(),
        Tree::Array(_) | Tree::Object(_) => true,
    }
}

/// The status of an invocation, as far as the cards of the file show it. The metadata API has no
/// status of its own: for skills that write with it, the cards are the only source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reported {
    /// The skill has started and not finished.
    Processing,
    /// The skill has written data.
    Success,
    /// The skill has reported a failure.
    PermanentFailure,
}

impl Reported {
    /// Its name among the statuses of skill_invocations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Success => "success",
            Self::PermanentFailure => "permanent_failure",
        }
    }
}

/// The status that a list of cards reports: an error card counts as failure, otherwise any data
/// card as success, otherwise a status card by its code. None if no card has data or a status.
pub fn reported<'a>(cards: impl IntoIterator<Item = Tree<'a>>) -> Option<Reported> {
    cards
        .into_iter()
        .filter_map(|card| reported_by(Card(card)))
        .max_by_key(|reported| match reported {
            Reported::Processing => 0,
            Reported::Success => 1,
            Reported::PermanentFailure => 2,
        })
}

fn reported_by(card: Card<'_>) -> Option<Reported> {
    if card
        .card_type()
        .is_some_and(|card_type| card_type != CardType::Status)
    {
        return Some(Reported::Success);
    }
    let status = card.0.get("status").filter(|status| is_truthy(*status));
    if status.is_none() {
        return card.entry_list().map(|_| Reported::Success);
    }
    let code = card.status_code().unwrap_or_default();
    let failed = card.title_code() == Some("skills_error")
        || code.trim_end_matches('.').ends_with("error")
        || code.ends_with("failure")
        || code == "skills_no_info_found";
    Some(if failed {
        Reported::PermanentFailure
    } else if code == "success" {
        Reported::Success
    } else {
        Reported::Processing
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
            ("timeline", "Skill Card"),
            ("other", "Skill Card"),
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
            "We're working on processing your file - please hold!"
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
    fn a_card_is_shown_for_its_version_if_it_has_content() {
        let card = json!({"file_version": {"id": "7"}, "status": {}});
        assert_eq!(Card(Tape::from_value(&card).tree()).hidden(Some("7")), None);
        assert_eq!(Card(Tape::from_value(&card).tree()).hidden(None), None);
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
                    start: 1.0,
                    end: Some(2.5)
                },
                Slice {
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

    #[test]
    fn cards_report_the_status_of_the_skill() {
        let status = |code: &str| json!({"skill_card_type": "status", "status": {"code": code}});
        let data = json!({"skill_card_type": "keyword", "entries": [], "status": {}});
        let reported_by_all = |cards: &[Value]| {
            let tapes: Vec<_> = cards.iter().map(Tape::from_value).collect();
            reported(tapes.iter().map(Tape::tree))
        };
        assert_eq!(reported_by_all(&[]), None);
        for code in [
            "skills_pending_status",
            "processing",
            "invoked",
            "skills_invoked_status",
        ] {
            assert_eq!(
                reported_by_all(&[status(code)]),
                Some(Reported::Processing),
                "{code}"
            );
        }
        for code in [
            "skills_unknown_error",
            "skills_external_auth_error.",
            "error",
            "custom_error",
            "transient_failure",
            "permanent_failure",
        ] {
            assert_eq!(
                reported_by_all(&[status(code)]),
                Some(Reported::PermanentFailure),
                "{code}"
            );
        }
        assert_eq!(
            reported_by_all(&[status("success")]),
            Some(Reported::Success)
        );
        assert_eq!(
            reported_by_all(std::slice::from_ref(&data)),
            Some(Reported::Success)
        );
        assert_eq!(
            reported_by_all(&[status("processing"), data.clone()]),
            Some(Reported::Success)
        );
        assert_eq!(
            reported_by_all(&[data, status("custom_error")]),
            Some(Reported::PermanentFailure)
        );
        let titled = json!({"skill_card_type": "status",
            "skill_card_title": {"code": "skills_error", "message": "Error"},
            "status": {"code": "mine", "message": "No luck"}});
        assert_eq!(reported_by_all(&[titled]), Some(Reported::PermanentFailure));
    }
}
