//! `skillctl cards new`: makes a card from options and files, and prints it.

use serde_json::Value;

use super::result_source::{ResultSource, length};
use crate::{
    cli::cards::{
        NewArgs, NewCommonArgs, NewKeywordArgs, NewKind, NewStatusArgs, NewTimelineArgs,
        NewTranscriptArgs,
    },
    commands::wrong_input::wrong_limited_input,
    domain::{
        card::{
            build::{self, Filling, TimelineEntry},
            codes::misspelt_status,
            face_spec::{FaceSpec, ImageSource},
            thumbnail::thumbnail,
        },
        cards_from::{
            cards::{self, CardOptions},
            words::Grouping,
        },
    },
    env::input,
    exit::{Failure, Outcome, Problem},
    render::json,
    terminal::Terminal,
};

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
    let duration = length(arguments.duration.as_deref())?;
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

fn transcript(arguments: &NewTranscriptArgs, terminal: &Terminal) -> Result<Value, Failure> {
    let path = &arguments.from;
    let source = ResultSource {
        path,
        limit: arguments.input.max_input,
        format: arguments.format.0,
        grouping: Grouping::Sentence,
    };
    let read = source.read(terminal)?;
    let mut options = CardOptions::new(0.0);
    options.fractions = true;
    options.duration = length(arguments.duration.as_deref())?;
    let title = title(&arguments.common, "Transcript");
    cards::transcript(title, read.content, &options).ok_or_else(|| {
        Problem::new(format!("{} has no line of speech", input::name(path)))
            .help("`skillctl cards from` makes the other cards of it")
            .usage()
    })
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
