//! What is printed of a skill's output.

use std::sync::Arc;

use crate::{
    domain::secret::redact_output,
    render::text::{Line, Role, Text},
    skill::output::Output,
    terminal::Terminal,
};

/// The most lines of output that are shown after a failure.
const MAX_OUTPUT_LINES: usize = 40;

/// A capture that also prints each line at once.
pub(super) fn live(terminal: &Terminal) -> Output {
    let terminal = terminal.clone();
    Output::with_handler(Some(Arc::new(move |_, line| {
        let line = redact_output(line);
        terminal.note_line(Line::new().with(Role::Dim, "skill | ").plain(line));
    })))
}

/// The end of the output.
pub(super) fn output_of(output: &Output) -> Text {
    let lines = output.tail(MAX_OUTPUT_LINES);
    let left_out = output.total().saturating_sub(lines.len());
    let mut text = Text::new();
    if left_out > 0 {
        text.push(Line::new().with(Role::Dim, format!("… {left_out} earlier lines")));
    }
    for line in lines {
        text.push(
            Line::new()
                .with(Role::Dim, "| ")
                .plain(redact_output(&line)),
        );
    }
    text
}
