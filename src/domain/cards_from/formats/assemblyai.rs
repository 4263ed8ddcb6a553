//! AssemblyAI's transcripts. Times are milliseconds, but for the length of the file.

use crate::domain::{
    cards_from::{
        content::{Content, Line, Topic},
        value::{confidence, items, items_below, period_in_ms, seconds, speaker, text},
        words::{Grouping, Lines},
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits(result: Tree<'_>) -> bool {
    ["audio_duration", "audio_url"]
        .iter()
        .any(|name| result.get(name).is_some())
        && ["utterances", "words", "text"]
            .iter()
            .any(|name| result.get(name).is_some())
}

/// Utterances where speakers were asked for, else the sentences of words, and the highlights as topics.
pub(in crate::domain::cards_from) fn read(result: Tree<'_>, grouping: Grouping) -> Content {
    let mut lines = Vec::new();
    if grouping == Grouping::Sentence {
        lines.extend(items(result, "utterances").filter_map(|utterance| {
            let period = period_in_ms(utterance, "start", "end");
            let text = text(utterance, "text")?;
            Some(Line::spoken(period, speaker(utterance, "speaker"), text))
        }));
    }
    if lines.is_empty() {
        let mut words = Lines::new(grouping);
        for word in items(result, "words") {
            if let Some(text) = text(word, "text") {
                let period = period_in_ms(word, "start", "end");
                words.word(text, period, speaker(word, "speaker"));
            }
        }
        lines = words.finish();
    }
    if lines.is_empty() {
        lines.extend(text(result, "text").map(|text| Line::spoken(None, None, text)));
    }
    let highlights = items_below(result, &["auto_highlights_result", "results"]);
    Content {
        duration: seconds(result, "audio_duration"),
        lines,
        topics: highlights.filter_map(highlight).collect(),
        ..Content::default()
    }
}

fn highlight(highlight: Tree<'_>) -> Option<Topic> {
    let times = items(highlight, "timestamps");
    let times = times.filter_map(|time| period_in_ms(time, "start", "end"));
    // `rank` is a relevance: it orders, and is not compared with a confidence.
    let rank = confidence(highlight, "rank");
    Some(Topic::new(text(highlight, "text")?, rank).at(times))
}
