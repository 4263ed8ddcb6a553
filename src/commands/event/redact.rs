//! `skillctl event redact`: makes a captured event safe to commit.

use serde_json::Value;

use super::files::{MAX_INPUT, write_new};
use crate::{
    cli::event::{Kept, RedactArgs},
    commands::wrong_input::wrong_input,
    domain::event::{
        Captured,
        redaction::{Keep, Scrubber},
        wire,
    },
    env::input,
    exit::{Outcome, Problem},
    render::json,
    terminal::Terminal,
};

/// Redacts every event of the input. Keeps the layout of the input.
pub(super) fn run(arguments: &RedactArgs, terminal: &Terminal) -> Outcome {
    let name = input::name(&arguments.file);
    let parts = input::bytes(&arguments.file, MAX_INPUT)
        .and_then(|bytes| input::documents(&name, bytes))
        .map_err(wrong_input(terminal.width))?;
    let mut scrubber = Scrubber::new(Keep {
        ids: arguments.keep.contains(&Kept::Ids),
        names: arguments.keep.contains(&Kept::Names),
    });
    let mut text = String::new();
    let mut had_signatures = false;
    for part in parts {
        let document = part.document;
        Captured::read(document.tree(), document.text.clone().into()).map_err(|found| {
            let message = format!("{}: {} ({})", document.name, found.message, found.pointer);
            Problem::new(message).usage()
        })?;
        let (event, losses) = scrubber.scrub(&document.tree().into());
        had_signatures |= losses.signatures;
        text.push_str(&with_layout_of(&document.text, &event));
    }
    match &arguments.output {
        Some(path) => write_new(path, text.as_bytes())?,
        None => terminal.out_raw(text.as_bytes()),
    }
    if had_signatures {
        terminal.warn("the signatures were removed: they do not match a redacted body");
    }
    Ok(())
}

/// An event on one line stays on one line, as Box writes it; an indented one stays indented.
fn with_layout_of(before: &str, scrubbed: &Value) -> String {
    let is_proxy = scrubbed.get("body").is_some_and(Value::is_string);
    if before.trim().contains('\n') {
        json::pretty(scrubbed)
    } else if is_proxy {
        json::line(scrubbed)
    } else {
        String::from_utf8_lossy(&wire::encode(scrubbed)).into_owned() + "\n"
    }
}
