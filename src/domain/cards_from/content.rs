//! What a result says, whatever format it has: the one form that all formats are read into.

/// The content of a result. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The length of the file, if the result has it.
    pub duration: Option<f64>,
    /// What is said.
    pub lines: Vec<Line>,
    /// What is written in the picture, or describes it.
    pub text: Vec<Line>,
    /// Keywords, labels and the like.
    pub topics: Vec<Topic>,
    /// Faces.
    pub faces: Vec<Face>,
}

impl Content {
    /// Whether there is nothing to make a card of.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.text.is_empty()
            && self.topics.is_empty()
            && self.faces.is_empty()
    }
}

/// A period of time in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Its start.
    pub start: f64,
    /// Its end, if it is known and not before the start.
    pub end: Option<f64>,
}

impl Period {
    /// A period; none without a start, and without an end if that is before the start.
    pub(super) fn new(start: Option<f64>, end: Option<f64>) -> Option<Self> {
        let start = start?;
        Some(Self {
            start,
            end: end.filter(|end| *end >= start),
        })
    }
}

/// A line of speech or text.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When, if it is known.
    pub period: Option<Period>,
    /// Who speaks, if it is known.
    pub speaker: Option<String>,
    /// How certain the service is, from 0 to 1. None for speech.
    pub confidence: Option<f64>,
    /// The text.
    pub text: String,
}

impl Line {
    /// A line of speech.
    pub(super) fn spoken(period: Option<Period>, speaker: Option<String>, text: &str) -> Self {
        Self {
            period,
            speaker,
            confidence: None,
            text: text.to_owned(),
        }
    }

    /// A line of text.
    pub(super) fn written(period: Option<Period>, confidence: Option<f64>, text: &str) -> Self {
        Self {
            period,
            speaker: None,
            confidence,
            text: text.to_owned(),
        }
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its name.
    pub text: String,
    /// How certain the service is, from 0 to 1.
    pub confidence: Option<f64>,
    /// When it appears.
    pub appears: Vec<Period>,
}

impl Topic {
    /// A topic without times.
    pub(super) fn new(text: &str, confidence: Option<f64>) -> Self {
        Self {
            text: text.to_owned(),
            confidence,
            appears: Vec::new(),
        }
    }

    /// The same with times.
    #[must_use]
    pub(super) fn at(mut self, appears: impl IntoIterator<Item = Period>) -> Self {
        self.appears.extend(appears);
        self
    }
}

/// A face.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Its label.
    pub label: String,
    /// The names that a file with its picture may have, without the extension.
    pub picture_names: Vec<String>,
    /// How certain the service is, from 0 to 1.
    pub confidence: Option<f64>,
    /// When it appears.
    pub appears: Vec<Period>,
}
