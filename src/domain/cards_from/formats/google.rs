//! Google Cloud: Vision, Speech-to-Text and Video Intelligence.

use crate::domain::{
    cards_from::{
        content::{Content, Line, Period, Topic},
        value::{best, confidence, first, items, label, seconds, text},
        words::{Grouping, Lines},
    },
    json::tree::Tree,
};

const VISION: [&str; 7] = [
    "labelAnnotations",
    "textAnnotations",
    "fullTextAnnotation",
    "localizedObjectAnnotations",
    "logoAnnotations",
    "landmarkAnnotations",
    "webDetection",
];

pub(in crate::domain::cards_from) fn fits_vision(result: Tree<'_>) -> bool {
    images(result).any(|image| VISION.iter().any(|name| image.get(name).is_some()))
}

/// The images of a batch, or one alone.
fn images(result: Tree<'_>) -> impl Iterator<Item = Tree<'_>> {
    let batch = items(result, "responses");
    batch.chain(result.get("responses").is_none().then_some(result))
}

/// Labels, objects, logos and landmarks as topics, and the text by its lines.
pub(in crate::domain::cards_from) fn read_vision(result: Tree<'_>, _: Grouping) -> Content {
    let mut content = Content::default();
    for image in images(result) {
        for (list, name) in [
            ("labelAnnotations", "description"),
            ("localizedObjectAnnotations", "name"),
            ("logoAnnotations", "description"),
            ("landmarkAnnotations", "description"),
        ] {
            content.topics.extend(
                items(image, list)
                    .filter_map(|it| Some(Topic::new(text(it, name)?, confidence(it, "score")))),
            );
        }
        let full = image
            .get("fullTextAnnotation")
            .and_then(|it| text(it, "text"));
        // Without it, the first of these is the whole text.
        let first = || first(image, "textAnnotations").and_then(|it| text(it, "description"));
        let text = full.or_else(first).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        content
            .text
            .extend(lines.map(|line| Line::written(None, None, line)));
    }
    content
}

/// Alternatives with `words` are Google's, with `timestamps` Watson's. Without either only the members
/// around them differ.
pub(in crate::domain::cards_from) fn fits_speech(result: Tree<'_>) -> bool {
    let is_other = |it: Tree<'_>| {
        ["final", "keywords_result", "word_alternatives"]
            .iter()
            .any(|name| it.get(name).is_some())
            || best(it).is_some_and(|best| best.get("timestamps").is_some())
    };
    items(result, "results").any(|it| best(it).is_some())
        && !items(result, "results").any(is_other)
        && result.get("result_index").is_none()
}

/// Versions 1 and 2: a time is `startTime` or `startOffset`.
pub(in crate::domain::cards_from) fn read_speech(result: Tree<'_>, grouping: Grouping) -> Content {
    let results: Vec<_> = items(result, "results").collect();
    Content {
        lines: spoken(&results, grouping),
        ..Content::default()
    }
}

/// The lines of results with `alternatives`, as Speech-to-Text and Video Intelligence have them.
fn spoken(results: &[Tree<'_>], grouping: Grouping) -> Vec<Line> {
    let names_speakers = |it: &Tree<'_>| {
        best(*it).is_some_and(|best| items(best, "words").any(|word| who(word).is_some()))
    };
    // With speakers, the last result repeats all words.
    let results = match results.split_last() {
        Some((last, before)) if names_speakers(last) && !before.iter().any(names_speakers) => {
            std::slice::from_ref(last)
        }
        _ => results,
    };
    let mut lines = Vec::new();
    let mut start = 0.0;
    for result in results {
        let Some(best) = best(*result) else {
            continue;
        };
        let end = time(*result, ["resultEndTime", "resultEndOffset"]);
        let mut words = Lines::new(grouping);
        for word in items(best, "words") {
            if let Some(text) = text(word, "word") {
                let end = time(word, ["endTime", "endOffset"]);
                // Zero is the default of the protocol, and may be left out.
                let start = time(word, ["startTime", "startOffset"]).or(end.map(|_| 0.0));
                words.word(text, Period::new(start, end), who(word));
            }
        }
        let words = words.finish();
        if let (true, Some(text)) = (words.is_empty(), text(best, "transcript")) {
            let period = Period::new(end.map(|_| start), end);
            lines.push(Line::spoken(period, None, text));
        }
        lines.extend(words);
        start = end.unwrap_or(start);
    }
    lines
}

fn who(word: Tree<'_>) -> Option<String> {
    let name = label(word, "speakerLabel").or_else(|| label(word, "speakerTag"));
    // 0 is the default of the protocol: no speaker.
    name.filter(|name| name != "0")
        .map(|name| format!("Speaker {name}"))
}

fn time(value: Tree<'_>, names: [&str; 2]) -> Option<f64> {
    names.iter().find_map(|name| seconds(value, name))
}

pub(in crate::domain::cards_from) fn fits_video(result: Tree<'_>) -> bool {
    result
        .get("annotationResults")
        .is_some_and(|it| it.as_array().is_some())
}

/// Labels as timed topics, text, and speech.
pub(in crate::domain::cards_from) fn read_video(result: Tree<'_>, grouping: Grouping) -> Content {
    let mut content = Content::default();
    for video in items(result, "annotationResults") {
        let whole = video.get("segment").and_then(segment);
        let end = whole.and_then(|whole| whole.end);
        content.duration = [content.duration, end]
            .into_iter()
            .flatten()
            .reduce(f64::max);
        for list in ["segmentLabelAnnotations", "shotLabelAnnotations"] {
            content
                .topics
                .extend(items(video, list).filter_map(labelled));
        }
        content
            .text
            .extend(items(video, "textAnnotations").filter_map(|it| {
                let first = first(it, "segments")?;
                let period = first.get("segment").and_then(segment);
                Some(Line::written(
                    period,
                    confidence(first, "confidence"),
                    text(it, "text")?,
                ))
            }));
        let speech: Vec<_> = items(video, "speechTranscriptions").collect();
        content.lines.extend(spoken(&speech, grouping));
    }
    content
}

fn labelled(label: Tree<'_>) -> Option<Topic> {
    let name = text(label.get("entity")?, "description")?;
    let certain = items(label, "segments").filter_map(|it| confidence(it, "confidence"));
    let certain = certain.reduce(f64::max);
    let segments = items(label, "segments").filter_map(|it| segment(it.get("segment")?));
    Some(Topic::new(name, certain).at(segments))
}

/// Zero is the default of the protocol, and may be left out.
fn segment(segment: Tree<'_>) -> Option<Period> {
    let end = seconds(segment, "endTimeOffset");
    let start = seconds(segment, "startTimeOffset").or(end.map(|_| 0.0));
    Period::new(start, end)
}
