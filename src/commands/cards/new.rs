//! `skillctl cards new`: makes a card from options and files, and prints it.

use std::path::Path;

use serde_json::Value;

use crate::{
    cli::cards::{
        NewArgs, NewCommonArgs, NewKeywordArgs, NewKind, NewStatusArgs, NewTimelineArgs,
        NewTranscriptArgs, SubtitleFormat,
    },
    commands::wrong_input::wrong_limited_input,
    domain::{
        card::{
            build::{self, Filling, TimelineEntry},
            codes::misspelt_status,
            face_spec::{FaceSpec, ImageSource},
            thumbnail::thumbnail,
        },
        subtitles::{
            self, Format, Skipped,
            encoding::{NotText, decode},
        },
    },
    env::input::{self, InputError},
    exit::{Failure, Outcome, Problem},
    render::{
        json,
        text::{Line, Role, Text},
    },
    terminal::Terminal,
};

/// The most skipped places that are reported one by one.
const MAX_SKIPPED_LINES: usize = 10;

/// Makes the card and prints it.
pub(super) fn run(arguments: &NewArgs, terminal: &Terminal) -> Outcome {
    let (mut card, common) = match &arguments.kind {
        NewKind::Keyword(arguments) => (keyword(arguments, terminal)?, &arguments.common),
        NewKind::Timeline(arguments) => (timeline(arguments, terminal)?, &arguments.common),
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

fn keyword(arguments: &NewKeywordArgs, terminal: &Terminal) -> Result<Value, Failure> {
    let mut texts = arguments.texts.clone();
    if let Some(path) = &arguments.from {
        let lines = input::text(path, arguments.input.max_input)
            .map_err(wrong_limited_input(terminal.width))?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        texts.extend(lines.map(str::to_owned));
    }
    if texts.is_empty() {
        return Err(
            Problem::new("the card has no topics: every line of the file is empty").usage(),
        );
    }
    Ok(build::keyword(title(&arguments.common, "Topics"), &texts))
}

fn timeline(arguments: &NewTimelineArgs, terminal: &Terminal) -> Result<Value, Failure> {
    let duration = duration(arguments.duration.as_deref())?;
    let faces = arguments
        .faces
        .iter()
        .map(|text| face(text, arguments.input.max_input, terminal.width))
        .collect::<Result<Vec<_>, _>>()?;
    let starts = faces.iter().flat_map(|face| &face.appears);
    let last = starts.map(|(start, _)| *start).reduce(f64::max);
    match (duration, last) {
        (None, Some(_)) => Err(Problem::new(
            "--face has times, but --duration is missing: Box would show no timeline",
        )
        .help("give the length of the file, such as --duration 60 or --duration 1:00")
        .usage()),
        (Some(duration), Some(last)) if last >= duration => Err(Problem::new(format!(
            "a face appears at {last} s, but --duration is {duration} s"
        ))
        .help("Box does not show what starts at or after the end of the file")
        .usage()),
        _ => Ok(build::timeline(
            title(&arguments.common, "Faces"),
            &faces,
            duration,
        )),
    }
}

fn face(text: &str, limit: u64, width: usize) -> Result<TimelineEntry, Failure> {
    let face = FaceSpec::parse(text)
        .map_err(|why| Problem::new(format!("--face {text}: {why}")).usage())?;
    let image_url = match face.image {
        None => None,
        Some(ImageSource::Address(address)) => Some(address),
        Some(ImageSource::File(path)) => {
            let bytes = input::bytes(&path, limit).map_err(wrong_limited_input(width))?;
            let image = thumbnail(&bytes).map_err(|why| {
                let message = format!("{} cannot be read as an image: {why}", path.display());
                Problem::new(message)
                    .help("give a PNG, JPEG or GIF file")
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
        _ => Err(Problem::new(format!("--duration {text}: not a duration"))
            .help("give seconds, m:ss or h:mm:ss, more than 0")
            .usage()),
    }
}

fn transcript(arguments: &NewTranscriptArgs, terminal: &Terminal) -> Result<Value, Failure> {
    let path = &arguments.from;
    let text = decoded(path, arguments.input.max_input, terminal.width)?;
    let extension = path.extension().and_then(|it| it.to_str());
    let format = match arguments.format {
        Some(SubtitleFormat::Srt) => Format::Srt,
        Some(SubtitleFormat::Vtt) => Format::Vtt,
        Some(SubtitleFormat::Txt) => Format::Plain,
        Some(SubtitleFormat::Sbv) => Format::Sbv,
        None => Format::detect(extension, &text).map_err(|name| unread_format(path, name))?,
    };
    let read = subtitles::read(&text, format);
    warn_about_skipped(path, &read.skipped, terminal);
    if read.cues.is_empty() {
        return Err(
            Problem::new(format!("{} has no line of speech", input::name(path)))
                .help("if it has another format, give it with --as srt|vtt|sbv|txt")
                .usage(),
        );
    }
    let length = duration(arguments.duration.as_deref())?.or_else(|| read.duration());
    Ok(build::transcript(
        title(&arguments.common, "Transcript"),
        &read.cues,
        length,
    ))
}

/// The text of a file in any encoding that is read.
fn decoded(path: &Path, limit: u64, width: usize) -> Result<String, Failure> {
    let bytes = input::bytes(path, limit).map_err(wrong_limited_input(width))?;
    decode(&bytes).map_err(|NotText { line }| {
        let name = input::name(path);
        wrong_limited_input(width)(InputError::NotUtf8 { name, line })
    })
}

fn unread_format(path: &Path, format: &str) -> Failure {
    Problem::new(format!(
        "{} is {format}, which is not read",
        input::name(path)
    ))
    .help("convert it first: ffmpeg -i FILE talk.srt")
    .usage()
}

fn warn_about_skipped(path: &Path, skipped: &[Skipped], terminal: &Terminal) {
    let name = input::name(path);
    for place in skipped.iter().take(MAX_SKIPPED_LINES) {
        terminal.warn(&format!("{name}:{}: skipped: {}", place.line, place.why));
        let line = Line::from("  ").with(Role::Dim, crate::render::wrap::cut(&place.text, 100));
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

fn status(arguments: &NewStatusArgs, terminal: &Terminal) -> Value {
    // Custom codes are allowed, so a misspelt code is not an error.
    if let Some(meant) = misspelt_status(&arguments.code) {
        terminal.warn(&format!(
            "unknown status code `{}`; did you mean `{meant}`?",
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
