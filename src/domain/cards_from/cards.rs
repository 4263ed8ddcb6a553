//! Content to cards, in the order Faces, Text, Topics, Transcript. What was changed to make cards that
//! Box shows is noted.

use std::collections::BTreeMap;

use serde_json::Value;

use super::content::{Content, Face, Line, Period, Topic};
use crate::domain::{
    card::build::{self, TimelineEntry},
    subtitles::Cue,
    text::counted,
};

/// Periods of a topic or face that are closer than this, in seconds, are one: services report a topic
/// of a video again for each of its frames.
const MAX_GAP: f64 = 1.0;

/// What becomes of the content.
#[derive(Clone, Debug)]
pub struct CardOptions {
    /// The lowest confidence of topics, faces and texts, from 0 to 1.
    pub min_confidence: f64,
    /// At most this many topics: those of which the service is most certain.
    pub max_topics: usize,
    /// At most this many faces.
    pub max_faces: usize,
    /// Whether lines of speech begin with their speaker.
    pub speakers: bool,
    /// Whether times keep fractions of seconds. Box documents whole seconds.
    pub fractions: bool,
    /// The length of the file in seconds, in place of that in the content.
    pub duration: Option<f64>,
    /// Pictures of faces by their names in lower case, as they go into a card.
    pub pictures: BTreeMap<String, String>,
}

impl CardOptions {
    /// The options for a format whose lowest confidence this is.
    pub fn new(min_confidence: f64) -> Self {
        Self {
            min_confidence,
            max_topics: 25,
            max_faces: 20,
            speakers: false,
            fractions: false,
            duration: None,
            pictures: BTreeMap::new(),
        }
    }
}

/// Cards that were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MadeCards {
    /// The cards, without `skill` and `invocation`.
    pub cards: Vec<Value>,
    /// What was changed or left out, a sentence each.
    pub notes: Vec<String>,
}

/// Makes cards of content.
pub fn make(content: Content, options: &CardOptions) -> MadeCards {
    let mut notes = Vec::new();
    let given = options.duration.or(content.duration);
    let content = selected(content, options, &mut notes);
    let clock = Clock::new(&content, given, options.fractions, &mut notes);
    let mut cards = Vec::new();
    let faces: Vec<_> = content
        .faces
        .iter()
        .map(|face| {
            let picture = picture(face, options).cloned();
            clock.entry(&face.label, picture, &face.appears)
        })
        .collect();
    if !faces.is_empty() {
        let duration = clock.duration_of(&faces);
        cards.push(build::timeline("Faces", &faces, duration));
    }
    if !content.text.is_empty() {
        cards.push(clock.transcript("Text", &content.text, options));
    }
    let topics: Vec<_> = content
        .topics
        .iter()
        .map(|topic| clock.entry(&topic.text, None, &topic.appears))
        .collect();
    if !topics.is_empty() {
        let duration = clock.duration_of(&topics);
        cards.push(build::topics("Topics", &topics, duration));
    }
    if !content.lines.is_empty() {
        cards.push(clock.transcript("Transcript", &content.lines, options));
    }
    MadeCards { cards, notes }
}

/// Makes a transcript of the lines alone; none if there are none.
pub fn transcript(title: &str, content: Content, options: &CardOptions) -> Option<Value> {
    let given = options.duration.or(content.duration);
    let content = Content {
        lines: in_order(content.lines),
        ..Content::default()
    };
    let clock = Clock::new(&content, given, options.fractions, &mut Vec::new());
    let has_lines = !content.lines.is_empty();
    has_lines.then(|| clock.transcript(title, &content.lines, options))
}

/// The picture of a face, by one of its names.
fn picture<'a>(face: &Face, options: &'a CardOptions) -> Option<&'a String> {
    let mut names = face.picture_names.iter();
    names.find_map(|name| options.pictures.get(&name.to_lowercase()))
}

