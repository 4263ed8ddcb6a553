//! `skillctl event redact`: a captured event in, one that can be committed out.

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

/// Scrubs every event of the input, in the layout in which it came.
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
