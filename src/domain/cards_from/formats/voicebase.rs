//! VoiceBase's transcripts, versions 2 and 3. Times are milliseconds. A word is a change of speaker or
//! punctuation if `m` says so.

use crate::domain::{
    cards_from::{
        content::Content,
        value::{items, milliseconds, period_in_ms, text},
        words::{Grouping, Lines},
    },
    json::tree::Tree,
};

pub(in crate::domain::cards_from) fn fits(result: Tree<'_>) -> bool {
    transcript(result)
        .is_some_and(|transcript| items(transcript, "words").any(|word| word.get("w").is_some()))
}

fn transcript(result: Tree<'_>) -> Option<Tree<'_>> {
    result
        .get("transcript")
        .or_else(|| result.below(&["media", "transcripts", "latest"]))
}

pub(in crate::domain::cards_from) fn read(result: Tree<'_>, grouping: Grouping) -> Content {
    let mut lines = Lines::new(grouping);
    let mut speaker = None;
    for word in transcript(result)
        .into_iter()
        .flat_map(|it| items(it, "words"))
    {
        let Some(text) = text(word, "w") else {
            continue;
        };
        match word.get("m").and_then(Tree::as_str) {
            Some("turn") => {
                speaker = Some(text.trim_end_matches(':').to_owned());
                lines.end_line();
            }
            Some("punc") => lines.punctuation(text),
            _ => lines.word(text, period_in_ms(word, "s", "e"), speaker.clone()),
        }
    }
    let media = result.get("media").unwrap_or(result);
    Content {
        duration: milliseconds(media, "length"),
        lines: lines.finish(),
        ..Content::default()
    }
}
