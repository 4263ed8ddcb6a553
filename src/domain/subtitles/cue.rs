//! What subtitles contain: lines of speech, and the places that could not be read.

/// A line of speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// Its start in seconds; plain text has no times.
    pub start: Option<f64>,
    /// Its end in seconds, not before the start.
    pub end: Option<f64>,
    /// What is said, on one line.
    pub text: String,
}

/// A place in the file of which something was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The line, from 1.
    pub line: usize,
    /// What was left out and why, in a few words.
    pub why: &'static str,
    /// The line as it is.
    pub text: String,
}

/// The content of a file of subtitles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtitles {
    /// The lines of speech, in the order of the file.
    pub cues: Vec<Cue>,
    /// The places of which something was left out.
    pub skipped: Vec<Skipped>,
}

impl Subtitles {
    /// The end of the last cue in seconds; none without times.
    pub fn duration(&self) -> Option<f64> {
        self.cues
            .iter()
            .filter_map(|cue| cue.end.or(cue.start))
            .max_by(f64::total_cmp)
    }

    /// Notes that something was left out at a line.
    pub(super) fn skip(&mut self, (line, text): (usize, &str), why: &'static str) {
        self.skipped.push(Skipped {
            line,
            why,
            text: text.to_owned(),
        });
    }

    /// Adds a cue with what is written below its timing line. A cue without text is left out, and an
    /// end before the start.
    pub(super) fn add(&mut self, timing: Timing, text: String, line: (usize, &str)) {
        if text.is_empty() {
            return self.skip(line, "there is no text below the timing");
        }
        let Timing { start, end } = timing;
        if end < start {
            self.skip(line, "the cue ends before it starts; its end is left out");
        }
        self.cues.push(Cue {
            start: Some(start),
            end: (end >= start).then_some(end),
            text,
        });
    }
}

/// The times of a cue in seconds, as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timing {
    pub(super) start: f64,
    pub(super) end: f64,
}

/// The lines of a text with their numbers from 1, trimmed, whether they end in `\n`, `\r\n` or `\r`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
}

/// `text` on one line: runs of white space are one blank.
pub(super) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
