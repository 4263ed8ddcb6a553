//! IBM Watson: Speech to Text, and Natural Language Understanding.

use std::collections::BTreeMap;

use crate::domain::{
    cards_from::{
        content::{Content, Line, Period, Topic},
        value::{best, confidence, items, period, seconds, speaker, text},
        words::{Grouping, Lines},
    },
    json::tree::{Members, Tree},
};

/// Alternatives with `timestamps` are Watson's, with `words` Google's. Without either only the members
/// around them differ.
pub(in crate::domain::cards_from) fn fits_speech(result: Tree<'_>) -> bool {
    let is_other = |it: Tree<'_>| {
        [
            "languageCode",
            "resultEndTime",
            "resultEndOffset",
            "channelTag",
        ]
        .iter()
        .any(|name| it.get(name).is_some())
            || best(it).is_some_and(|best| best.get("words").is_some())
    };
    items(result, "results").any(|it| best(it).is_some())
        && !items(result, "results").any(is_other)
        && result.get("totalBilledTime").is_none()
}

/// A result is a line. The keywords that were asked for are topics.
pub(in crate::domain::cards_from) fn read_speech(result: Tree<'_>, grouping: Grouping) -> Content {
    let speakers = speakers(result);
    let mut lines = Lines::new(grouping);
    let mut untimed = Vec::new();
    let mut topics = Vec::new();
    for part in items(result, "results") {
        let Some(best) = best(part) else {
            continue;
        };
        let has_words = items(best, "timestamps").next().is_some();
        for word in items(best, "timestamps") {
            add_word(word, &speakers, &mut lines);
        }
        lines.end_line();
        if let Some(text) = text(best, "transcript").filter(|_| !has_words) {
            untimed.push(Line::spoken(None, None, text));
        }
        let found = part.get("keywords_result").and_then(Tree::as_object);
        for (keyword, places) in found.into_iter().flat_map(Members::iter) {
            topics.push(keyword_topic(keyword, places));
        }
    }
    let mut lines = lines.finish();
    lines.append(&mut untimed);
    let duration = result.below(&["audio_metrics", "accumulated"]);
    Content {
        duration: duration.and_then(|it| seconds(it, "end_time")),
        lines,
        topics,
        ..Content::default()
    }
}

/// The speakers by the start of their words, in milliseconds.
fn speakers(result: Tree<'_>) -> BTreeMap<u64, String> {
    items(result, "speaker_labels")
        .filter_map(|label| {
            let start = seconds(label, "from")?;
            Some((key(start), speaker(label, "speaker")?))
        })
        .collect()
}

fn key(seconds: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time is not negative, and far below the limit"
    )]
    let milliseconds = (seconds * 1000.0).round() as u64;
    milliseconds
}

/// Adds `["word", 0.1, 0.3]`. Hesitations are not words.
fn add_word(word: Tree<'_>, speakers: &BTreeMap<u64, String>, lines: &mut Lines) {
    let mut parts = word.as_array().unwrap_or_default().iter();
    let Some(text) = parts.next().and_then(Tree::as_str) else {
        return;
    };
    if text == "%HESITATION" {
        return;
    }
    let mut time = || {
        let time = parts.next().and_then(Tree::as_f64);
        time.filter(|time| (0.0..1e9).contains(time))
    };
    let period = Period::new(time(), time());
    let speaker = period.and_then(|period| speakers.get(&key(period.start)).cloned());
    lines.word(text, period, speaker);
}

fn keyword_topic(keyword: &str, places: Tree<'_>) -> Topic {
    let places = places.as_array().unwrap_or_default();
    let best = places.iter().filter_map(|it| confidence(it, "confidence"));
    let best = best.reduce(f64::max);
    let times = places.iter();
    Topic::new(keyword.trim(), best).at(times.filter_map(|it| period(it, "start_time", "end_time")))
}

pub(in crate::domain::cards_from) fn fits_nlu(result: Tree<'_>) -> bool {
    let scored = |name: &str, score: &str| items(result, name).any(|it| it.get(score).is_some());
    ["concepts", "keywords", "entities"]
        .iter()
        .any(|name| scored(name, "relevance"))
        || items(result, "categories")
            .any(|it| it.get("label").is_some() && it.get("score").is_some())
}

/// Concepts, keywords, entities and categories as topics.
pub(in crate::domain::cards_from) fn read_nlu(result: Tree<'_>, _: Grouping) -> Content {
    let mut topics: Vec<Topic> = ["concepts", "keywords", "entities"]
        .iter()
        .flat_map(|name| items(result, name))
        .filter_map(|it| Some(Topic::new(text(it, "text")?, confidence(it, "relevance"))))
        .collect();
    topics.extend(items(result, "categories").filter_map(|it| {
        // A category is a path: `/technology and computing/software`.
        let name = text(it, "label")?.rsplit('/').next()?;
        Some(Topic::new(name, confidence(it, "score")))
    }));
    Content {
        topics,
        ..Content::default()
    }
}
