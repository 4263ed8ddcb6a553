//! Words to lines. Services give words with times, and people read sentences.

use super::content::{Line, Period};

/// How words become lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// A sentence a line; without punctuation, up to a pause.
    #[default]
    Sentence,
    /// The words that begin in the same second.
    Second,
}

/// A pause in seconds that ends a line.
const PAUSE: f64 = 2.0;

/// Words after which a line ends, if there is neither punctuation nor pause.
const MAX_WORDS: usize = 40;

/// Takes words in their order, and gives lines.
pub(super) struct Lines {
    grouping: Grouping,
    finished: Vec<Line>,
    words: usize,
    is_ended: bool,
}

impl Lines {
    pub(super) fn new(grouping: Grouping) -> Self {
        Self {
            grouping,
            finished: Vec::new(),
            words: 0,
            is_ended: true,
        }
    }

    /// Adds a word.
    pub(super) fn word(&mut self, text: &str, period: Option<Period>, speaker: Option<String>) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        match self.finished.last_mut() {
            Some(line)
                if !self.is_ended
                    && !begins_line(self.grouping, line, period, speaker.as_deref()) =>
            {
                if needs_blank(&line.text, text) {
                    line.text.push(' ');
                }
                line.text.push_str(text);
                extend(&mut line.period, period);
                self.words += 1;
            }
            _ => {
                self.finished.push(Line::spoken(period, speaker, text));
                self.words = 1;
            }
        }
        self.is_ended = self.words >= MAX_WORDS || self.is_sentence_end(text);
    }

    /// Adds punctuation to the last word.
    pub(super) fn punctuation(&mut self, text: &str) {
        if let Some(line) = self.finished.last_mut() {
            line.text.push_str(text.trim());
            self.is_ended |= self.is_sentence_end(text);
        }
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        self.is_ended = true;
    }

    pub(super) fn finish(self) -> Vec<Line> {
        self.finished
    }

    fn is_sentence_end(&self, text: &str) -> bool {
        let text = text.trim_end_matches(['"', '\'', '”', '’', ')', ']', '»']);
        let is_initial = text.ends_with('.') && text.chars().count() == 2;
        self.grouping == Grouping::Sentence
            && !is_initial
            && text.ends_with(['.', '?', '!', '…', '。', '？', '！'])
    }
}

/// Whether a word begins a line of its own.
fn begins_line(
    grouping: Grouping,
    line: &Line,
    period: Option<Period>,
    speaker: Option<&str>,
) -> bool {
    if line.speaker.as_deref() != speaker {
        return true;
    }
    let (Some(before), Some(period)) = (line.period, period) else {
        return false;
    };
    match grouping {
        Grouping::Second => period.start.floor() > before.start.floor(),
        Grouping::Sentence => period.start - before.end.unwrap_or(before.start) > PAUSE,
    }
}

/// Extends the period of a line by that of its next word.
fn extend(line: &mut Option<Period>, word: Option<Period>) {
    match (line, word) {
        (Some(line), Some(word)) => {
            let ends = [line.end, word.end];
            line.end = ends.into_iter().flatten().reduce(f64::max);
        }
        (line @ None, word) => *line = word,
        (Some(_), None) => {}
    }
}

/// Chinese and Japanese are written without blanks.
fn needs_blank(before: &str, after: &str) -> bool {
    let is_cjk = |character: char| matches!(character, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}');
    let (last, first) = (before.chars().next_back(), after.chars().next());
    !(last.is_some_and(is_cjk) && first.is_some_and(is_cjk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(grouping: Grouping, words: &[(&str, f64, f64)]) -> Vec<(String, f64)> {
        let mut lines = Lines::new(grouping);
        for (word, start, end) in words {
            lines.word(word, Period::new(Some(*start), Some(*end)), None);
        }
        let start = |line: &Line| line.period.map_or(-1.0, |period| period.start);
        let lines = lines.finish();
        lines
            .iter()
            .map(|line| (line.text.clone(), start(line)))
            .collect()
    }

    #[test]
    fn a_sentence_or_a_pause_ends_a_line() {
        let words = [
            ("Hello,", 0.1, 0.4),
            ("J.", 0.4, 0.6),
            ("Doe.", 0.6, 0.9),
            ("Well", 1.2, 1.4),
            ("then", 9.0, 9.3),
        ];
        assert_eq!(
            lines(Grouping::Sentence, &words),
            [
                ("Hello, J. Doe.".to_owned(), 0.1),
                ("Well".to_owned(), 1.2),
                ("then".to_owned(), 9.0)
            ]
        );
        assert_eq!(
            lines(Grouping::Second, &words),
            [
                ("Hello, J. Doe.".to_owned(), 0.1),
                ("Well".to_owned(), 1.2),
                ("then".to_owned(), 9.0)
            ]
        );
    }

    #[test]
    fn a_line_ends_after_many_words_and_where_the_speaker_changes() {
        let words = vec![("word", 0.0, 0.1); 100];
        assert_eq!(lines(Grouping::Sentence, &words).len(), 3);
        let mut lines = Lines::new(Grouping::Sentence);
        for (word, speaker) in [("a", "A"), ("b", "A"), ("c", "B")] {
            lines.word(word, None, Some(speaker.to_owned()));
        }
        lines.punctuation("!");
        let texts: Vec<_> = lines.finish().into_iter().map(|it| it.text).collect();
        assert_eq!(texts, ["a b", "c!"]);
    }

    #[test]
    fn japanese_words_are_joined_without_blanks() {
        let words = [("東京", 0.0, 0.1), ("です", 0.1, 0.2), ("OK", 0.2, 0.3)];
        assert_eq!(lines(Grouping::Sentence, &words)[0].0, "東京です OK");
    }
}
