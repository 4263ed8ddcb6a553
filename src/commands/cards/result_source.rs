//! Reads the result of a service, or subtitles, for `cards from` and `cards new transcript`.

use std::path::Path;

use crate::{
    commands::wrong_input::{syntax, wrong_limited_input},
    domain::{
        cards_from::{
            format::Format,
            read::{Read, ReadError, ReadOptions, read},
            words::Grouping,
        },
        duration::parse_duration,
        subtitles::{
            self, Skipped,
            encoding::{NotText, decode},
        },
    },
    env::input::{self, InputError},
    exit::{Failure, Problem},
    render::{
        text::{Line, Role, Text},
        wrap::cut,
    },
    terminal::Terminal,
};

/// The most skipped places that are reported one by one.
const MAX_SKIPPED_LINES: usize = 10;

/// A file with a result, and how it is to be read.
pub(super) struct ResultSource<'a> {
    /// The file, or `-`.
    pub(super) path: &'a Path,
    /// The most bytes that are read.
    pub(super) limit: u64,
    /// Its format, if it is given.
    pub(super) format: Option<&'static Format>,
    /// How words become lines.
    pub(super) grouping: Grouping,
}

impl ResultSource<'_> {
    /// Reads it, and warns about what is left out of subtitles.
    pub(super) fn read(&self, terminal: &Terminal) -> Result<Read, Failure> {
        let name = input::name(self.path);
        let bytes =
            input::bytes(self.path, self.limit).map_err(wrong_limited_input(terminal.width))?;
        let text = decode(&bytes).map_err(|NotText { line }| {
            let name = name.clone();
            wrong_limited_input(terminal.width)(InputError::NotUtf8 { name, line })
        })?;
        let options = ReadOptions {
            name: &name,
            extension: self.path.extension().and_then(|it| it.to_str()),
            format: self.format,
            grouping: self.grouping,
        };
        match read(&text, options) {
            Ok(read) => {
                warn_about_skipped(&name, &read.skipped, terminal);
                Ok(read)
            }
            Err(error) => Err(explain(&name, error, terminal.width)),
        }
    }
}

fn explain(name: &str, error: ReadError, width: usize) -> Failure {
    const LIST: &str = "`skillctl cards from --list-formats` lists the supported formats";
    let (message, help) = match error {
        ReadError::Syntax(error) => return syntax(&error, width),
        ReadError::UnknownShape => (
            format!("{name} does not have the shape of any supported format"),
            LIST.to_owned(),
        ),
        ReadError::UnreadFormat(format) => (
            format!("{name} is {format}, which is not supported"),
            format!("{LIST}; ffmpeg converts subtitles: ffmpeg -i FILE talk.srt"),
        ),
        ReadError::Ambiguous(names) => (
            format!("{name} fits several formats: {}", names.join(" and ")),
            format!("choose one: --as {}", names.first().unwrap_or(&"FORMAT")),
        ),
        ReadError::OtherFormat(format) => (
            format!("{name} does not have the shape of {}", format.source),
            "without --as the format is recognised by its shape".to_owned(),
        ),
        ReadError::Service(message) => (
            format!("{name} holds an error of the service: {message}"),
            "get a result from the service first".to_owned(),
        ),
        ReadError::Empty(format) => (
            format!(
                "{name} is {}, and has nothing to make a card of",
                format.source
            ),
            "for other formats, give the name with --as".to_owned(),
        ),
    };
    Problem::new(message).help(help).usage()
}

fn warn_about_skipped(name: &str, skipped: &[Skipped], terminal: &Terminal) {
    for place in skipped.iter().take(MAX_SKIPPED_LINES) {
        terminal.warn(&format!("{name}:{}: skipped: {}", place.line, place.why));
        let line = Line::from("  ").with(Role::Dim, cut(&place.text, 100));
        terminal.note(&Text::from_iter([line]));
    }
    if let Some(left) = skipped
        .len()
        .checked_sub(MAX_SKIPPED_LINES)
        .filter(|it| *it > 0)
    {
        terminal.warn(&format!("{name}: skipped {left} more places"));
    }
}

/// The length of a file in seconds, from `--duration`.
pub(super) fn length(text: Option<&str>) -> Result<Option<f64>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    let seconds =
        subtitles::seconds(text).or_else(|| parse_duration(text).ok().map(|it| it.as_secs_f64()));
    match seconds {
        Some(seconds) if seconds > 0.0 => Ok(Some(seconds)),
        _ => Err(Problem::new(format!("--duration {text}: not a duration"))
            .help("give seconds, m:ss, h:mm:ss or 1m 30s, more than 0")
            .usage()),
    }
}
