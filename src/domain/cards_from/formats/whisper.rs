//! OpenAI's transcriptions: `verbose_json` of Whisper, and `diarized_json`.

use crate::domain::{
    cards_from::{
        content::{Content, Line},
        value::{items, period, seconds, speaker, text},
        words::{Grouping, Lines},
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits(result: Tree<'_>) -> bool {
    let segment = |it: Tree<'_>| it.get("text").is_some() && it.get("start").is_some();
    let word = |it: Tree<'_>| it.get("word").is_some() && it.get("start").is_some();
    result.get("text").is_some() && items(result, "words").any(word)
        || items(result, "segments").any(segment)
}

pub(in crate::domain::cards_from) fn read(result: Tree<'_>, grouping: Grouping) -> Content {
    let mut lines: Vec<Line> = items(result, "segments")
        .filter_map(|segment| {
            let text = text(segment, "text")?;
            let speaker = speaker(segment, "speaker");
            Some(Line::spoken(period(segment, "start", "end"), speaker, text))
        })
        .collect();
    let mut words = Lines::new(grouping);
    if lines.is_empty() || grouping == Grouping::Second {
        for word in items(result, "words") {
            if let Some(text) = text(word, "word") {
                words.word(text, period(word, "start", "end"), None);
            }
        }
    }
    let words = words.finish();
    if !words.is_empty() {
        lines = words;
    }
    if lines.is_empty() {
        lines.extend(text(result, "text").map(|text| Line::spoken(None, None, text)));
    }
    Content {
        duration: seconds(result, "duration"),
        lines,
        ..Content::default()
    }
}
