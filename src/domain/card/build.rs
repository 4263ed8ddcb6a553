//! Builds cards from their content, and fills in missing members.

use serde_json::{Map, Value, json};

use super::model::CardType;
use crate::domain::subtitles::Cue;

/// The members of a card besides its content. Those that are `None` are left out.
#[derive(Clone, Debug, Default)]
pub struct Filling {
    /// `skill.id`.
    pub skill_id: Option<String>,
    /// `invocation.id`.
    pub invocation_id: Option<String>,
    /// `created_at`, as RFC 3339.
    pub created_at: Option<String>,
}

/// An entry with times: a topic, or a face of a timeline with its image as it goes into the card.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    /// Its label.
    pub text: String,
    /// An address or data URI.
    pub image_url: Option<String>,
    /// Starts and ends in seconds.
    pub appears: Vec<(f64, Option<f64>)>,
}

/// A keyword card: a pill for each text.
pub fn keyword(title: &str, texts: &[String]) -> Value {
    let entries: Vec<Value> = texts
        .iter()
        .map(|text| json!({"type": "text", "text": text}))
        .collect();
    let mut card = card(CardType::Keyword, title);
    card["entries"] = entries.into();
    card
}

/// A keyword card with times: a pill for each entry, over `duration` seconds.
pub fn topics(title: &str, topics: &[TimelineEntry], duration: Option<f64>) -> Value {
    let entries = topics.iter().map(|topic| timed_entry(topic, "text"));
    with_entries(card(CardType::Keyword, title), entries.collect(), duration)
}

/// A timeline card: a face for each entry, over `duration` seconds.
pub fn timeline(title: &str, faces: &[TimelineEntry], duration: Option<f64>) -> Value {
    let entries = faces.iter().map(|face| match &face.image_url {
        Some(image) => {
            let mut entry = timed_entry(face, "image");
            entry["image_url"] = image.as_str().into();
            entry
        }
        None => timed_entry(face, "text"),
    });
    with_entries(card(CardType::Timeline, title), entries.collect(), duration)
}

fn timed_entry(entry: &TimelineEntry, entry_type: &str) -> Value {
    let mut made = json!({"type": entry_type, "text": entry.text});
    if !entry.appears.is_empty() {
        let appears = entry.appears.iter();
        made["appears"] = appears
            .map(|(start, end)| appearance(*start, *end))
            .collect();
    }
    made
}

/// A transcript card: a line for each cue, over `duration` seconds.
pub fn transcript(title: &str, cues: &[Cue], duration: Option<f64>) -> Value {
    let entries: Vec<Value> = cues
        .iter()
        .map(|cue| {
            let mut entry = json!({"type": "text", "text": cue.text});
            if let Some(start) = cue.start {
                entry["appears"] = json!([appearance(start, cue.end)]);
            }
            entry
        })
        .collect();
    with_entries(card(CardType::Transcript, title), entries, duration)
}

/// A status card.
pub fn status(title: &str, code: &str, message: Option<&str>) -> Value {
    let mut card = card(CardType::Status, title);
    card["status"] = json!({"code": code});
    if let Some(message) = message {
        card["status"]["message"] = message.into();
    }
    card
}

fn card(card_type: CardType, title: &str) -> Value {
    json!({
        "type": "skill_card",
        "skill_card_type": card_type.as_str(),
        "skill_card_title": {"code": title_code(title), "message": title},
    })
}

fn with_entries(mut card: Value, entries: Vec<Value>, duration: Option<f64>) -> Value {
    if let Some(seconds) = duration {
        card["duration"] = number(seconds);
    }
    card["entries"] = entries.into();
    card
}

fn appearance(start: f64, end: Option<f64>) -> Value {
    let mut appearance = json!({"start": number(start)});
    if let Some(end) = end {
        appearance["end"] = number(end);
    }
    appearance
}

/// Whole seconds as an integer, as in Box's description; others as a float.
fn number(seconds: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if seconds.fract() == 0.0 && seconds.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        let whole = seconds as i64;
        whole.into()
    } else {
        seconds.into()
    }
}

/// The code that the official kit gives a title: `skills_` and the title in lower case, its first
/// space replaced.
pub fn title_code(title: &str) -> String {
    format!("skills_{}", title.to_lowercase().replacen(' ', "_", 1))
}

/// Fills in what a card leaves out: `type`, `created_at`, `skill`, `invocation`. Members that are
/// there already are kept, right or wrong.
pub fn fill(card: &mut Value, filling: &Filling) {
    let Value::Object(members) = card else {
        return;
    };
    put(members, "type", Some("skill_card"));
    put(members, "created_at", filling.created_at.as_deref());
    reference(members, "skill", "service", filling.skill_id.as_deref());
    let invocation_id = filling.invocation_id.as_deref();
    reference(members, "invocation", "skill_invocation", invocation_id);
}

fn put(members: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        members.entry(key).or_insert_with(|| value.into());
    }
}

fn reference(members: &mut Map<String, Value>, key: &str, kind: &str, id: Option<&str>) {
    let reference = match (members.get_mut(key), id) {
        (Some(Value::Object(reference)), _) => reference,
        (None, Some(_)) => {
            members.insert(key.to_owned(), json!({}));
            match members.get_mut(key) {
                Some(Value::Object(reference)) => reference,
                _ => return,
            }
        }
        _ => return,
    };
    put(reference, "type", Some(kind));
    put(reference, "id", id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        card::validate::{Schema, validate},
        json::tree::Tape,
    };

    fn filling() -> Filling {
        Filling {
            skill_id: Some("137".into()),
            invocation_id: Some("7_1".into()),
            created_at: Some("2026-11-21T10:00:00Z".into()),
        }
    }

    #[test]
    fn built_and_filled_cards_have_no_finding() {
        let face = TimelineEntry {
            text: "Anna".into(),
            image_url: Some("https://a.example/b.png".into()),
            appears: vec![(1.0, Some(5.0)), (9.0, None)],
        };
        let cue = Cue {
            start: Some(1.0),
            end: Some(2.0),
            text: "Hello".into(),
        };
        let mut cards = vec![
            keyword("Topics", &["a".into(), "b".into()]),
            timeline("Faces", &[face], Some(60.0)),
            transcript("Transcript", &[cue], Some(2.0)),
            status("Status", "processing", Some("Listening")),
        ];
        for card in &mut cards {
            fill(card, &filling());
        }
        let cards = Value::from(cards);
        assert_eq!(
            validate(Tape::from_value(&cards).tree(), Schema::Documented),
            []
        );
        assert_eq!(cards[1]["entries"][0]["appears"][1], json!({"start": 9}));
    }

    #[test]
    fn filling_keeps_what_is_there() {
        let mut card = json!({"skill": {"id": 5}, "invocation": "odd", "created_at": null});
        fill(&mut card, &filling());
        assert_eq!(
            card,
            json!({"skill": {"id": 5, "type": "service"}, "invocation": "odd",
                "created_at": null, "type": "skill_card"})
        );
        let mut no_object = json!(7);
        fill(&mut no_object, &filling());
        assert_eq!(no_object, json!(7));
    }

    #[test]
    fn nothing_known_fills_in_nothing_but_the_type() {
        let mut card = json!({});
        fill(&mut card, &Filling::default());
        assert_eq!(card, json!({"type": "skill_card"}));
    }

    #[test]
    fn title_codes_are_those_of_the_official_kit() {
        assert_eq!(title_code("Topics"), "skills_topics");
        assert_eq!(title_code("My Own Title"), "skills_my_own title");
    }
}
