//! Cards that break Box's sidebar: its code throws an exception, and an error takes the place of every
//! card of the file (docs/box/preview.md#what-breaks-the-sidebar).

use super::{
    javascript::breaks_as_child,
    model::{Card, CardType},
};
use crate::domain::json::{
    pointer::Pointer,
    tree::{Members, Tree},
};

/// The first line that the sidebar shows in place of all cards.
pub const ERROR_TITLE: &str = "We’re sorry, something went wrong.";

/// The second line.
pub const ERROR_ADVICE: &str = "Please refresh the page or try again later.";

/// A value that makes the sidebar fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakage {
    /// The pointer to the value, from the card.
    pub pointer: Pointer,
    /// What is wrong, in a few words: "entry 1 is null".
    pub reason: String,
}

/// The value by which a card breaks the sidebar, if there is one. What a hidden card contains is not
/// read, except for its title.
pub fn breakage(card: Tree<'_>) -> Option<Breakage> {
    const TITLE: &str = "skill_card_title";
    let at = |pointer: Pointer, reason: &str| {
        Some(Breakage {
            pointer,
            reason: reason.to_owned(),
        })
    };
    if card.is_null() {
        return at(Pointer::ROOT, "the card is null");
    }
    let members = card.as_object()?;
    if members.get(TITLE).is_some_and(Tree::is_null) {
        return at(Pointer::ROOT.key(TITLE), "`skill_card_title` is null");
    }
    let card = Card(card);
    if card.hidden(None).is_some() {
        return None;
    }
    if card.shown_title().is_some_and(breaks_as_child) {
        let pointer = Pointer::ROOT.key(TITLE).key("message");
        return at(pointer, "the message of the title is an object");
    }
    if !card.starts_open() {
        return None;
    }
    match card.card_type()? {
        CardType::Status => status_breakage(card),
        card_type => entries_breakage(members, card_type),
    }
}

fn status_breakage(card: Card<'_>) -> Option<Breakage> {
    let at = |pointer: Pointer, reason: &str| {
        Some(Breakage {
            pointer,
            reason: reason.to_owned(),
        })
    };
    let pointer = Pointer::ROOT.key("status");
    match card.0.get("status") {
        Some(Tree::Null) if !card.is_error() => at(pointer, "`status` is null"),
        Some(Tree::Object(status)) if card.shows_status_message() => status
            .get("message")
            .filter(|message| breaks_as_child(*message))
            .and_then(|_| at(pointer.key("message"), "the message is an object")),
        _ => None,
    }
}

fn entries_breakage(members: Members<'_>, card_type: CardType) -> Option<Breakage> {
    let pointer = Pointer::ROOT.key("entries");
    let breaks = |reason: &str| {
        Some(Breakage {
            pointer: pointer.clone(),
            reason: reason.to_owned(),
        })
    };
    let entries = match members.get("entries") {
        Some(Tree::Array(entries)) => entries,
        None => return breaks("the card has no `entries`"),
        Some(Tree::Null) => return breaks("`entries` is null"),
        // A transcript asks for the length first, and stops where there is none.
        Some(Tree::String("") | Tree::Number(_) | Tree::Bool(_) | Tree::Object(_))
            if card_type == CardType::Transcript =>
        {
            return None;
        }
        Some(_) => return breaks("`entries` is not a list"),
    };
    let shows_text = !card_type.has_images();
    entries.iter().enumerate().find_map(|(index, entry)| {
        let pointer = pointer.index(index);
        let number = index + 1;
        if entry.is_null() {
            let reason = format!("entry {number} is null");
            return Some(Breakage { pointer, reason });
        }
        let text = entry.get("text").filter(|_| shows_text)?;
        breaks_as_child(text).then(|| Breakage {
            pointer: pointer.key("text"),
            reason: format!("the text of entry {number} is an object"),
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::json::tree::Tape;

    fn breaking_pointer(card: &Value) -> Option<String> {
        breakage(Tape::from_value(card).tree()).map(|it| it.pointer.to_string())
    }

    fn card(card_type: &str, members: Value) -> Value {
        let mut card = json!({"type": "skill_card", "skill_card_type": card_type});
        let (Value::Object(card_members), Value::Object(members)) = (&mut card, members) else {
            panic!("objects");
        };
        card_members.extend(members);
        card
    }

    #[test]
    fn values_that_the_sidebar_cannot_read_break_it() {
        for (card, pointer) in [
            (json!(null), ""),
            (
                card(
                    "keyword",
                    json!({"skill_card_title": null, "entries": [{"text": "a"}]}),
                ),
                "/skill_card_title",
            ),
            (
                card("other", json!({"skill_card_title": null})),
                "/skill_card_title",
            ),
            (
                card(
                    "keyword",
                    json!({"skill_card_title": {"message": {}}, "entries": []}),
                ),
                "/skill_card_title/message",
            ),
            (card("transcript", json!({"status": {}})), "/entries"),
            (card("keyword", json!({"status": {}})), "/entries"),
            (
                card("face", json!({"status": {}, "entries": {}})),
                "/entries",
            ),
            (
                card("timeline", json!({"status": {}, "entries": null})),
                "/entries",
            ),
            (
                card("keyword", json!({"entries": [{"text": "a"}, null]})),
                "/entries/1",
            ),
            (card("timeline", json!({"entries": [null]})), "/entries/0"),
            (card("transcript", json!({"entries": [null]})), "/entries/0"),
            (
                card("keyword", json!({"entries": [{"text": {"a": 1}}]})),
                "/entries/0/text",
            ),
            (
                card("transcript", json!({"entries": [{"text": ["a", {}]}]})),
                "/entries/0/text",
            ),
            (
                card("status", json!({"status": null, "entries": [{}]})),
                "/status",
            ),
            (
                card("status", json!({"status": {"code": "mine", "message": {}}})),
                "/status/message",
            ),
        ] {
            assert_eq!(breaking_pointer(&card).as_deref(), Some(pointer), "{card}");
        }
    }

    #[test]
    fn values_that_are_not_read_or_read_as_empty_do_not_break_it() {
        for card in [
            json!(7),
            json!("a"),
            json!([]),
            card("keyword", json!({"entries": [{"text": null}, 1, "x", []]})),
            card("timeline", json!({"entries": [{"text": {}}]})),
            card("keyword", json!({})),
            card("keyword", json!({"status": {}, "entries": []})),
            card("transcript", json!({"status": {}, "entries": 5})),
            card("status", json!({"status": null, "entries": []})),
            card("status", json!({"status": null})),
            card("status", json!({"status": "done"})),
            card(
                "status",
                json!({"status": {"code": "skills_unknown_error", "message": {}}}),
            ),
            card("other", json!({"status": {}})),
            card("keyword", json!({"error": "quota", "entries": [null]})),
            card(
                "keyword",
                json!({"skill_card_title": {"code": "skills_topics", "message": {}}, "entries": []}),
            ),
        ] {
            assert_eq!(breaking_pointer(&card), None, "{card}");
        }
    }
}
