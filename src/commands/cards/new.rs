//! `skillctl cards new`: cards from flags and files, onto stdout.

use std::path::Path;

use serde_json::Value;

use crate::{
    cli::cards::{
        NewArgs, NewCommonArgs, NewKeywordArgs, NewKind, NewStatusArgs, NewTimelineArgs,
        NewTranscriptArgs, SubtitleFormat,
    },
    commands::input,
    domain::card::{
        build::{self, Filling, TimelineEntry},
        codes::misspelt_status,
        face::{Face, Source, thumbnail},
        subtitles::{self, Format, Skipped},
    },
    exit::{Failure, Outcome, Problem},
    render::{
        json,
        text::{Line, Role, Text},
    },
    terminal::Terminal,
};

/// Skipped places that are told one by one.
const MOST_SKIPPED: usize = 10;

/// Makes the card and prints it.
pub(super) fn run(arguments: &NewArgs, terminal: &Terminal) -> Outcome {
    let (mut card, common) = match &arguments.kind {
        NewKind::Keyword(arguments) => (keyword(arguments)?, &arguments.common),
        NewKind::Timeline(arguments) => (timeline(arguments)?, &arguments.common),
        NewKind::Transcript(arguments) => (transcript(arguments, terminal)?, &arguments.common),
        NewKind::Status(arguments) => (status(arguments, terminal), &arguments.common),
    };
    let filling = Filling {
        skill_id: common.skill_id.clone(),
        invocation_id: common.invocation_id.clone(),
        created_at: None,
    };
    build::fill(&mut card, &filling);
    terminal.out_raw(json::pretty(&card).as_bytes());
    Ok(())
}

fn title<'a>(common: &'a NewCommonArgs, default: &'a str) -> &'a str {
    common.title.as_deref().unwrap_or(default)
}

fn keyword(arguments: &NewKeywordArgs) -> Result<Value, Failure> {
    let mut texts = arguments.texts.clone();
    if let Some(path) = &arguments.from {
        let lines = text_of(path, arguments.input.max_input)?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        texts.extend(lines.map(str::to_owned));
    }
    if texts.is_empty() {
        return Err(Problem::new("there is no topic to make a card of").usage());
    }
    Ok(build::keyword(title(&arguments.common, "Topics"), &texts))
}

fn timeline(arguments: &NewTimelineArgs) -> Result<Value, Failure> {
    let duration = duration(arguments.duration.as_deref())?;
    let faces = arguments
        .faces
        .iter()
        .map(|spelt| face(spelt, arguments.input.max_input))
        .collect::<Result<Vec<_>, _>>()?;
    let starts = faces.iter().flat_map(|face| &face.appears);
    let last = starts.map(|(start, _)| *start).reduce(f64::max);
    match (duration, last) {
        (None, Some(_)) => Err(
            Problem::new("times without --duration show no timeline in Box")
                .help("give the length of the file: --duration 60, or 1:00")
                .usage(),
        ),
        (Some(duration), Some(last)) if last >= duration => Err(Problem::new(format!(
            "a face appears at {last} s, and the file lasts {duration} s"
        ))
        .help("Box leaves out what starts at the end or later")
        .usage()),
        _ => Ok(build::timeline(
            title(&arguments.common, "Faces"),
            &faces,
            duration,
        )),
    }
}

fn face(spelt: &str, limit: u64) -> Result<TimelineEntry, Failure> {
    let face =
        Face::parse(spelt).map_err(|why| Problem::new(format!("--face {spelt}: {why}")).usage())?;
    let image_url = match face.image {
        None => None,
        Some(Source::Address(address)) => Some(address),
        Some(Source::File(path)) => {
            let image = thumbnail(&input::bytes(&path, limit)?).map_err(|why| {
                let message = format!("{} cannot be read as an image: {why}", path.display());
                Problem::new(message)
                    .help("PNG, JPEG and GIF are read")
                    .usage()
            })?;
            Some(image)
        }
    };
    Ok(TimelineEntry {
        text: face.label,
        image_url,
        appears: face.appears,
    })
}

fn duration(text: Option<&str>) -> Result<Option<f64>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    match subtitles::seconds(text) {
        Some(seconds) if seconds > 0.0 => Ok(Some(seconds)),
        _ => Err(
            Problem::new(format!("--duration {text}: no length of time"))
                .help("seconds, m:ss or h:mm:ss, above 0")
                .usage(),
        ),
    }
}

fn transcript(arguments: &NewTranscriptArgs, terminal: &Terminal) -> Result<Value, Failure> {
    let path = &arguments.from;
    let text = text_of(path, arguments.input.max_input)?;
    let format = match arguments.format {
        Some(SubtitleFormat::Srt) => Format::Srt,
        Some(SubtitleFormat::Vtt) => Format::Vtt,
        Some(SubtitleFormat::Txt) => Format::Plain,
        None => Format::of(path.extension().and_then(|it| it.to_str()), &text),
    };
    let read = subtitles::read(&text, format);
    tell_skipped(path, &read.skipped, terminal);
    if read.cues.is_empty() {
        return Err(Problem::new(format!(
            "there is no line of speech in {}",
            input::name(path)
        ))
        .help("is it of another format? --as srt|vtt|txt says which")
        .usage());
    }
    let length = duration(arguments.duration.as_deref())?.or_else(|| read.duration());
    Ok(build::transcript(
        title(&arguments.common, "Transcript"),
        &read.cues,
        length,
    ))
}

fn tell_skipped(path: &Path, skipped: &[Skipped], terminal: &Terminal) {
    let name = input::name(path);
    for place in skipped.iter().take(MOST_SKIPPED) {
        terminal.warn(&format!("{name}:{}: skipped: {}", place.line, place.why));
        let line = Line::from("  ").with(Role::Dim, crate::render::wrap::cut(&place.text, 100));
        terminal.note(&Text::from_iter([line]));
    }
    if let Some(left) = skipped.len().checked_sub(MOST_SKIPPED).filter(|it| *it > 0) {
        terminal.warn(&format!("{name}: {left} more places skipped"));
    }
}

fn status(arguments: &NewStatusArgs, terminal: &Terminal) -> Value {
    // A code of one's own is fine beside a message; a slip of the pen is seen by nobody.
    if let Some(meant) = misspelt_status(&arguments.code) {
        terminal.warn(&format!(
            "Box knows no status code `{}`; did you mean `{meant}`?",
            arguments.code
        ));
    }
    let default = if arguments.code.ends_with("error") || arguments.code.ends_with("failure") {
        "Error"
    } else {
        "Status"
    };
    build::status(
        title(&arguments.common, default),
        &arguments.code,
        arguments.message.as_deref(),
    )
}

/// A file as text; subtitles are old enough to come in other encodings.
fn text_of(path: &Path, limit: u64) -> Result<String, Failure> {
    String::from_utf8(input::bytes(path, limit)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|it| *it == b'\n').count();
        let name = input::name(path);
        Problem::new(format!("{name}:{line} holds bytes that are no UTF-8"))
            .help(format!("convert it: iconv -f windows-1252 -t utf-8 {name}"))
            .usage()
    })
}
