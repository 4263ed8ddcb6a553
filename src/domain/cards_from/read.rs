//! A result to its content: the format is recognised by the shape of the result, unless it is given.

use super::{
    content::{Content, Line, Period},
    failure::service_error,
    format::{FORMATS, Format, Reader},
    words::Grouping,
};
use crate::domain::{
    json::{
        document::{Document, SyntaxError},
        tree::Tree,
    },
    subtitles::{self, Cue, Skipped},
};

/// A result that was read.
#[derive(Debug)]
pub struct Read {
    /// Its format.
    pub format: &'static Format,
    /// What it says.
    pub content: Content,
    /// The places of subtitles of which something was left out.
    pub skipped: Vec<Skipped>,
}

/// Why a result cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// It is not JSON, although it begins like it or a format of JSON was asked for.
    Syntax(Box<SyntaxError>),
    /// It is JSON, and of no format that is read.
    UnknownShape,
    /// It is a file of a kind that is not supported; its name.
    UnreadFormat(String),
    /// Several formats fit.
    Ambiguous(Vec<&'static str>),
    /// It does not have the format that was asked for.
    OtherFormat(&'static Format),
    /// The service reports an error in it.
    Service(String),
    /// It has the format, and there is nothing to make a card of.
    Empty(&'static Format),
}

/// What is known of a result besides its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions<'a> {
    /// What it is called in messages.
    pub name: &'a str,
    /// The extension of its file, without the dot.
    pub extension: Option<&'a str>,
    /// Its format, if it is given.
    pub format: Option<&'static Format>,
    /// How words become lines.
    pub grouping: Grouping,
}

/// Reads a result.
///
/// # Errors
/// [`ReadError`].
pub fn read(text: &str, options: ReadOptions<'_>) -> Result<Read, ReadError> {
    let read = match options.format {
        Some(format) => match &format.reader {
            Reader::Text(kind) => from_text(text, *kind, format),
            Reader::Json { .. } => from_json(text, options)?,
        },
        None if text.trim_start().starts_with(['{', '[']) => match from_json(text, options) {
            Err(ReadError::Syntax(_)) if is_tag(text) => detected_text(text, options)?,
            read => read?,
        },
        None => detected_text(text, options)?,
    };
    if read.content.is_empty() {
        return Err(ReadError::Empty(read.format));
    }
    Ok(read)
}

/// Whether a text begins with a tag of a format of subtitles: `[Script Info]`, `[0:01]`, `{25}{50}`.
fn is_tag(text: &str) -> bool {
    let start = text.trim_start();
    let tag = start.trim_start_matches(['{', '[']);
    let is_list = start.starts_with('[') && tag.trim_start().starts_with(['{', '[', ']', '"']);
    let is_object = start.starts_with('{') && tag.trim_start().starts_with(['"', '}']);
    !tag.is_empty() && !is_list && !is_object
}

fn detected_text(text: &str, options: ReadOptions<'_>) -> Result<Read, ReadError> {
    const TEXT: [&str; 6] = ["srt", "vtt", "sbv", "txt", "md", "text"];
    let extension = options.extension.map(str::to_ascii_lowercase);
    let kind = subtitles::Format::detect(extension.as_deref(), text)
        .map_err(|name| ReadError::UnreadFormat(name.to_owned()))?;
    let is_known = extension.as_deref().is_none_or(|it| TEXT.contains(&it));
    if kind == subtitles::Format::Plain && !is_known {
        let extension = extension.unwrap_or_default();
        return Err(ReadError::UnreadFormat(format!("a .{extension} file")));
    }
    let format = FORMATS
        .iter()
        .find(|format| matches!(&format.reader, Reader::Text(own) if *own == kind));
    format
        .map(|format| from_text(text, kind, format))
        .ok_or(ReadError::UnknownShape)
}

fn from_text(text: &str, kind: subtitles::Format, format: &'static Format) -> Read {
    let read = subtitles::read(text, kind);
    let line = |cue: Cue| Line {
        period: Period::new(cue.start, cue.end),
        speaker: None,
        confidence: None,
        text: cue.text,
    };
    Read {
        format,
        content: Content {
            lines: read.cues.into_iter().map(line).collect(),
            ..Content::default()
        },
        skipped: read.skipped,
    }
}

fn from_json(text: &str, options: ReadOptions<'_>) -> Result<Read, ReadError> {
    let document =
        Document::parse(options.name, text.as_bytes().to_vec()).map_err(ReadError::Syntax)?;
    let result = unwrapped(document.tree());
    if let Some(error) = service_error(result).or_else(|| service_error(document.tree())) {
        return Err(ReadError::Service(error));
    }
    let fitting: Vec<&Format> = FORMATS
        .iter()
        .filter(|format| matches!(&format.reader, Reader::Json { fits, .. } if fits(result)))
        .collect();
    let format = match (options.format, fitting.as_slice()) {
        (Some(format), fitting) if fitting.iter().any(|it| it.name == format.name) => format,
        (Some(format), _) => return Err(ReadError::OtherFormat(format)),
        (None, [only]) => only,
        (None, []) => return Err(ReadError::UnknownShape),
        (None, several) => {
            let names = several.iter().map(|format| format.name).collect();
            return Err(ReadError::Ambiguous(names));
        }
    };
    let content = match &format.reader {
        Reader::Json { read, .. } => read(result, options.grouping),
        Reader::Text(_) => Content::default(),
    };
    Ok(Read {
        format,
        content,
        skipped: Vec::new(),
    })
}

/// The result in the answer of a long-running operation of Google's.
fn unwrapped(document: Tree<'_>) -> Tree<'_> {
    let response = document
        .get("response")
        .filter(|it| it.as_object().is_some());
    match response {
        Some(response) if document.get("done").is_some() => response,
        _ => document,
    }
}
