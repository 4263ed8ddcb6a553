//! SubRip. Its files are written in many ways, so that a cue is found by its timing alone: its text
//! goes on, over blank lines, up to the number and timing of the next one.

use super::{
    cue::{Subtitles, Timing, lines},
    markup::plain_text,
    time::{arrow_timing, is_broken_timing},
};

/// Reads SubRip.
pub(super) fn read(text: &str) -> Subtitles {
    let mut reader = Reader::default();
    for line in lines(text) {
        reader.line(line);
    }
    reader.end()
}

/// A line with its number.
type Numbered<'a> = (usize, &'a str);

/// What the text that is read belongs to.
#[derive(Default)]
enum Heading<'a> {
    /// Nothing: no timing was found yet.
    #[default]
    None,
    /// A cue, with its timing line.
    Cue(Timing, Numbered<'a>),
    /// A timing that cannot be read: its text is left out.
    Broken,
}

/// A line of text.
struct TextLine<'a> {
    line: Numbered<'a>,
    is_after_blank: bool,
}

#[derive(Default)]
struct Reader<'a> {
    read: Subtitles,
    heading: Heading<'a>,
    /// The lines since the last timing.
    text: Vec<TextLine<'a>>,
    /// Whether the last cue had a number.
    is_numbered: bool,
    /// Whether the last line was blank.
    is_after_blank: bool,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: Numbered<'a>) {
        let text = line.1;
        let is_after_blank = std::mem::replace(&mut self.is_after_blank, text.is_empty());
        if text.is_empty() {
            return;
        }
        if let Some(timing) = arrow_timing(text) {
            self.next_cue();
            self.heading = Heading::Cue(timing, line);
        } else if is_broken_timing(text) {
            self.next_cue();
            self.heading = Heading::Broken;
            self.read.skip(line, "the timing cannot be read");
        } else {
            self.text.push(TextLine {
                line,
                is_after_blank,
            });
        }
    }

    /// Ends the cue before a timing: the number in front of the timing is not its text.
    fn next_cue(&mut self) {
        let is_first = matches!(self.heading, Heading::None);
        let has_number = self.text.last().is_some_and(|last| {
            let is_set_off = last.is_after_blank && self.text.len() > 1;
            is_number(last.line.1) && (is_first || self.is_numbered || is_set_off)
        });
        if has_number {
            self.text.pop();
        }
        self.is_numbered = has_number;
        self.end_cue();
    }

    fn end_cue(&mut self) {
        let text = std::mem::take(&mut self.text);
        match (std::mem::take(&mut self.heading), text.first()) {
            (Heading::Cue(timing, line), _) => {
                let text: Vec<&str> = text.iter().map(|text| text.line.1).collect();
                self.read.add(timing, plain_text(&text.join("\n")), line);
            }
            (Heading::None, Some(first)) => {
                self.read
                    .skip(first.line, "there is no timing line above this text");
            }
            (Heading::None | Heading::Broken, _) => {}
        }
    }

    fn end(mut self) -> Subtitles {
        // The file may end with the number of a cue that was cut off.
        let may_end_early = self.is_numbered && self.text.len() > 1;
        let number = self
            .text
            .pop_if(|last| may_end_early && last.is_after_blank && is_number(last.line.1));
        if let Some(number) = number {
            self.read
                .skip(number.line, "there is no timing below this number");
        }
        self.end_cue();
        self.read
    }
}

/// Whether a line is the number of a cue.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
