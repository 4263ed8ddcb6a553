//! Subtitles read for a transcript: SubRip (`.srt`), WebVTT (`.vtt`) and plain text. What is
//! malformed is skipped and reported by its line; the rest is kept.

/// The format of a file of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// Plain text, a line an entry.
    Plain,
}

/// A line of speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// When it starts, in seconds; plain text has no times.
    pub start: Option<f64>,
    /// When it ends, in seconds.
    pub end: Option<f64>,
    /// What is said, on one line.
    pub text: String,
}

/// A part of a file that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its line, from 1.
    pub line: usize,
    /// Why, in a few words.
    pub why: &'static str,
    /// The line as it is.
    pub text: String,
}

/// What a file of subtitles says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtitles {
    /// The lines of speech, in the order of the file.
    pub cues: Vec<Cue>,
    /// What was skipped.
    pub skipped: Vec<Skipped>,
}

impl Subtitles {
    /// When the last cue ends, in seconds; none without times.
    pub fn duration(&self) -> Option<f64> {
        self.cues
            .iter()
            .filter_map(|cue| cue.end.or(cue.start))
            .max_by(f64::total_cmp)
    }
}

impl Format {
    /// The format of a text: WebVTT says so in its first line; else by the ending of the name
    /// (without the dot), else by whether a line looks like a timing.
    pub fn of(ending: Option<&str>, text: &str) -> Self {
        if text.trim_start_matches('\u{feff}').starts_with("WEBVTT") {
            return Self::Vtt;
        }
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("srt") => Self::Srt,
            Some("vtt") => Self::Vtt,
            Some("txt" | "md" | "text") => Self::Plain,
            _ if lines(text).any(|(_, line)| timing(line).is_some()) => Self::Srt,
            _ => Self::Plain,
        }
    }
}

/// Reads subtitles.
pub fn read(text: &str, format: Format) -> Subtitles {
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::Plain => plain(text),
        Format::Srt | Format::Vtt => blocks(text, format),
    }
}

/// The lines of a text with their numbers from 1, whether they end in `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
}

fn plain(text: &str) -> Subtitles {
    let cues = lines(text)
        .filter(|(_, line)| !line.is_empty())
        .map(|(_, line)| match stamped(line) {
            Some((start, text)) => Cue {
                start: Some(start),
                end: None,
                text: text.to_owned(),
            },
            None => Cue {
                start: None,
                end: None,
                text: line.to_owned(),
            },
        })
        .collect();
    Subtitles {
        cues,
        skipped: Vec::new(),
    }
}

/// A line as Box's preview copies it, `m:ss: text`, or as people write it, `[m:ss] text`.
fn stamped(line: &str) -> Option<(f64, &str)> {
    let (time, text) = match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => line.split_once(": ")?,
    };
    let text = text.trim();
    (!text.is_empty()).then_some((seconds(time)?, text))
}

/// A block of lines between blank ones, as it is gathered.
#[derive(Default)]
struct Block<'a> {
    lines: Vec<(usize, &'a str)>,
}

fn blocks(text: &str, format: Format) -> Subtitles {
    let mut read = Subtitles::default();
    let mut block = Block::default();
    for (number, line) in lines(text) {
        if line.is_empty() {
            std::mem::take(&mut block).end(format, &mut read);
        } else {
            block.lines.push((number, line));
        }
    }
    block.end(format, &mut read);
    read
}

impl Block<'_> {
    fn end(self, format: Format, read: &mut Subtitles) {
        let Some(&(first, head)) = self.lines.first() else {
            return;
        };
        if format == Format::Vtt && is_no_cue(head) {
            return;
        }
        // A timing may be in the first line, or in the second below a number or a name.
        let at = self
            .lines
            .iter()
            .take(2)
            .position(|(_, line)| line.contains("-->"));
        let Some(at) = at else {
            // Blank lines inside a cue's text are common: a block without timing continues the
            // cue before it, but a lone number is the head of a cue that was lost.
            let skipped = Skipped {
                line: first,
                why: "there is no timing line above this text",
                text: head.to_owned(),
            };
            read.skipped.push(skipped);
            return;
        };
        let (number, line) = self.lines[at];
        let skip = |why| Skipped {
            line: number,
            why,
            text: line.to_owned(),
        };
        let Some((start, end)) = timing(line) else {
            read.skipped.push(skip("the timing cannot be read"));
            return;
        };
        let text = self.lines[at + 1..]
            .iter()
            .map(|(_, line)| spoken(line))
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if text.is_empty() {
            read.skipped.push(skip("there is no text below the timing"));
        } else if end < start {
            read.skipped.push(skip("the cue ends before it starts"));
        } else {
            read.cues.push(Cue {
                start: Some(start),
                end: Some(end),
                text,
            });
        }
    }
}

