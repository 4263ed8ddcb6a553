//! Amazon: Transcribe, and Rekognition for images and videos.

use std::collections::BTreeMap;

use crate::domain::{
    cards_from::{
        content::{Content, Face, Line, Period, Topic},
        value::{best, items, items_below, milliseconds, percent, period, speaker, text},
        words::{Grouping, Lines},
    },
    json::tree::{Items, Tree},
};

pub(in crate::domain::cards_from) fn fits_transcribe(result: Tree<'_>) -> bool {
    ["items", "transcripts", "audio_segments"]
        .iter()
        .any(|name| result.below(&["results", name]).is_some())
}

/// Words with times, which are strings, and punctuation without.
pub(in crate::domain::cards_from) fn read_transcribe(
    result: Tree<'_>,
    grouping: Grouping,
) -> Content {
    let speakers = speakers(result);
    let mut lines = Lines::new(grouping);
    for item in items_below(result, &["results", "items"]) {
        let Some(word) = best(item).and_then(|best| text(best, "content")) else {
            continue;
        };
        if text(item, "type") == Some("punctuation") {
            lines.punctuation(word);
            continue;
        }
        let speaker = speaker(item, "speaker_label")
            .or_else(|| text(item, "start_time").and_then(|start| speakers.get(start).cloned()))
            .or_else(|| speaker(item, "channel_label"));
        lines.word(word, period(item, "start_time", "end_time"), speaker);
    }
    let mut lines = lines.finish();
    if lines.is_empty() {
        let segments = items_below(result, &["results", "audio_segments"]);
        lines.extend(segments.filter_map(|segment| {
            let period = period(segment, "start_time", "end_time");
            let text = text(segment, "transcript")?;
            Some(Line::spoken(
                period,
                speaker(segment, "speaker_label"),
                text,
            ))
        }));
    }
    if lines.is_empty() {
        let transcripts = items_below(result, &["results", "transcripts"]);
        let transcripts = transcripts.filter_map(|it| text(it, "transcript"));
        lines.extend(transcripts.map(|text| Line::spoken(None, None, text)));
    }
    Content {
        lines,
        ..Content::default()
    }
}

/// The speakers by the start of their words, as it is written.
fn speakers(result: Tree<'_>) -> BTreeMap<&str, String> {
    items_below(result, &["results", "speaker_labels", "segments"])
        .flat_map(|segment| items(segment, "items"))
        .filter_map(|item| Some((text(item, "start_time")?, speaker(item, "speaker_label")?)))
        .collect()
}

/// The lists of Rekognition's results, of which one has one or several.
const LISTS: [&str; 7] = [
    "Labels",
    "ModerationLabels",
    "TextDetections",
    "FaceDetails",
    "CelebrityFaces",
    "Faces",
    "Celebrities",
];

pub(in crate::domain::cards_from) fn fits_rekognition(result: Tree<'_>) -> bool {
    LISTS
        .iter()
        .any(|name| result.get(name).is_some_and(|it| it.as_array().is_some()))
}

pub(in crate::domain::cards_from) fn read_rekognition(result: Tree<'_>, _: Grouping) -> Content {
    let labels = ["Labels", "ModerationLabels"];
    let labels = labels.iter().flat_map(|name| items(result, name));
    let details = items(result, "FaceDetails").chain(items(result, "Faces"));
    let celebrities = items(result, "CelebrityFaces").chain(items(result, "Celebrities"));
    let mut faces: Vec<Face> = celebrities.filter_map(celebrity).collect();
    faces.extend(
        details
            .enumerate()
            .filter_map(|(nth, it)| face(nth + 1, it)),
    );
    let metadata = result.get("VideoMetadata").map(|metadata| {
        // Some results have one for each video stream.
        let first = metadata.as_array().and_then(Items::first);
        first.unwrap_or(metadata)
    });
    Content {
        duration: metadata.and_then(|it| milliseconds(it, "DurationMillis")),
        text: items(result, "TextDetections")
            .filter_map(detected_text)
            .collect(),
        topics: labels.filter_map(topic).collect(),
        faces,
        ..Content::default()
    }
}

/// When a detection of a video is; those of an image have no time.
fn appearance(detection: Tree<'_>) -> Option<Period> {
    let segment = (
        milliseconds(detection, "StartTimestampMillis"),
        milliseconds(detection, "EndTimestampMillis"),
    );
    Period::new(segment.0, segment.1)
        .or_else(|| Period::new(milliseconds(detection, "Timestamp"), None))
}

/// `detection` itself, or what a detection of a video has under `name`.
fn detected<'a>(detection: Tree<'a>, name: &str) -> Tree<'a> {
    detection.get(name).unwrap_or(detection)
}

fn topic(detection: Tree<'_>) -> Option<Topic> {
    let label = ["Label", "ModerationLabel"]
        .iter()
        .find_map(|name| detection.get(name))
        .unwrap_or(detection);
    let topic = Topic::new(text(label, "Name")?, percent(label, "Confidence"));
    Some(topic.at(appearance(detection)))
}

/// A line; its words are detections of their own.
fn detected_text(detection: Tree<'_>) -> Option<Line> {
    let found = detected(detection, "TextDetection");
    if text(found, "Type") == Some("WORD") {
        return None;
    }
    let certain = percent(found, "Confidence");
    Some(Line::written(
        appearance(detection),
        certain,
        text(found, "DetectedText")?,
    ))
}

fn celebrity(detection: Tree<'_>) -> Option<Face> {
    let found = detected(detection, "Celebrity");
    let name = text(found, "Name")?;
    let id = text(found, "Id").map(str::to_owned);
    let certain = percent(found, "MatchConfidence").or_else(|| percent(found, "Confidence"));
    Some(Face {
        label: name.to_owned(),
        picture_names: id.into_iter().chain([name.to_owned()]).collect(),
        confidence: certain,
        appears: appearance(detection).into_iter().collect(),
    })
}

/// A face without a name is described: "Face 1: female, 20 to 28".
fn face(number: usize, detection: Tree<'_>) -> Option<Face> {
    let found = detected(detection, "Face");
    let certain = percent(found, "Confidence")?;
    let gender = found.get("Gender").and_then(|it| text(it, "Value"));
    let age = |name| Some(found.get("AgeRange")?.get(name)?.as_i64()?.to_string());
    let age = age("Low").zip(age("High"));
    let described: Vec<String> = gender
        .map(str::to_lowercase)
        .into_iter()
        .chain(age.map(|(low, high)| format!("{low} to {high}")))
        .collect();
    let name = format!("Face {number}");
    let label = match described.as_slice() {
        [] => name,
        described => format!("{name}: {}", described.join(", ")),
    };
    Some(Face {
        label,
        picture_names: vec![format!("face-{number}"), number.to_string()],
        confidence: Some(certain),
        appears: appearance(detection).into_iter().collect(),
    })
}
