//! Small files, each with its right reading. A cue is written `start–end text`, with `-` for a time
//! that is not there. What the specification of WebVTT leaves open is as browsers, ffmpeg and VLC
//! agree on it.

use std::fmt::Write;

use super::*;

struct Row {
    what: &'static str,
    extension: &'static str,
    file: &'static str,
    cues: &'static [&'static str],
    /// The lines at which something is left out.
    skipped: &'static [usize],
}

const fn row(
    what: &'static str,
    extension: &'static str,
    file: &'static str,
    cues: &'static [&'static str],
) -> Row {
    Row {
        what,
        extension,
        file,
        cues,
        skipped: &[],
    }
}

const fn skips(mut row: Row, skipped: &'static [usize]) -> Row {
    row.skipped = skipped;
    row
}

const SRT: &[Row] = &[
    row(
        "cues with numbers",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,500\nAlpha\n\n2\n00:00:03,000 --> 00:00:04,000\nBravo\n",
        &["1–2.5 Alpha", "3–4 Bravo"],
    ),
    row(
        "windows line ends",
        "srt",
        "1\r\n00:00:01,000 --> 00:00:02,000\r\nAlpha\r\n",
        &["1–2 Alpha"],
    ),
    row(
        "old mac line ends",
        "srt",
        "1\r00:00:01,000 --> 00:00:02,000\rAlpha\r",
        &["1–2 Alpha"],
    ),
    row(
        "byte order mark",
        "srt",
        "\u{feff}1\n00:00:01,000 --> 00:00:02,000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "no numbers",
        "srt",
        "00:00:01,000 --> 00:00:02,000\nAlpha\n\n00:00:03,000 --> 00:00:04,000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "no blank lines",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\nAlpha\n2\n00:00:03,000 --> 00:00:04,000\nBravo\n3\n00:00:05,000 --> 00:00:06,000\nCharlie\n",
        &["1–2 Alpha", "3–4 Bravo", "5–6 Charlie"],
    ),
    row(
        "neither numbers nor blank lines",
        "srt",
        "00:00:01,000 --> 00:00:02,000\nAlpha\n00:00:03,000 --> 00:00:04,000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "a blank line inside the text",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\nAlpha\n\nand more\n\n2\n00:00:03,000 --> 00:00:04,000\nBravo\n",
        &["1–2 Alpha and more", "3–4 Bravo"],
    ),
    row(
        "every line followed by a blank one",
        "srt",
        "1\n\n00:00:01,000 --> 00:00:02,000\n\nAlpha\n\n\n\n2\n\n00:00:03,000 --> 00:00:04,000\n\nBravo\n\n\n",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "surplus blank lines",
        "srt",
        "\n\n\n1\n00:00:01,000 --> 00:00:02,000\nAlpha\n\n\n\n\n",
        &["1–2 Alpha"],
    ),
    row(
        "blank lines of spaces",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\nAlpha\n  \t\n2\n00:00:03,000 --> 00:00:04,000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "two lines of text",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\nAlpha\nand more\n",
        &["1–2 Alpha and more"],
    ),
    row(
        "numbers out of order",
        "srt",
        "7\n00:00:01,000 --> 00:00:02,000\nAlpha\n\n3\n00:00:03,000 --> 00:00:04,000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "text that is a number",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:03,000 --> 00:00:04,000\n2024\n",
        &["1–2 42", "3–4 2024"],
    ),
    row(
        "text that ends in a number, without numbers",
        "srt",
        "00:00:01,000 --> 00:00:02,000\nThe year\n2024\n\n00:00:03,000 --> 00:00:04,000\nBravo",
        &["1–2 The year 2024", "3–4 Bravo"],
    ),
    row(
        "numbers from the second cue on",
        "srt",
        "00:00:01,000 --> 00:00:02,000\nAlpha\n\n2\n00:00:03,000 --> 00:00:04,000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "points instead of commas",
        "srt",
        "1\n00:00:01.000 --> 00:00:02.500\nAlpha",
        &["1–2.5 Alpha"],
    ),
    row(
        "no fractions",
        "srt",
        "1\n00:00:01 --> 00:00:02\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "one digit",
        "srt",
        "1\n0:0:1,5 --> 0:0:2,25\nAlpha",
        &["1.5–2.25 Alpha"],
    ),
    row(
        "no hours",
        "srt",
        "1\n00:01,000 --> 01:02,000\nAlpha",
        &["1–62 Alpha"],
    ),
    row(
        "no blanks around the arrow",
        "srt",
        "1\n00:00:01,000-->00:00:02,000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "positions",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000 X1:100 X2:200 Y1:1 Y2:2\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "a hundred hours",
        "srt",
        "1\n100:00:00,000 --> 100:00:01,000\nAlpha",
        &["360000–360001 Alpha"],
    ),
    row(
        "tags and overrides",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>Al</i>pha <font color=\"red\">x</font>",
        &["1–2 Alpha x"],
    ),
    row(
        "character references",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\nA &amp; B",
        &["1–2 A & B"],
    ),
    row(
        "dialogue dashes",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\n- Yes?\n- No.",
        &["1–2 - Yes? - No."],
    ),
    row(
        "an arrow in the text",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\nA -> B",
        &["1–2 A -> B"],
    ),
    skips(
        row(
            "end before start",
            "srt",
            "1\n00:00:05,000 --> 00:00:04,000\nAlpha",
            &["5– Alpha"],
        ),
        &[2],
    ),
    skips(
        row(
            "no text",
            "srt",
            "1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\nBravo",
            &["3–4 Bravo"],
        ),
        &[2],
    ),
    skips(
        row(
            "a timing that cannot be read",
            "srt",
            "1\n00:00:0x,000 --> 00:00:02,000\nlost\n\n2\n00:00:03,000 --> 00:00:04,000\nBravo",
            &["3–4 Bravo"],
        ),
        &[2],
    ),
    skips(
        row(
            "an arrow without a dash",
            "srt",
            "1\n00:00:01,000 --> 00:00:02,000\nAlpha\n\n2\n00:00:03,000 -> 00:00:04,000\nlost\n\n3\n00:00:05,000 --> 00:00:06,000\nCharlie",
            &["1–2 Alpha", "5–6 Charlie"],
        ),
        &[6],
    ),
    skips(
        row(
            "text before the first timing",
            "srt",
            "A title\n\n1\n00:00:01,000 --> 00:00:02,000\nAlpha",
            &["1–2 Alpha"],
        ),
        &[1],
    ),
    skips(
        row(
            "cut off after a number",
            "srt",
            "1\n00:00:01,000 --> 00:00:02,000\nAlpha\n\n2\n",
            &["1–2 Alpha"],
        ),
        &[5],
    ),
    skips(
        row(
            "cut off after a timing",
            "srt",
            "1\n00:00:01,000 --> 00:00:02,000\nAlpha\n\n2\n00:00:03,000 --> 00:00:04,000",
            &["1–2 Alpha"],
        ),
        &[6],
    ),
];

