//! `skillctl event redact`: a captured event in, one that can be committed out.

use serde_json::Value;

use super::{LARGEST_INPUT, write_new};
use crate::{
    cli::event::{Kept, RedactArgs},
    commands::input,
    domain::event::{
        Captured,
        redaction::{Keep, Scrubber},
        wire,
    },
    domain::json::document::Document,
    exit::{Failure, Outcome, Problem},
    render::json,
    terminal::Terminal,
};

/// Scrubs every event of the input, in the layout in which it came.
pub(super) fn run(arguments: &RedactArgs, terminal: &Terminal) -> Outcome {
    let name = input::name(&arguments.file);
    let bytes = input::bytes(&arguments.file, LARGEST_INPUT)?;
    let mut scrubber = Scrubber::new(Keep {
        ids: arguments.keep.contains(&Kept::Ids),
        names: arguments.keep.contains(&Kept::Names),
    });
    let mut text = String::new();
    let mut had_signatures = false;
    for document in documents(&name, bytes, terminal.width)? {
        let value = &document.value;
        Captured::read(value, &document.text.clone().into()).map_err(|found| {
            let message = format!("{}: {} ({})", document.name, found.message, found.pointer);
            Problem::new(message).usage()
        })?;
        let (event, losses) = scrubber.scrub(value);
        had_signatures |= losses.signatures;
        text.push_str(&laid_out(&document.text, &event));
    }
    match &arguments.output {
        Some(path) => write_new(path, text.as_bytes())?,
        None => terminal.out_raw(text.as_bytes()),
    }
    if had_signatures {
        terminal.warn("the signatures are gone: they do not hold for a scrubbed body");
    }
    Ok(())
}

/// The documents of an input: one, or for several lines of JSON one a line.
fn documents(name: &str, bytes: Vec<u8>, width: usize) -> Result<Vec<Document>, Failure> {
    let whole = match Document::parse(name.to_owned(), bytes.clone()) {
        Ok(document) => return Ok(vec![document]),
        Err(error) => error,
    };
    let text = String::from_utf8(bytes).unwrap_or_default();
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    let first_is_json = |(_, line): &(usize, &str)| {
        serde_json::from_str::<Value>(line).is_ok_and(|v| v.is_object())
    };
    if lines.len() < 2 || !lines.first().is_some_and(first_is_json) {
        return Err(input::no_json(&whole, width));
    }
    lines
        .into_iter()
        .map(|(index, line)| {
            let name = format!("{name}:{}", index + 1);
            Document::parse(name, line.as_bytes().to_vec())
                .map_err(|error| input::no_json(&error, width))
        })
        .collect()
}

/// One line stays one line, as Box writes it; what was laid out for reading stays so.
fn laid_out(before: &str, scrubbed: &Value) -> String {
    let is_proxy = scrubbed.get("body").is_some_and(Value::is_string);
    if before.trim().contains('\n') {
        json::pretty(scrubbed)
    } else if is_proxy {
        json::line(scrubbed)
    } else {
        String::from_utf8_lossy(&wire::encode(scrubbed)).into_owned() + "\n"
    }
}