/// What is certain enough and fits, in the order in which it is shown.
fn selected(content: Content, options: &CardOptions, notes: &mut Vec<String>) -> Content {
    let is_certain =
        |certain: Option<f64>| certain.is_none_or(|certain| certain >= options.min_confidence);
    let mut faces = content.faces;
    let mut topics = content.topics;
    let mut text = content.text;
    let before = faces.len() + topics.len() + text.len();
    faces.retain(|face| is_certain(face.confidence));
    topics.retain(|topic| is_certain(topic.confidence));
    text.retain(|line| is_certain(line.confidence));
    let uncertain = before - faces.len() - topics.len() - text.len();
    if uncertain > 0 {
        notes.push(format!(
            "{} left out: the confidence is below {}",
            counted(uncertain, "entry", "entries"),
            options.min_confidence
        ));
    }
    let (faces, without) = merged_faces(faces)
        .into_iter()
        .partition(|face: &Face| picture(face, options).is_some());
    let without: Vec<Face> = without;
    if !without.is_empty() {
        notes.push(format!(
            "{} without a picture: added to the topics",
            counted(without.len(), "face", "faces")
        ));
    }
    topics.extend(without.into_iter().map(|face| Topic {
        text: face.label,
        confidence: face.confidence,
        appears: face.appears,
    }));
    let faces = limited(
        faces,
        options.max_faces,
        |face| face.confidence,
        "faces",
        notes,
    );
    let topics = merged_topics(topics);
    let topics = limited(
        topics,
        options.max_topics,
        |topic| topic.confidence,
        "topics",
        notes,
    );
    Content {
        duration: None,
        lines: in_order(content.lines),
        text: without_repetition(in_order(text)),
        topics,
        faces,
    }
}

/// The first items by confidence; those without one come last, in their order.
fn limited<T>(
    mut items: Vec<T>,
    max: usize,
    confidence: fn(&T) -> Option<f64>,
    name: &str,
    notes: &mut Vec<String>,
) -> Vec<T> {
    let certain = |item: &T| confidence(item).unwrap_or(-1.0);
    items.sort_by(|one, other| certain(other).total_cmp(&certain(one)));
    if items.len() > max {
        notes.push(format!(
            "of {} {name}, the {max} with the highest confidence are used",
            items.len()
        ));
        items.truncate(max);
    }
    items
}

/// One topic of those with the same text, whatever its case.
fn merged_topics(topics: Vec<Topic>) -> Vec<Topic> {
    let mut merged: Vec<Topic> = Vec::new();
    let mut places = BTreeMap::new();
    for topic in topics {
        let text = one_line(&topic.text);
        if text.is_empty() {
            continue;
        }
        let place = *places.entry(text.to_lowercase()).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(same) => {
                same.confidence = most(same.confidence, topic.confidence);
                same.appears.extend(topic.appears);
            }
            None => merged.push(Topic { text, ..topic }),
        }
    }
    for topic in &mut merged {
        topic.appears = joined(std::mem::take(&mut topic.appears));
    }
    merged
}

/// One face of those with the same label.
fn merged_faces(faces: Vec<Face>) -> Vec<Face> {
    let mut merged: Vec<Face> = Vec::new();
    let mut places = BTreeMap::new();
    for face in faces {
        let label = one_line(&face.label);
        if label.is_empty() {
            continue;
        }
        let place = *places.entry(label.clone()).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(same) => {
                same.confidence = most(same.confidence, face.confidence);
                same.appears.extend(face.appears);
            }
            None => merged.push(Face { label, ..face }),
        }
    }
    for face in &mut merged {
        face.appears = joined(std::mem::take(&mut face.appears));
    }
    merged
}

fn most(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}

/// Periods in their order; those that touch or nearly touch are one.
fn joined(mut periods: Vec<Period>) -> Vec<Period> {
    periods.sort_by(|one, other| one.start.total_cmp(&other.start));
    let mut joined: Vec<Period> = Vec::new();
    for period in periods {
        match joined.last_mut() {
            Some(last) if period.start - last.end.unwrap_or(last.start) <= MAX_GAP => {
                let end = most(last.end, period.end.or(Some(period.start)));
                last.end = end.filter(|end| *end > last.start).or(last.end);
            }
            _ => joined.push(period),
        }
    }
    joined
}

