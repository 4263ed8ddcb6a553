//! Captions: SubRip (.srt) and WebVTT (.vtt), read leniently.

/// Cues that are read; later ones are left out.
const MAX_CUES: usize = 2000;

/// One cue: a text, and its start and end in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cue {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) text: String,
}

/// The cues of a caption file.
pub(super) fn read(text: &str) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some((start, end)) = timing(line) else {
            continue;
        };
        let said: Vec<String> = lines
            .by_ref()
            .take_while(|line| !line.is_empty())
            .map(without_tags)
            .filter(|line| !line.is_empty())
            .collect();
        if !said.is_empty() {
            cues.push(Cue {
                start,
                end,
                text: said.join(" "),
            });
        }
        if cues.len() == MAX_CUES {
            break;
        }
    }
    cues
}

/// `00:01:02,500 --> 00:01:04.000 align:start`: the hours may be missing.
fn timing(line: &str) -> Option<(f64, f64)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((seconds(start.trim())?, seconds(end)?))
}

fn seconds(stamp: &str) -> Option<f64> {
    let stamp = stamp.replace(',', ".");
    let parts: Vec<&str> = stamp.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    parts.iter().try_fold(0.0, |sum, part| {
        let digits_only = part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let part: f64 = part.parse().ok().filter(|_| digits_only)?;
        Some(sum * 60.0 + part)
    })
}

/// `<v Speaker>Hello <i>there</i>` becomes `Hello there`.
fn without_tags(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, tag)) = rest.split_once('<') {
        kept.push_str(before);
        if let Some((_, after)) = tag.split_once('>') {
            rest = after;
        } else {
            kept.push('<');
            rest = tag;
        }
    }
    kept.push_str(rest);
    kept.replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: f64, end: f64, text: &str) -> Cue {
        Cue {
            start,
            end,
            text: text.to_owned(),
        }
    }

    #[test]
    fn webvtt_is_read_with_notes_settings_and_voices_left_out() {
        let text = "WEBVTT - a title\n\nNOTE nobody sees this\n\nintro\n00:01.500 --> 00:04.000 \
                    align:start\n<v Ada>Welcome <i>aboard</i>\nall &amp; sundry\n\n\
                    01:00:00.000 --> 01:00:02.250\nGoodbye\n";
        assert_eq!(
            read(text),
            [
                cue(1.5, 4.0, "Welcome aboard all & sundry"),
                cue(3600.0, 3602.25, "Goodbye"),
            ]
        );
    }

    #[test]
    fn subrip_is_read_with_its_commas_and_line_ends() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,500\r\nOne < two\r\n\r\n2\r\n00:00:03,000 --> \
                    00:00:04,000\r\nTwo";
        assert_eq!(
            read(text),
            [cue(1.0, 2.5, "One < two"), cue(3.0, 4.0, "Two")]
        );
    }

    #[test]
    fn a_text_without_a_timing_has_no_cue() {
        for text in [
            "",
            "WEBVTT\n",
            "a --> b\nc",
            "1:2:3:4 --> 5\nx",
            "-1:00 --> inf:nan\nx",
        ] {
            assert!(read(text).is_empty(), "{text:?}");
        }
    }
}
