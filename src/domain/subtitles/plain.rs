//! Plain text: a line an entry. A line may begin with a time, as Box's preview copies it (`m:ss: text`)
//! or as people write it (`[m:ss] text`).

use super::{
    cue::{Cue, Subtitles, lines, on_one_line},
    time::clock_seconds,
};

/// Reads plain text.
pub(super) fn read(text: &str) -> Subtitles {
    let cues = lines(text)
        .filter(|(_, line)| !line.is_empty())
        .map(|(_, line)| {
            let (start, text) = match stamped(line) {
                Some((start, text)) => (Some(start), text),
                None => (None, line),
            };
            Cue {
                start,
                end: None,
                text: on_one_line(text),
            }
        })
        .collect();
    Subtitles {
        cues,
        skipped: Vec::new(),
    }
}

/// The time and the text of a line that begins with a time. A number alone is text.
fn stamped(line: &str) -> Option<(f64, &str)> {
    let (time, text) = match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => line.split_once(": ")?,
    };
    let text = text.trim();
    (!text.is_empty()).then_some((clock_seconds(time)?, text))
}