/// Lines by their start, if all have one.
fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    for line in &mut lines {
        line.text = one_line(&line.text);
    }
    lines.retain(|line| !line.text.is_empty());
    if lines.iter().all(|line| line.period.is_some()) {
        let start = |line: &Line| line.period.map_or(0.0, |period| period.start);
        lines.sort_by(|one, other| start(one).total_cmp(&start(other)));
    }
    lines
}

/// Lines without those that a video shows again in its next frame.
fn without_repetition(mut lines: Vec<Line>) -> Vec<Line> {
    lines.dedup_by(|next, line| {
        let is_same = next.text == line.text && next.period.is_some();
        if is_same && let (Some(line), Some(next)) = (&mut line.period, next.period) {
            line.end = most(line.end, next.end.or(Some(next.start)));
        }
        is_same
    });
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The times of the cards: all of them are within the duration, in whole seconds or milliseconds.
struct Clock {
    duration: Option<f64>,
    fractions: bool,
}

impl Clock {
    fn new(
        content: &Content,
        given: Option<f64>,
        fractions: bool,
        notes: &mut Vec<String>,
    ) -> Self {
        let mut clock = Self {
            duration: None,
            fractions,
        };
        let lines = content.lines.iter().chain(&content.text);
        let topics = content.topics.iter().flat_map(|topic| &topic.appears);
        let faces = content.faces.iter().flat_map(|face| &face.appears);
        let periods = lines
            .filter_map(|line| line.period)
            .chain(topics.copied())
            .chain(faces.copied());
        let periods = periods.map(|period| clock.rounded(period));
        // A period has to start before the end of the file.
        let ends = periods.map(|(start, end)| end.unwrap_or(start).max(start + clock.least()));
        let last = ends.reduce(f64::max);
        let given = given.map(|given| clock.round(given, f64::ceil));
        clock.duration = match (given, last) {
            (Some(given), Some(last)) if last > given => {
                notes.push(format!(
                    "times go to {last} s, beyond the duration of {given} s: {last} s is used"
                ));
                Some(last)
            }
            (None, Some(last)) => {
                notes.push(format!(
                    "the result has no duration: the end of the last entry is used, {last} s; \
                     --duration gives the length of the file"
                ));
                Some(last)
            }
            (given, _) => given.filter(|given| *given > 0.0),
        };
        clock
    }

    /// The least length of a period.
    fn least(&self) -> f64 {
        if self.fractions { 0.001 } else { 1.0 }
    }

    fn round(&self, seconds: f64, whole: fn(f64) -> f64) -> f64 {
        if self.fractions {
            (seconds * 1000.0).round() / 1000.0
        } else {
            whole(seconds)
        }
    }

    fn rounded(&self, period: Period) -> (f64, Option<f64>) {
        let start = self.round(period.start, f64::floor);
        let end = period.end.map(|end| self.round(end, f64::ceil));
        (start, end.map(|end| end.max(start + self.least())))
    }

    fn entry(&self, text: &str, image_url: Option<String>, appears: &[Period]) -> TimelineEntry {
        TimelineEntry {
            text: text.to_owned(),
            image_url,
            appears: appears.iter().map(|period| self.rounded(*period)).collect(),
        }
    }

    /// The duration, for a card of which an entry has times.
    fn duration_of(&self, entries: &[TimelineEntry]) -> Option<f64> {
        let is_timed = entries.iter().any(|entry| !entry.appears.is_empty());
        self.duration.filter(|_| is_timed)
    }

    fn transcript(&self, title: &str, lines: &[Line], options: &CardOptions) -> Value {
        let cues: Vec<Cue> = lines
            .iter()
            .map(|line| self.cue(line, options.speakers))
            .collect();
        let is_timed = cues.iter().any(|cue| cue.start.is_some());
        build::transcript(title, &cues, self.duration.filter(|_| is_timed))
    }

    fn cue(&self, line: &Line, speakers: bool) -> Cue {
        let period = line.period.map(|period| self.rounded(period));
        let text = match &line.speaker {
            Some(speaker) if speakers => format!("{speaker}: {}", line.text),
            _ => line.text.clone(),
        };
        Cue {
            start: period.map(|(start, _)| start),
            end: period.and_then(|(_, end)| end),
            text,
        }
    }
}