/// Whether a WebVTT block is its head, a note, a style or a region.
fn is_no_cue(head: &str) -> bool {
    ["WEBVTT", "NOTE", "STYLE", "REGION"].iter().any(|word| {
        head.strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', ':']))
    })
}

/// The start and end in seconds of `00:00:01,000 --> 00:00:02.500 align:start`.
fn timing(line: &str) -> Option<(f64, f64)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((seconds(start.trim())?, seconds(end)?))
}

/// Seconds of `h:mm:ss`, `m:ss` or `s`, with a fraction after a point or a comma.
pub fn seconds(text: &str) -> Option<f64> {
    const MAX_LENGTH: usize = 20;
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    let mut total = 0.0;
    let mut parts = 0;
    for part in text.split(':') {
        let (whole, fraction) = part.split_once([',', '.']).unwrap_or((part, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        parts += 1;
        total = total * 60.0 + format!("{whole}.{fraction}").parse::<f64>().ok()?;
    }
    // Half a hundredth of a millisecond is what adding in binary leaves over.
    (parts <= 3).then(|| (total * 1000.0).round() / 1000.0)
}

/// The text of a cue line: tags taken out, a voice named as the speaker, entities decoded.
fn spoken(line: &str) -> String {
    // What is never closed is looked for once, not again for every bracket.
    let closed = |bracket| line.rfind(bracket).map_or("", |last| &line[last..]).len();
    let (tags, overrides) = (closed('>'), closed('}'));
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{', '&']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        rest = match from.as_bytes().first() {
            Some(b'<') if from.len() > tags && tags > 0 => tag(from, &mut text),
            Some(b'{') if from.len() > overrides && overrides > 0 => {
                override_block(from, &mut text)
            }
            Some(b'<' | b'{') => keep_first(from, &mut text),
            _ => entity(from, &mut text),
        };
    }
    text.push_str(rest);
    text.trim().to_owned()
}

/// Passes over `<…>`; `<v Anna>` names who speaks.
fn tag<'a>(from: &'a str, text: &mut String) -> &'a str {
    let named = from[1..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '/');
    match named.then(|| from.find('>')).flatten() {
        Some(end) => {
            let name = &from[1..end];
            if let Some(speaker) = name.strip_prefix("v ") {
                text.push_str(speaker.trim());
                text.push_str(": ");
            }
            &from[end + 1..]
        }
        _ => keep_first(from, text),
    }
}

/// Passes over `{\an8}`, which places a line on the screen.
fn override_block<'a>(from: &'a str, text: &mut String) -> &'a str {
    let places = from.starts_with("{\\");
    match places.then(|| from.find('}')).flatten() {
        Some(end) => &from[end + 1..],
        _ => keep_first(from, text),
    }
}

fn entity<'a>(from: &'a str, text: &mut String) -> &'a str {
    const KNOWN: [(&str, &str); 6] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&lrm;", ""),
        ("&rlm;", ""),
    ];
    for (name, means) in KNOWN {
        if let Some(rest) = from.strip_prefix(name) {
            text.push_str(means);
            return rest;
        }
    }
    keep_first(from, text)
}