const VTT: &[Row] = &[
    row(
        "cues",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.500\nAlpha\n\n00:00:03.000 --> 00:00:04.000\nBravo\n",
        &["1–2.5 Alpha", "3–4 Bravo"],
    ),
    row("the signature alone", "vtt", "WEBVTT", &[]),
    row(
        "a title",
        "vtt",
        "WEBVTT - a talk\n\n00:01.000 --> 00:02.000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "metadata in the header",
        "vtt",
        "WEBVTT\nKind: captions\nLanguage: en\n\n00:01.000 --> 00:02.000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "byte order mark",
        "",
        "\u{feff}WEBVTT\n\n00:01.000 --> 00:02.000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "windows line ends",
        "vtt",
        "WEBVTT\r\n\r\n00:01.000 --> 00:02.000\r\nAlpha\r\n",
        &["1–2 Alpha"],
    ),
    row(
        "the signature wins over the extension",
        "srt",
        "WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "no blank line below the header",
        "vtt",
        "WEBVTT\n00:00:01.000 --> 00:00:02.000\nAlpha\n\n00:00:03.000 --> 00:00:04.000\nBravo\n",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "no blank lines between cues",
        "vtt",
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nAlpha\n00:00:03.000 --> 00:00:04.000\nBravo\n",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "numbers and no blank lines",
        "vtt",
        "WEBVTT\n\n1\n00:01.000 --> 00:02.000\nAlpha\n2\n00:03.000 --> 00:04.000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "identifiers",
        "vtt",
        "WEBVTT\n\nintro\n00:01.000 --> 00:02.000\nAlpha\n\n2\n00:03.000 --> 00:04.000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "identifiers that begin with NOTE",
        "vtt",
        "WEBVTT\n\nNOTE: a cue id here\n00:00:01.000 --> 00:00:02.000\nAlpha\n\nNOTES-1\n00:00:03.000 --> 00:00:04.000\nBravo\n",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    row(
        "comments",
        "vtt",
        "WEBVTT\n\nNOTE one line\n\nNOTE\nmore\nlines\n\n00:01.000 --> 00:02.000\nAlpha\n\nNOTE\n\n",
        &["1–2 Alpha"],
    ),
    row(
        "a comment with an arrow ends at it",
        "vtt",
        "WEBVTT\n\nNOTE\nold\n00:01.000 --> 00:02.000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "styles and regions",
        "vtt",
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\n00:01.000 --> 00:02.000 region:a\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "settings",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:start position:0% line:-1\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "tabs around the arrow",
        "vtt",
        "WEBVTT\n\n00:01.000\t-->\t00:02.000\tline:0\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "many hours",
        "vtt",
        "WEBVTT\n\n123:00:01.000 --> 123:00:02.000\nAlpha",
        &["442801–442802 Alpha"],
    ),
    row(
        "commas as in SubRip",
        "vtt",
        "WEBVTT\n\n00:01,000 --> 00:02,000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "voices",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud.first Anna B>Alpha</v>\n\n00:03.000 --> 00:04.000\n<v\tBen>Bravo\n\n00:05.000 --> 00:06.000\n<v.loud>Charlie",
        &["1–2 Anna B: Alpha", "3–4 Ben: Bravo", "5–6 Charlie"],
    ),
    row(
        "two voices in a cue",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna>Yes?\n<v Ben>No.",
        &["1–2 Anna: Yes? Ben: No."],
    ),
    row(
        "classes, times and ruby",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<c.a.b>Al<00:01.500>pha</c> <b>x</b>",
        &["1–2 Alpha x"],
    ),
    row(
        "character references",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\nIt&#39;s &quot;fine&quot; &apos;x&apos; &#x27; &hellip; &eacute; &amp;amp;\n",
        &["1–2 It's \"fine\" 'x' ' … é &amp;"],
    ),
    row(
        "a less-than sign",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n2 < 3 and a<b",
        &["1–2 2 < 3 and a<b"],
    ),
    row(
        "a tag over two lines",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v\nAnna>Alpha",
        &["1–2 Anna: Alpha"],
    ),
    row(
        "a blank line below the timing",
        "vtt",
        "WEBVTT\n\n1\n\n00:01.000 --> 00:02.000\n\nAlpha",
        &["1–2 Alpha"],
    )
    .skipping_first(),
    row(
        "without a signature, by extension",
        "vtt",
        "00:01.000 --> 00:02.000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "cues that are not in order",
        "vtt",
        "WEBVTT\n\n00:03.000 --> 00:04.000\nBravo\n\n00:01.000 --> 00:02.000\nAlpha",
        &["3–4 Bravo", "1–2 Alpha"],
    ),
    row(
        "an end that equals the start",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:01.000\nAlpha",
        &["1–1 Alpha"],
    ),
    skips(
        row(
            "a timing that cannot be read",
            "vtt",
            "WEBVTT\n\n00:0x.000 --> 00:02.000\nlost\n\n00:03.000 --> 00:04.000\nBravo",
            &["3–4 Bravo"],
        ),
        &[3],
    ),
    skips(
        row(
            "text without a timing",
            "vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\nAlpha\n\nand more\n",
            &["1–2 Alpha"],
        ),
        &[6],
    ),
    skips(
        row(
            "end before start",
            "vtt",
            "WEBVTT\n\n00:02.000 --> 00:01.000\nAlpha",
            &["2– Alpha"],
        ),
        &[3],
    ),
];

const OTHERS: &[Row] = &[
    row(
        "sbv",
        "sbv",
        "0:00:00.599,0:00:04.160\nAlpha\n\n0:00:04.160,0:00:06.770\nBravo\n",
        &["0.599–4.16 Alpha", "4.16–6.77 Bravo"],
    ),
    row(
        "sbv by its look",
        "",
        "0:00:01.000,0:00:02.000\nAlpha[br]and more\n",
        &["1–2 Alpha and more"],
    ),
    row(
        "sbv without blank lines",
        "sbv",
        "0:00:01.000,0:00:02.000\nAlpha\n0:00:03.000,0:00:04.000\nBravo",
        &["1–2 Alpha", "3–4 Bravo"],
    ),
    skips(
        row(
            "sbv with text above",
            "sbv",
            "A title\n0:00:01.000,0:00:02.000\nAlpha",
            &["1–2 Alpha"],
        ),
        &[1],
    ),
    row(
        "srt by its look",
        "",
        "1\n00:00:01,000 --> 00:00:02,000\nAlpha",
        &["1–2 Alpha"],
    ),
    row(
        "plain text",
        "txt",
        "Hello\n\nAnna: hello\n",
        &["– Hello", "– Anna: hello"],
    ),
    row(
        "numbers in plain text",
        "txt",
        "[1] See the first paper\n2024: a year of growth\n3: third item\n10: 30 people came\n12: noon\n[7]\n[2] \n",
        &[
            "– [1] See the first paper",
            "– 2024: a year of growth",
            "– 3: third item",
            "– 10: 30 people came",
            "– 12: noon",
            "– [7]",
            "– [2]",
        ],
    ),
    row(
        "times in plain text",
        "txt",
        "0:07: from a copy\n[1:02:03] noted\nat 5: no time\n[00:12.50] a lyric",
        &[
            "7– from a copy",
            "3723– noted",
            "– at 5: no time",
            "12.5– a lyric",
        ],
    ),
    row(
        "plain text by extension, whatever it holds",
        "txt",
        "00:00:01,000 --> 00:00:02,000\nAlpha",
        &["– 00:00:01,000 --> 00:00:02,000", "– Alpha"],
    ),
    row("an empty file", "", "", &[]),
];

impl Row {
    /// The number of a double-spaced cue is alone in a block.
    const fn skipping_first(self) -> Self {
        skips(self, &[3])
    }
}

/// The cues as a row writes them.
fn written(cues: &[Cue]) -> Vec<String> {
    let time = |time: Option<f64>| time.map(|it| it.to_string()).unwrap_or_default();
    cues.iter()
        .map(|cue| format!("{}–{} {}", time(cue.start), time(cue.end), cue.text))
        .collect()
}

#[test]
fn small_files_are_read_as_their_rows_say() {
    let rows = || [SRT, VTT, OTHERS].into_iter().flatten();
    assert!(rows().count() >= 60, "{}", rows().count());
    let mut wrong = String::new();
    for row in rows() {
        let text = encoding::decode(row.file.as_bytes()).expect("UTF-8");
        let extension = Some(row.extension).filter(|it| !it.is_empty());
        let format = Format::detect(extension, &text).expect(row.what);
        let read = read(&text, format);
        let cues = written(&read.cues);
        let skipped: Vec<_> = read.skipped.iter().map(|it| it.line).collect();
        if cues != row.cues || skipped != row.skipped {
            let _ = writeln!(
                wrong,
                "{}: {cues:?}, expected {:?}; left out at {skipped:?}, expected {:?}",
                row.what, row.cues, row.skipped
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn utf_16_is_read() {
    let text = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,000\r\nAlpha é\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = encoding::decode(&bytes).expect("UTF-16");
    assert_eq!(written(&read(&text, Format::Srt).cues), ["1–2 Alpha é"]);
}

#[test]
fn formats_that_are_not_read_are_refused_by_name() {
    for (extension, text, name) in [
        (None, "[Script Info]\nScriptType: v4.00+\n", "ASS"),
        (Some("SSA"), "", "ASS"),
        (
            None,
            "<?xml version=\"1.0\"?><tt xmlns=\"http://www.w3.org/ns/ttml\"/>",
            "TTML",
        ),
        (None, "<tt xml:lang=\"en\">", "TTML"),
        (Some("dfxp"), "", "TTML"),
        (None, "<SAMI><BODY>", "SAMI"),
        (Some("sub"), "{25}{50}Alpha", "MicroDVD"),
    ] {
        let refused = Format::detect(extension, text).expect_err(text);
        assert!(refused.contains(name), "{refused}");
    }
}

#[test]
fn no_text_panics_the_reader() {
    for text in [
        "-->", "<", "{", "&", "<é", "{\\", "&é;", "1\n-->\n", "WEBVTT", "<v >x", "1", ",", "{1}{",
    ] {
        for format in [Format::Srt, Format::Vtt, Format::Sbv, Format::Plain] {
            let _ = read(text, format);
        }
        let _ = Format::detect(None, text);
    }
}
