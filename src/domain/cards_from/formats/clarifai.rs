//! Clarifai's predictions: concepts of an image, of its regions, and of the frames of a video.

use crate::domain::{
    cards_from::{
        content::{Content, Period, Topic},
        value::{confidence, items, milliseconds, text},
        words::Grouping,
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits(result: Tree<'_>) -> bool {
    items(result, "outputs").any(|output| output.get("data").is_some())
}

pub(in crate::domain::cards_from) fn read(result: Tree<'_>, _: Grouping) -> Content {
    let mut topics = Vec::new();
    for data in items(result, "outputs").filter_map(|output| output.get("data")) {
        concepts(data, None, &mut topics);
        for frame in items(data, "frames") {
            let time = frame
                .get("frame_info")
                .and_then(|it| milliseconds(it, "time"));
            let period = Period::new(time, None);
            if let Some(data) = frame.get("data") {
                concepts(data, period, &mut topics);
            }
        }
    }
    Content {
        topics,
        ..Content::default()
    }
}

fn concepts(data: Tree<'_>, period: Option<Period>, topics: &mut Vec<Topic>) {
    let regions = items(data, "regions").filter_map(|region| region.get("data"));
    for data in std::iter::once(data).chain(regions) {
        topics.extend(items(data, "concepts").filter_map(|concept| {
            let name = text(concept, "name")?;
            Some(Topic::new(name, confidence(concept, "value")).at(period))
        }));
    }
}