/// Keeps the first character, which is one byte, as text.
fn keep_first<'a>(from: &'a str, text: &mut String) -> &'a str {
    text.push_str(&from[..1]);
    &from[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: f64, end: f64, text: &str) -> Cue {
        Cue {
            start: Some(start),
            end: Some(end),
            text: text.to_owned(),
        }
    }

    fn lines_of(read: &Subtitles) -> Vec<usize> {
        read.skipped.iter().map(|it| it.line).collect()
    }

    #[test]
    fn subrip_is_read_with_any_line_ends() {
        let text = "\u{feff}1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>\nthere\n\n2\n01:00:03,040 --> 01:00:04,000 X1:5\n{\\an8}General & co.\n";
        let expected = [
            cue(1.0, 2.5, "Hello there"),
            cue(3603.04, 3604.0, "General & co."),
        ];
        for text in [
            text.to_owned(),
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
        ] {
            let read = read(&text, Format::of(Some("srt"), &text));
            assert_eq!(read.cues, expected);
            assert_eq!(read.skipped, []);
            assert_eq!(read.duration(), Some(3604.0));
        }
    }

    #[test]
    fn webvtt_is_read_without_its_notes_and_styles() {
        let text = "WEBVTT - a talk\nKind: captions\n\nNOTE nobody reads this\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.000 align:start position:0%\n<v Anna>I &lt;3 <c.loud>you</c>\n\n00:03.000 --> 00:04.000\n2 < 3 and a<b\n";
        let read = read(text, Format::of(None, text));
        assert_eq!(
            read.cues,
            [
                cue(1.0, 2.0, "Anna: I <3 you"),
                cue(3.0, 4.0, "2 < 3 and a<b")
            ]
        );
        assert_eq!(read.skipped, []);
    }

    #[test]
    fn what_is_malformed_is_skipped_by_its_line() {
        let text = "1\n00:00:01,000 -> 00:00:02,000\nlost\n\n2\n00:00:0x,000 --> 00:00:02,000\nlost\n\n3\n00:00:05,000 --> 00:00:04,000\nlost\n\n4\n00:00:06,000 --> 00:00:07,000\n\n5\n00:00:08,000 --> 00:00:09,000\nkept\n";
        let read = read(text, Format::Srt);
        assert_eq!(read.cues, [cue(8.0, 9.0, "kept")]);
        assert_eq!(lines_of(&read), [1, 6, 10, 14]);
        assert_eq!(read.skipped[1].why, "the timing cannot be read");
    }

    #[test]
    fn plain_text_has_an_entry_a_line_and_keeps_copied_times() {
        let read = read(
            "Hello\n\n0:07: from a copy\n[1:02:03] noted\nat 5: no time\n",
            Format::Plain,
        );
        let starts: Vec<_> = read.cues.iter().map(|it| it.start).collect();
        assert_eq!(starts, [None, Some(7.0), Some(3723.0), None]);
        assert_eq!(read.cues[1].text, "from a copy");
        assert_eq!(read.duration(), Some(3723.0));
    }

    #[test]
    fn formats_are_told_by_ending_and_by_look() {
        assert_eq!(Format::of(Some("VTT"), ""), Format::Vtt);
        assert_eq!(
            Format::of(None, "1\n00:00:01,0 --> 00:00:02,0\na"),
            Format::Srt
        );
        assert_eq!(
            Format::of(Some("txt"), "00:00:01,0 --> 00:00:02,0"),
            Format::Plain
        );
        assert_eq!(Format::of(None, "hello"), Format::Plain);
    }

    #[test]
    fn times_are_read_and_nonsense_is_not() {
        assert_eq!(seconds("1:02:03.5"), Some(3723.5));
        assert_eq!(seconds("75"), Some(75.0));
        for text in [
            "",
            ":",
            "1:",
            "1:2:3:4",
            "-1",
            "1e5",
            "１",
            "9".repeat(50).as_str(),
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn brackets_that_are_never_closed_cost_no_more_than_their_length() {
        // Looking for each one's end would take many minutes.
        for (open, kept) in [
            ("<a", "<a"),
            ("{\\", "{\\"),
            ("< ", "<"),
            (">}<a{\\", "}<a{\\"),
        ] {
            let line = open.repeat(1_000_000);
            assert!(spoken(&line).ends_with(kept), "{open}");
        }
    }

    #[test]
    fn no_text_panics_the_reader() {
        for text in [
            "-->", "<", "{", "&", "<é", "{\\", "&é;", "1\n-->\n", "WEBVTT", "<v >x",
        ] {
            for format in [Format::Srt, Format::Vtt, Format::Plain] {
                let _ = read(text, format);
                let _ = spoken(text);
            }
        }
    }
}
