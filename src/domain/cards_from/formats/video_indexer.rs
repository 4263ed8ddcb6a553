//! Azure AI Video Indexer: the insights of videos, or the summary of an older index.

use std::collections::BTreeMap;

use crate::domain::{
    cards_from::{
        content::{Content, Face, Line, Period, Topic},
        value::{confidence, first, items, label, period, seconds, text},
        words::Grouping,
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits(result: Tree<'_>) -> bool {
    result.get("summarizedInsights").is_some()
        || items(result, "videos").any(|video| video.get("insights").is_some())
}

pub(in crate::domain::cards_from) fn read(result: Tree<'_>, _: Grouping) -> Content {
    let mut content = Content::default();
    for insights in items(result, "videos").filter_map(|video| video.get("insights")) {
        add(insights, &mut content);
        let length = seconds(insights, "duration");
        content.duration = [content.duration, length]
            .into_iter()
            .flatten()
            .reduce(f64::max);
    }
    if content.is_empty()
        && let Some(summary) = result.get("summarizedInsights")
    {
        add(summary, &mut content);
        let length = summary
            .get("duration")
            .and_then(|it| seconds(it, "seconds"));
        content.duration = content.duration.or(length);
    }
    content.duration = content
        .duration
        .or_else(|| seconds(result, "durationInSeconds"));
    content
}

fn add(insights: Tree<'_>, content: &mut Content) {
    let speakers: BTreeMap<String, &str> = items(insights, "speakers")
        .filter_map(|speaker| Some((label(speaker, "id")?, text(speaker, "name")?)))
        .collect();
    content
        .lines
        .extend(items(insights, "transcript").filter_map(|line| {
            let id = label(line, "speakerId");
            let name = id.and_then(|id| {
                speakers.get(&id).map_or_else(
                    || Some(format!("Speaker {id}")),
                    |name| Some((*name).to_owned()),
                )
            });
            Some(Line::spoken(
                periods(line).next(),
                name,
                text(line, "text")?,
            ))
        }));
    content.text.extend(items(insights, "ocr").filter_map(|it| {
        let certain = confidence(it, "confidence");
        Some(Line::written(
            periods(it).next(),
            certain,
            text(it, "text")?,
        ))
    }));
    for (list, name) in [("keywords", "text"), ("topics", "name"), ("labels", "name")] {
        content
            .topics
            .extend(items(insights, list).filter_map(|it| {
                // The summary names all of them alike.
                let name = text(it, name).or_else(|| text(it, "name"))?;
                let own = confidence(it, "confidence");
                let certain = own
                    .or_else(|| first(it, "instances").and_then(|it| confidence(it, "confidence")));
                Some(Topic::new(name, certain).at(periods(it)))
            }));
    }
    content
        .faces
        .extend(items(insights, "faces").filter_map(face));
}

/// The periods of an insight, or of one in the summary.
fn periods(insight: Tree<'_>) -> impl Iterator<Item = Period> {
    let summarised = items(insight, "appearances").filter_map(|it| {
        period(it, "startSeconds", "endSeconds").or_else(|| period(it, "startTime", "endTime"))
    });
    items(insight, "instances")
        .filter_map(|it| period(it, "start", "end"))
        .chain(summarised)
}

fn face(face: Tree<'_>) -> Option<Face> {
    let name = text(face, "name")?;
    let ids = [
        text(face, "thumbnailId").map(str::to_owned),
        label(face, "id"),
    ];
    let names = ids.into_iter().flatten().chain([name.to_owned()]);
    Some(Face {
        label: name.to_owned(),
        picture_names: names.collect(),
        confidence: confidence(face, "confidence").filter(|certain| *certain > 0.0),
        appears: periods(face).collect(),
    })
}
