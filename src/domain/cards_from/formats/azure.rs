//! Azure AI: Vision (versions 2 to 4), and Speech (batch and fast transcription).

use crate::domain::{
    cards_from::{
        content::{Content, Line, Period, Topic},
        value::{
            confidence, first, items, items_below, milliseconds, seconds, speaker, text, ticks,
        },
        words::{Grouping, Lines},
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits_vision(result: Tree<'_>) -> bool {
    let tags = items(result, "tags").any(|tag| tag.get("confidence").is_some());
    let ways: [&[&str]; 6] = [
        &["description", "captions"],
        &["regions"],
        &["analyzeResult", "readResults"],
        &["readResult", "blocks"],
        &["captionResult", "text"],
        &["tagsResult", "values"],
    ];
    tags || ways.iter().any(|names| result.below(names).is_some())
}

/// Tags as topics; the caption and the text of the image as text.
pub(in crate::domain::cards_from) fn read_vision(result: Tree<'_>, _: Grouping) -> Content {
    let tags = items(result, "tags").chain(items_below(result, &["tagsResult", "values"]));
    let mut topics: Vec<Topic> = tags
        .filter_map(|tag| {
            Some(Topic::new(
                text(tag, "name")?,
                confidence(tag, "confidence"),
            ))
        })
        .collect();
    if topics.is_empty() {
        let names = items_below(result, &["description", "tags"]);
        topics.extend(names.filter_map(|tag| Some(Topic::new(tag.as_str()?, None))));
    }
    let captions = items_below(result, &["description", "captions"]);
    let captions = captions.chain(result.get("captionResult"));
    let mut written: Vec<Line> = captions
        .filter_map(|it| {
            Some(Line::written(
                None,
                confidence(it, "confidence"),
                text(it, "text")?,
            ))
        })
        .collect();
    written.extend(words_by_line(result).map(|line| Line::written(None, None, &line)));
    written.extend(lines(result).map(|line| Line::written(None, None, line)));
    Content {
        text: written,
        topics,
        ..Content::default()
    }
}

/// The lines of the oldest OCR, of which only the words have text.
fn words_by_line(result: Tree<'_>) -> impl Iterator<Item = String> {
    items(result, "regions")
        .flat_map(|region| items(region, "lines"))
        .map(|line| {
            let words: Vec<_> = items(line, "words")
                .filter_map(|it| text(it, "text"))
                .collect();
            words.join(" ")
        })
        .filter(|line| !line.is_empty())
}

/// The lines of Read, versions 3 and 4.
fn lines(result: Tree<'_>) -> impl Iterator<Item = &str> {
    let pages = items_below(result, &["analyzeResult", "readResults"]);
    let blocks = items_below(result, &["readResult", "blocks"]);
    pages
        .chain(blocks)
        .flat_map(|page| items(page, "lines"))
        .filter_map(|line| text(line, "text"))
}

pub(in crate::domain::cards_from) fn fits_speech(result: Tree<'_>) -> bool {
    let is_phrase = |it: Tree<'_>| it.get("text").is_some() && offset(it).is_some();
    result
        .get("recognizedPhrases")
        .is_some_and(|it| it.as_array().is_some())
        || items(result, "phrases").any(is_phrase)
}

pub(in crate::domain::cards_from) fn read_speech(result: Tree<'_>, grouping: Grouping) -> Content {
    let mut lines: Vec<Line> = items(result, "recognizedPhrases")
        .filter_map(batch_phrase)
        .collect();
    for phrase in items(result, "phrases") {
        lines.extend(fast_phrase(phrase, grouping));
    }
    let is_batch = result.get("recognizedPhrases").is_some();
    let duration = ticks(result, "durationInTicks")
        .or_else(|| milliseconds(result, "durationMilliseconds"))
        .or_else(|| {
            if is_batch {
                seconds(result, "duration")
            } else {
                milliseconds(result, "duration")
            }
        });
    Content {
        duration,
        lines,
        ..Content::default()
    }
}

fn batch_phrase(phrase: Tree<'_>) -> Option<Line> {
    let start = ticks(phrase, "offsetInTicks").or_else(|| seconds(phrase, "offset"));
    let length = ticks(phrase, "durationInTicks").or_else(|| seconds(phrase, "duration"));
    let end = start.zip(length).map(|(start, length)| start + length);
    let text = text(first(phrase, "nBest")?, "display")?;
    let who = speaker(phrase, "speaker");
    Some(Line::spoken(Period::new(start, end), who, text))
}

/// Milliseconds, under the name of the released version or of its preview.
fn offset(phrase: Tree<'_>) -> Option<f64> {
    milliseconds(phrase, "offsetMilliseconds").or_else(|| milliseconds(phrase, "offset"))
}

fn fast_period(phrase: Tree<'_>) -> Option<Period> {
    let length = milliseconds(phrase, "durationMilliseconds");
    let length = length.or_else(|| milliseconds(phrase, "duration"));
    let start = offset(phrase);
    Period::new(
        start,
        start.zip(length).map(|(start, length)| start + length),
    )
}

fn fast_phrase(phrase: Tree<'_>, grouping: Grouping) -> Vec<Line> {
    let who = speaker(phrase, "speaker");
    let mut words = Lines::new(grouping);
    if grouping == Grouping::Second {
        for word in items(phrase, "words") {
            if let Some(text) = text(word, "text") {
                words.word(text, fast_period(word), who.clone());
            }
        }
    }
    let mut lines = words.finish();
    if lines.is_empty() {
        let text = text(phrase, "text");
        lines.extend(text.map(|text| Line::spoken(fast_period(phrase), who, text)));
    }
    lines
}
