//! WebVTT, by the parsing algorithm of its specification (W3C, §6.1): a timing line begins a cue
//! wherever it is, except in a header, and a blank line ends one. Beyond the algorithm, a comma in a
//! time is read, text that a blank line separates from its timing, and the number of a cue is not
//! taken for the text of the one before.

use super::{
    cue::{Subtitles, Timing, lines},
    markup::plain_text,
    time::arrow_timing,
};

/// Whether a text starts as WebVTT must.
pub(super) fn has_signature(text: &str) -> bool {
    text.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Reads WebVTT; the signature may be missing.
pub(super) fn read(text: &str) -> Subtitles {
    let lines: Vec<_> = lines(text).collect();
    let mut rest = lines.as_slice();
    if has_signature(text) {
        // The header ends at a blank line, or at a timing.
        let end = rest[1..]
            .iter()
            .position(|(_, line)| line.is_empty() || line.contains("-->"));
        rest = &rest[end.map_or(rest.len(), |at| at + 1)..];
    }
    let mut reader = Reader::default();
    while !rest.is_empty() {
        let start = rest.iter().position(|(_, line)| !line.is_empty());
        rest = &rest[start.unwrap_or(rest.len())..];
        let length = block_length(rest);
        let (block, after) = rest.split_at(length);
        reader.block(
            block,
            after.first().is_some_and(|(_, line)| line.contains("-->")),
        );
        rest = after;
    }
    reader.finish_cue();
    reader.read
}

/// A line with its number.
type Numbered<'a> = (usize, &'a str);

/// The lines of the block at the start: up to a blank line, or to a timing line that is neither its
/// first line nor its second with only an identifier above.
fn block_length(lines: &[Numbered<'_>]) -> usize {
    let mut has_timing = false;
    for (at, (_, line)) in lines.iter().enumerate() {
        let is_timing = line.contains("-->");
        if line.is_empty() || (is_timing && (has_timing || at > 1)) {
            return at;
        }
        has_timing |= is_timing;
    }
    lines.len()
}

#[derive(Default)]
struct Reader<'a> {
    read: Subtitles,
    /// The cue that is read, with its line.
    cue: Option<(Timing, Numbered<'a>)>,
    text: Vec<&'a str>,
    is_numbered: bool,
}

impl<'a> Reader<'a> {
    /// Reads a block; `is_followed` if a timing line without an identifier comes right after it.
    fn block(&mut self, block: &[Numbered<'a>], is_followed: bool) {
        let timing = block
            .iter()
            .take(2)
            .position(|(_, line)| line.contains("-->"));
        let Some(at) = timing else {
            return self.block_without_timing(block);
        };
        self.finish_cue();
        let id = (at == 1).then(|| block[0].1);
        self.is_numbered = id.is_some_and(is_number);
        let line = block[at];
        let Some(timing) = arrow_timing(line.1) else {
            return self.read.skip(line, "the timing cannot be read");
        };
        self.cue = Some((timing, line));
        let mut text: Vec<_> = block[at + 1..].iter().map(|(_, line)| *line).collect();
        if is_followed && self.is_numbered {
            text.pop_if(|line| is_number(line));
        }
        self.text = text;
    }

    fn block_without_timing(&mut self, block: &[Numbered<'a>]) {
        let Some(&(number, first)) = block.first() else {
            return;
        };
        let is_comment = ["NOTE", "STYLE", "REGION"].iter().any(|word| {
            first
                .strip_prefix(word)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', ':']))
        });
        if is_comment {
            return;
        }
        if self.cue.is_some() && self.text.is_empty() {
            self.text = block.iter().map(|(_, line)| *line).collect();
        } else {
            self.read
                .skip((number, first), "there is no timing line above this text");
        }
    }

    fn finish_cue(&mut self) {
        if let Some((timing, line)) = self.cue.take() {
            let text = std::mem::take(&mut self.text).join("\n");
            self.read.add(timing, plain_text(&text), line);
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
