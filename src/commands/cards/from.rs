//! `skillctl cards from`: cards of the result of a machine-learning service, or of subtitles.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::json;

use super::result_source::{ResultSource, length};
use crate::{
    cli::cards::{FromArgs, GroupArg},
    commands::wrong_input::wrong_limited_input,
    domain::{
        card::{
            build::{self, Filling},
            thumbnail::thumbnail,
        },
        cards_from::{
            cards::{CardOptions, make},
            content::Face,
            format::FORMATS,
            words::Grouping,
        },
    },
    env::input,
    exit::{Failure, Outcome, Problem},
    render::{
        json,
        text::{Line, Role, Text},
    },
    terminal::Terminal,
};

/// Makes the cards and prints them, or lists the formats.
pub(super) fn run(arguments: &FromArgs, terminal: &Terminal) -> Outcome {
    if arguments.list_formats {
        terminal.out(&formats());
        return Ok(());
    }
    let Some(path) = &arguments.file else {
        return Err(Problem::new("no file with a result is given").usage());
    };
    let source = ResultSource {
        path,
        limit: arguments.input.max_input,
        format: arguments.format.0,
        grouping: match arguments.group {
            GroupArg::Sentence => Grouping::Sentence,
            GroupArg::Second => Grouping::Second,
        },
    };
    let duration = length(arguments.duration.as_deref())?;
    let read = source.read(terminal)?;
    let default = read.format.min_confidence;
    let mut options = CardOptions::new(arguments.min_confidence.unwrap_or(default));
    options.max_topics = arguments.max_topics;
    options.max_faces = arguments.max_faces;
    options.speakers = arguments.speakers;
    options.fractions = arguments.fractions;
    options.duration = duration;
    if let Some(folder) = &arguments.images {
        let limit = arguments.input.max_input;
        options.pictures = pictures(folder, &read.content.faces, limit, terminal.width)?;
    }
    let mut made = make(read.content, &options);
    let name = input::name(path);
    for note in &made.notes {
        terminal.warn(&format!("{name}: {note}"));
    }
    if made.cards.is_empty() {
        return Err(
            Problem::new(format!("{name} has nothing to make a card of"))
                .help("lower --min-confidence")
                .usage(),
        );
    }
    let filling = Filling {
        skill_id: arguments.skill_id.clone(),
        invocation_id: arguments.invocation_id.clone(),
        created_at: None,
    };
    for card in &mut made.cards {
        build::fill(card, &filling);
    }
    terminal.out_raw(json::pretty(&json!({"cards": made.cards})).as_bytes());
    Ok(())
}

/// The formats, a line each: name, source and cards.
fn formats() -> Text {
    let width = FORMATS.iter().map(|format| format.name.len()).max();
    let width = width.unwrap_or_default() + 2;
    let line = |format: &crate::domain::cards_from::format::Format| {
        Line::new()
            .with(Role::Strong, format.name)
            .padded(width)
            .plain(format.source)
            .with(Role::Dim, format!(": {}", format.cards))
    };
    FORMATS.iter().map(line).collect()
}

/// The pictures of the faces in a folder, by their names.
fn pictures(
    folder: &Path,
    faces: &[Face],
    limit: u64,
    width: usize,
) -> Result<BTreeMap<String, String>, Failure> {
    const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "gif"];
    let unreadable = |error: std::io::Error| {
        Problem::new(format!(
            "cannot read the folder {}: {error}",
            folder.display()
        ))
        .usage()
    };
    let names = || faces.iter().flat_map(|face| &face.picture_names);
    let mut pictures = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let part = |part: Option<&std::ffi::OsStr>| Some(part?.to_str()?.to_lowercase());
        let extension = part(path.extension());
        let is_picture = extension.is_some_and(|it| EXTENSIONS.contains(&it.as_str()));
        let Some(name) = part(path.file_stem()).filter(|_| is_picture) else {
            continue;
        };
        if names().any(|wanted| wanted.to_lowercase() == name) {
            let bytes = input::bytes(&path, limit).map_err(wrong_limited_input(width))?;
            let picture = thumbnail(&bytes).map_err(|why| {
                let message = format!("{} cannot be read as an image: {why}", path.display());
                Problem::new(message)
                    .help("give PNG, JPEG or GIF files")
                    .usage()
            })?;
            pictures.insert(name, picture);
        }
    }
    Ok(pictures)
}
