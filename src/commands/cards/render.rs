//! `skillctl cards render`: cards as Box's preview shows them.

use super::{cards, document};
use crate::{
    cli::cards::{RenderArgs, RenderFormat},
    domain::card::preview::sections,
    exit::Outcome,
    render::cards::{html, json, markdown, text},
    terminal::Terminal,
};

/// Renders the cards of a file to stdout.
pub(super) fn run(arguments: &RenderArgs, terminal: &Terminal) -> Outcome {
    let document = document(&arguments.file, arguments.input.max_input, terminal)?;
    let cards = cards(&document, terminal.width)?;
    let sections = sections(cards, arguments.file_version.as_deref());
    match arguments.format {
        RenderFormat::Text => terminal.out(&text::render(
            &sections,
            text::Options {
                width: arguments.width.map_or(terminal.width, usize::from),
                full: arguments.full,
            },
        )),
        RenderFormat::Html => terminal.out_raw(html::render(&document.name, &sections).as_bytes()),
        RenderFormat::Markdown => terminal.out_raw(markdown::render(&sections).as_bytes()),
        RenderFormat::Json => terminal.out_raw(json::render(cards).as_bytes()),
    }
    Ok(())
}
