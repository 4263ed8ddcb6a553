//! `skillctl cards render`: cards as Box's preview shows them.

use std::{fs, path::Path};

use super::{
    document,
    source::{Source, sources},
};
use crate::{
    cli::cards::{RenderArgs, RenderFormat},
    domain::{card::preview, json::tree::Tree},
    exit::{Failure, Outcome, Problem},
    render::{
        cards::{html, json, markdown, text},
        text::{Line, Role, Text},
    },
    terminal::Terminal,
};

/// Columns by which cards are indented below the name of their file.
const INDENT: usize = 2;

/// Renders the cards of the files to stdout, or to a file.
pub(super) fn run(arguments: &RenderArgs, terminal: &Terminal) -> Outcome {
    if let Some(path) = &arguments.output {
        check_output(path, arguments)?;
    }
    let sources = sources(&arguments.files, arguments.input.max_input, terminal.width)?;
    let mut all = Vec::new();
    for source in &sources {
        all.push((source, document::list(&source.document, terminal.width)?));
    }
    let document = match (format(arguments), &arguments.output) {
        (RenderFormat::Text, None) => {
            terminal.out(&as_text(&all, arguments, terminal));
            return Ok(());
        }
        (RenderFormat::Text, Some(_)) => as_text(&all, arguments, terminal).to_plain(),
        (RenderFormat::Html, _) => as_page(&all, arguments),
        (RenderFormat::Markdown, _) => as_markdown(&all, arguments),
        (RenderFormat::Json, _) => as_json(&all),
    };
    let Some(path) = &arguments.output else {
        terminal.out_raw(document.as_bytes());
        return Ok(());
    };
    fs::write(path, document).map_err(|error| {
        Problem::new(format!("cannot write {}: {error}", path.display())).outside()
    })
}

/// The sources with their cards.
type All<'a> = [(&'a Source, Vec<Tree<'a>>)];

/// The format from `--format`, otherwise from the extension of the output file.
fn format(arguments: &RenderArgs) -> RenderFormat {
    let extension = || arguments.output.as_deref()?.extension()?.to_str();
    arguments.format.unwrap_or_else(|| match extension() {
        Some("html" | "htm") => RenderFormat::Html,
        Some("md" | "markdown") => RenderFormat::Markdown,
        Some("json" | "jsonl") => RenderFormat::Json,
        _ => RenderFormat::Text,
    })
}

/// Refuses an output file that is one of the input files.
fn check_output(path: &Path, arguments: &RenderArgs) -> Result<(), Failure> {
    let Ok(output) = path.canonicalize() else {
        return Ok(());
    };
    let is_output = |input: &Path| input.canonicalize().is_ok_and(|input| input == output);
    if arguments.files.iter().any(|input| is_output(input)) {
        let message = format!("-o {} would replace an input file", path.display());
        return Err(Problem::new(message).help("choose another name").usage());
    }
    Ok(())
}

fn as_text(all: &All<'_>, arguments: &RenderArgs, terminal: &Terminal) -> Text {
    let width = arguments.width.map_or(terminal.width, usize::from);
    let indent = if all.len() > 1 { INDENT } else { 0 };
    let mut text = Text::new();
    for (nth, (source, cards)) in all.iter().enumerate() {
        if nth > 0 {
            text.push(Line::new());
        }
        if all.len() > 1 {
            text.push(Line::new().with(Role::Strong, &source.title));
        }
        let options = text::Options {
            width: width - indent,
            full: arguments.full,
        };
        let sidebar = preview::sidebar(cards.iter().copied(), arguments.file_version.as_deref());
        text.append(text::render(&sidebar, options), indent);
    }
    text
}

fn as_page(all: &All<'_>, arguments: &RenderArgs) -> String {
    let version = arguments.file_version.as_deref();
    let sidebars: Vec<_> = all
        .iter()
        .map(|(_, cards)| preview::sidebar(cards.iter().copied(), version))
        .collect();
    let owners: Vec<_> = all
        .iter()
        .zip(&sidebars)
        .map(|((source, _), sidebar)| html::Owner {
            name: &source.title,
            sidebar,
        })
        .collect();
    html::page(&owners)
}

fn as_markdown(all: &All<'_>, arguments: &RenderArgs) -> String {
    let render_one = |(source, cards): &(&Source, Vec<Tree<'_>>)| {
        let sidebar = preview::sidebar(cards.iter().copied(), arguments.file_version.as_deref());
        let body = markdown::render(&sidebar);
        match all.len() {
            1 => body,
            _ => format!("{}\n{body}", markdown::heading(&source.title)),
        }
    };
    all.iter().map(render_one).collect::<Vec<_>>().join("\n")
}

fn as_json(all: &All<'_>) -> String {
    match all {
        [(_, cards)] => json::render(cards),
        several => several
            .iter()
            .map(|(source, cards)| json::named(&source.title, cards))
            .collect(),
    }
}
