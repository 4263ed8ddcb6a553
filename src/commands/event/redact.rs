//! `skillctl event redact`: makes a captured event, or a cassette, safe to commit.

use std::path::Path;

use serde_json::Value;

use super::files::{MAX_INPUT, write_new};
use crate::{
    cli::event::{Kept, RedactArgs},
    commands::{cassette_files, wrong_input::wrong_input},
    domain::{
        cassette::{har, redaction::redacted},
        event::{
            Captured,
            redaction::{Keep, Scrubber},
            wire,
        },
        secret_values::SecretValues,
    },
    env::{Environment, input},
    exit::{Outcome, Problem},
    render::json,
    terminal::Terminal,
};

/// Redacts a cassette, or every event of the input. Keeps the layout of events.
pub(super) fn run(
    arguments: &RedactArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    let name = input::name(&arguments.file);
    let is_har = arguments.file.extension().is_some_and(|it| it == "har");
    let limit = if is_har { har::MAX_BYTES } else { MAX_INPUT };
    let bytes = input::bytes(&arguments.file, limit).map_err(wrong_input(terminal.width))?;
    if is_har || har::has_the_form(&bytes) {
        return cassette(&name, bytes, arguments, environment, terminal);
    }
    events(&name, bytes, arguments, terminal)
}

/// Redacts a cassette, and writes it as a recording would.
fn cassette(
    name: &str,
    bytes: Vec<u8>,
    arguments: &RedactArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    if !arguments.keep.is_empty() {
        let message = "--keep is for events: of a cassette only secrets are redacted";
        return Err(Problem::new(message).usage());
    }
    let read = cassette_files::parse(Path::new(name), bytes, terminal)?;
    let secrets = SecretValues::from_variables(environment.vars());
    let text = har::write(&redacted(&read, &secrets), env!("CARGO_PKG_VERSION"));
    write(arguments, &text, terminal)
}

fn events(name: &str, bytes: Vec<u8>, arguments: &RedactArgs, terminal: &Terminal) -> Outcome {
    let parts = input::documents(name, bytes).map_err(wrong_input(terminal.width))?;
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
    write(arguments, &text, terminal)?;
    if had_signatures {
        terminal.warn("the signatures were removed: they do not match a redacted body");
    }
    Ok(())
}

fn write(arguments: &RedactArgs, text: &str, terminal: &Terminal) -> Outcome {
    match &arguments.output {
        Some(path) => write_new(path, text.as_bytes())?,
        None => terminal.out_raw(text.as_bytes()),
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
