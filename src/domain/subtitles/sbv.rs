//! SubViewer as YouTube writes it (`.sbv`): `0:00:01.000,0:00:02.000` above the text of each cue.

use super::{
    cue::{Subtitles, Timing, lines, on_one_line},
    time::comma_timing,
};

/// Reads SBV.
pub(super) fn read(text: &str) -> Subtitles {
    let mut read = Subtitles::default();
    let mut cue: Option<(Timing, (usize, &str), Vec<&str>)> = None;
    for line in lines(text) {
        if let Some(timing) = comma_timing(line.1) {
            end(&mut read, cue.take());
            cue = Some((timing, line, Vec::new()));
        } else if !line.1.is_empty() {
            match &mut cue {
                Some((_, _, text)) => text.push(line.1),
                None => read.skip(line, "there is no timing line above this text"),
            }
        }
    }
    end(&mut read, cue);
    read
}

fn end(read: &mut Subtitles, cue: Option<(Timing, (usize, &str), Vec<&str>)>) {
    if let Some((timing, line, text)) = cue {
        let text = text.join(" ").replace("[br]", " ");
        read.add(timing, on_one_line(&text), line);
    }
}
