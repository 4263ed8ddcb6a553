//! Subtitles and transcripts in text files: SubRip (`.srt`), WebVTT (`.vtt`), SBV (`.sbv`) and plain
//! text. What cannot be read is left out and reported by its line; the rest is kept.

mod cue;
pub mod encoding;
mod markup;
mod plain;
mod sbv;
mod srt;
#[cfg(test)]
mod tests;
mod time;
mod vtt;

pub use cue::{Cue, Skipped, Subtitles};
pub use time::seconds;

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// SBV, as YouTube writes it.
    Sbv,
    /// Plain text, a line an entry.
    Plain,
}

impl Format {
    /// The format of a text. WebVTT has a signature; other formats follow from the extension of the
    /// file (without the dot), or from a line that looks like a timing.
    ///
    /// # Errors
    /// The name of a format of subtitles that is not read.
    pub fn detect(extension: Option<&str>, text: &str) -> Result<Self, &'static str> {
        if vtt::has_signature(text) {
            return Ok(Self::Vtt);
        }
        let extension = extension.map(str::to_ascii_lowercase);
        let extension = extension.as_deref();
        if let Some(name) = unread_format(extension, text) {
            return Err(name);
        }
        Ok(match extension {
            Some("srt") => Self::Srt,
            Some("vtt") => Self::Vtt,
            Some("sbv") => Self::Sbv,
            Some("txt" | "md" | "text") => Self::Plain,
            _ => Self::of_content(text),
        })
    }

    fn of_content(text: &str) -> Self {
        let has = |is_timing: fn(&str) -> bool| cue::lines(text).any(|(_, line)| is_timing(line));
        if has(|line| time::arrow_timing(line).is_some()) {
            Self::Srt
        } else if has(|line| time::comma_timing(line).is_some()) {
            Self::Sbv
        } else {
            Self::Plain
        }
    }
}

/// The format of subtitles that this is and that is not read.
fn unread_format(extension: Option<&str>, text: &str) -> Option<&'static str> {
    const ASS: &str = "Advanced SubStation Alpha (ASS)";
    const TTML: &str = "TTML";
    const SAMI: &str = "SAMI";
    const MICRO_DVD: &str = "MicroDVD";
    let start = text.trim_start();
    let starts_with = |tag: &str| {
        let start = start.as_bytes().get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
    };
    match extension {
        Some("ass" | "ssa") => Some(ASS),
        Some("ttml" | "dfxp") => Some(TTML),
        Some("smi" | "sami") => Some(SAMI),
        _ if starts_with("[script info]") => Some(ASS),
        _ if starts_with("<sami") => Some(SAMI),
        _ if starts_with("<tt") => Some(TTML),
        _ if starts_with("<?xml") && text.contains("<tt") => Some(TTML),
        _ if is_micro_dvd(start) => Some(MICRO_DVD),
        _ => None,
    }
}

/// Whether a text starts with a line of MicroDVD, `{25}{50}text`.
fn is_micro_dvd(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let frames = text
        .strip_prefix('{')
        .and_then(|rest| rest.split_once("}{"));
    frames.is_some_and(|(from, rest)| {
        let to = rest.split_once('}').map(|(to, _)| to);
        number(from) && to.is_some_and(number)
    })
}

/// Reads subtitles.
pub fn read(text: &str, format: Format) -> Subtitles {
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::Srt => srt::read(text),
        Format::Vtt => vtt::read(text),
        Format::Sbv => sbv::read(text),
        Format::Plain => plain::read(text),
    }
}
