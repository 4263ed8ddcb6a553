//! Deepgram's pre-recorded transcriptions.

use crate::domain::{
    cards_from::{
        content::{Content, Line},
        value::{best, items, items_below, label, period, seconds, speaker, text},
        words::{Grouping, Lines},
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits(result: Tree<'_>) -> bool {
    result.below(&["results", "channels"]).is_some()
}

/// Utterances where they were asked for, else the sentences of paragraphs, else words.
pub(in crate::domain::cards_from) fn read(result: Tree<'_>, grouping: Grouping) -> Content {
    let mut lines = Vec::new();
    if grouping == Grouping::Sentence {
        lines.extend(items_below(result, &["results", "utterances"]).filter_map(utterance));
    }
    if lines.is_empty() {
        let channels: Vec<_> = items_below(result, &["results", "channels"]).collect();
        for (nth, channel) in channels.iter().enumerate() {
            let name = (channels.len() > 1).then(|| format!("Channel {}", nth + 1));
            if let Some(best) = best(*channel) {
                lines.extend(alternative(best, name.as_deref(), grouping));
            }
        }
    }
    let metadata = result.get("metadata");
    Content {
        duration: metadata.and_then(|it| seconds(it, "duration")),
        lines,
        ..Content::default()
    }
}

fn utterance(utterance: Tree<'_>) -> Option<Line> {
    let period = period(utterance, "start", "end");
    let text = text(utterance, "transcript")?;
    Some(Line::spoken(period, speaker(utterance, "speaker"), text))
}

fn alternative(best: Tree<'_>, channel: Option<&str>, grouping: Grouping) -> Vec<Line> {
    let who = |value| speaker(value, "speaker").or_else(|| channel.map(str::to_owned));
    if grouping == Grouping::Sentence {
        let sentences: Vec<_> = items_below(best, &["paragraphs", "paragraphs"])
            .flat_map(|paragraph| {
                items(paragraph, "sentences").filter_map(move |sentence| {
                    let period = period(sentence, "start", "end");
                    Some(Line::spoken(
                        period,
                        who(paragraph),
                        text(sentence, "text")?,
                    ))
                })
            })
            .collect();
        if !sentences.is_empty() {
            return sentences;
        }
    }
    let mut lines = Lines::new(grouping);
    for word in items(best, "words") {
        if let Some(text) = label(word, "punctuated_word").or_else(|| label(word, "word")) {
            lines.word(&text, period(word, "start", "end"), who(word));
        }
    }
    let mut lines = lines.finish();
    if lines.is_empty() {
        lines.extend(text(best, "transcript").map(|text| Line::spoken(None, who(best), text)));
    }
    lines
}
