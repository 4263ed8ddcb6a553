//! Errors and findings with their source: `--> file:line:column`, the line, a caret under the value,
//! what was found, what is expected, and how to correct it.

use std::{collections::HashMap, ops::Range};

use unicode_width::UnicodeWidthStr;

use super::{
    text::{Line, Role, Text, visible},
    wrap::wrap,
};
use crate::domain::{
    diagnostic::{LineColumn, Severity},
    json::{
        document::{Located, SyntaxError},
        position,
    },
    secret,
};

/// The position of a syntax error with its line. The caller adds the message and the help.
pub fn syntax_excerpt(error: &SyntaxError, width: usize) -> Text {
    let mark = Mark {
        place: error.place,
        range: error.range.clone(),
        role: Role::Bad,
        label: "here",
    };
    let related = error.related.as_ref().map(|(range, label)| Mark {
        place: position::place(&error.text, range.start),
        range: range.clone(),
        role: Role::Accent,
        label,
    });
    let mut text = Text::new();
    let gutter = gutter_of(related.iter().map(|mark| mark.place).chain([error.place]));
    text.push(arrow(&error.name, error.place, gutter));
    if !error.text.is_empty() {
        text.push(gutter_line(gutter));
        // In the order of the source.
        for mark in related.iter().chain([&mark]) {
            draw(&mut text, &error.text, mark, gutter, width);
        }
    }
    text
}

/// Findings with the source they were found in. At most `max_per_code` of one code are drawn, and the
/// rest are counted: a program often repeats one mistake in a long list.
pub fn findings(
    name: &str,
    source: &str,
    found: &[Located<'_>],
    width: usize,
    max_per_code: usize,
) -> Text {
    let mut text = Text::new();
    let mut drawn: HashMap<&str, usize> = HashMap::new();
    for located in found {
        let count = drawn.entry(located.finding.code).or_default();
        *count += 1;
        if *count <= max_per_code {
            text.append(finding(name, source, located, width), 0);
            text.push(Line::new());
        }
    }
    for (code, count) in in_order(found, &drawn) {
        if count > max_per_code {
            text.push(Line::new().with(
                Role::Dim,
                format!(
                    "… and {} more of [{code}]; -v shows all",
                    count - max_per_code
                ),
            ));
        }
    }
    text
}

/// The codes with their counts, in the order in which they are first found.
fn in_order<'a>(found: &[Located<'a>], counts: &HashMap<&'a str, usize>) -> Vec<(&'a str, usize)> {
    let mut codes: Vec<(&str, usize)> = Vec::new();
    for located in found {
        let code = located.finding.code;
        if codes.len() == counts.len() {
            break;
        }
        if !codes.iter().any(|(known, _)| *known == code) {
            codes.push((code, counts.get(code).copied().unwrap_or_default()));
        }
    }
    codes
}

/// One finding with the source it was found in.
pub fn finding(name: &str, source: &str, located: &Located<'_>, width: usize) -> Text {
    let finding = located.finding;
    let role = match finding.severity {
        Severity::Error => Role::Bad,
        Severity::Warning => Role::Warn,
    };
    let mut text = Text::new();
    let severity = finding.severity.as_str();
    let title_width = severity.len() + finding.code.len() + 4;
    let first = wrap(&finding.message, columns_left(width, title_width)).swap_remove(0);
    text.push(
        Line::new()
            .with(role, format!("{severity}[{}]", finding.code))
            .with(Role::Strong, format!(": {first}")),
    );
    let rest = finding.message.strip_prefix(&first).unwrap_or_default();
    if !rest.trim().is_empty() {
        for words in wrap(rest, columns_left(width, CONTINUATION_INDENT)) {
            text.push(Line::from(" ".repeat(CONTINUATION_INDENT)).with(Role::Strong, words));
        }
    }
    let gutter = gutter_of([located.place]);
    text.push(arrow(name, located.place, gutter));
    text.push(gutter_line(gutter));
    let mark = Mark {
        place: located.place,
        range: located.range.clone(),
        role,
        label: finding.found.as_deref().unwrap_or_default(),
    };
    draw(&mut text, source, &mark, gutter, width);
    let pointer = match finding.pointer.as_str() {
        "" => "(the whole document)",
        pointer => pointer,
    };
    labelled(&mut text, gutter, width, "at", pointer);
    if let Some(expected) = &finding.expected {
        labelled(&mut text, gutter, width, "expected", expected);
    }
    if let Some(help) = &finding.help {
        labelled(&mut text, gutter, width, "help", help);
    }
    text
}

/// Columns by which the second and further lines of a message are indented.
const CONTINUATION_INDENT: usize = 4;

/// A part of the source that is marked with carets.
struct Mark<'a> {
    place: LineColumn,
    range: Range<usize>,
    role: Role,
    label: &'a str,
}

/// Columns that the largest line number takes.
fn gutter_of(places: impl IntoIterator<Item = LineColumn>) -> usize {
    places
        .into_iter()
        .map(|place| place.line.to_string().len())
        .max()
        .unwrap_or(1)
}

/// The columns of `width` after `taken`, and at least enough to read.
fn columns_left(width: usize, taken: usize) -> usize {
    width.saturating_sub(taken).max(16)
}

fn arrow(name: &str, place: LineColumn, gutter: usize) -> Line {
    Line::from(" ".repeat(gutter))
        .with(Role::Accent, "--> ")
        .plain(format!("{name}:{}:{}", place.line, place.column))
}

fn gutter_line(gutter: usize) -> Line {
    Line::from(" ".repeat(gutter)).with(Role::Dim, " |")
}

fn labelled(text: &mut Text, gutter: usize, width: usize, label: &str, words: &str) {
    let taken = gutter + 5 + label.len();
    for (row, line) in wrap(words, columns_left(width, taken)).iter().enumerate() {
        text.push(if row == 0 {
            Line::from(" ".repeat(gutter))
                .with(Role::Dim, " = ")
                .with(Role::Accent, format!("{label}: "))
                .plain(line)
        } else {
            Line::from(" ".repeat(taken)).plain(line)
        });
    }
}

/// Draws the line of a mark and the carets below. A line that is wider than the terminal is cut around
/// the mark. At most `width` columns are read in either direction, since a line may have megabytes.
fn draw(text: &mut Text, source: &str, mark: &Mark<'_>, gutter: usize, width: usize) {
    let columns = columns_left(width, gutter + 3);
    let (source, range) = masked(source, &mark.range, columns);
    let before = before(&source, range.start, columns);
    let marked = inside(&source, &range, columns);
    let after = after(&source, range.start + marked.bytes, columns);

    let total = before.columns() + marked.columns() + after.columns();
    let (lead, marked, tail) = if total <= columns && before.whole && after.whole {
        (before.text, marked.text, after.text)
    } else {
        // The marked value gets up to half of the line, and the text before it two thirds of the
        // rest, since it contains the key.
        let marked = keep_start(&marked, columns / 2);
        let left = columns.saturating_sub(marked.width());
        let tail_at_least = after.columns().min(left / 3);
        let lead = keep_end(&before, left - tail_at_least);
        let tail = keep_start(&after, left.saturating_sub(lead.width()));
        (lead, marked, tail)
    };
    let indent = lead.width();
    let carets = marked.width().max(1);
    text.push(
        Line::new()
            .with(Role::Dim, format!("{:>gutter$} | ", mark.place.line))
            .plain(&lead)
            .plain(&marked)
            .plain(&tail),
    );
    let mut below = Line::from(" ".repeat(gutter))
        .with(Role::Dim, " | ")
        .plain(" ".repeat(indent))
        .with(mark.role, "^".repeat(carets));
    let fits = indent + carets + 1 + mark.label.width() <= columns;
    if fits && !mark.label.is_empty() {
        below.push(mark.role, format!(" {}", mark.label));
    }
    text.push(below);
    if !fits {
        labelled(text, gutter, width, "found", mark.label);
    }
}

/// The part of the source that may be drawn, with its secrets redacted. It begins well before what is
/// drawn, so that the name of a secret is found too.
fn masked(source: &str, range: &Range<usize>, columns: usize) -> (String, Range<usize>) {
    const BYTES_IN_A_COLUMN: usize = 4;
    const MARGIN: usize = 4096;
    let reach = MARGIN + columns * BYTES_IN_A_COLUMN;
    let start = source.floor_char_boundary(range.start.saturating_sub(reach));
    let marked = range.end.min(range.start + reach);
    let end = source.ceil_char_boundary((marked + reach).min(source.len()));
    let length = source.ceil_char_boundary(marked) - range.start;
    let begin = range.start - start;
    (secret::mask(&source[start..end]), begin..begin + length)
}

/// A part of a line, with control characters made visible.
struct Excerpt {
    text: String,
    /// Its bytes in the source.
    bytes: usize,
    /// Whether it is complete.
    whole: bool,
}

impl Excerpt {
    fn columns(&self) -> usize {
        self.text.width()
    }
}

fn before(source: &str, at: usize, columns: usize) -> Excerpt {
    let mut pieces = Vec::new();
    let mut used = 0;
    let mut whole = true;
    for character in source[..at].chars().rev() {
        if character == '\n' {
            break;
        }
        if used > columns {
            whole = false;
            break;
        }
        let piece = visible(character.encode_utf8(&mut [0; 4])).into_owned();
        used += piece.width();
        pieces.push(piece);
    }
    Excerpt {
        text: pieces.into_iter().rev().collect(),
        bytes: 0,
        whole,
    }
}

fn inside(source: &str, range: &Range<usize>, columns: usize) -> Excerpt {
    let excerpt = take_line(&source[range.clone()], columns);
    let starts_a_block = matches!(source.as_bytes().get(range.start), Some(b'{' | b'['));
    if starts_a_block && !excerpt.whole {
        // A value over several lines is shown by its opening bracket.
        return Excerpt {
            text: source[range.start..=range.start].to_owned(),
            bytes: 1,
            whole: false,
        };
    }
    excerpt
}

fn after(source: &str, at: usize, columns: usize) -> Excerpt {
    let line = &source[at..];
    let mut excerpt = take_line(line, columns);
    excerpt.whole |=
        line[excerpt.bytes..].starts_with('\n') || line[excerpt.bytes..].starts_with("\r\n");
    excerpt
}

/// The start of `text` up to the end of its line, or a little more than `columns`.
fn take_line(text: &str, columns: usize) -> Excerpt {
    let mut shown = String::new();
    let mut used = 0;
    for (at, character) in text.char_indices() {
        let ends = character == '\n' || text[at..].starts_with("\r\n");
        if ends || used > columns {
            return Excerpt {
                text: shown,
                bytes: at,
                whole: false,
            };
        }
        let mut bytes = [0; 4];
        let piece = visible(character.encode_utf8(&mut bytes));
        used += piece.width();
        shown.push_str(&piece);
    }
    Excerpt {
        text: shown,
        bytes: text.len(),
        whole: true,
    }
}

fn keep_start(excerpt: &Excerpt, columns: usize) -> String {
    if excerpt.whole {
        super::wrap::cut(&excerpt.text, columns)
    } else {
        // The line continues after what was read, so `…` is needed even if the text fits.
        super::wrap::cut(&format!("{}…", excerpt.text.trim_end_matches('…')), columns)
    }
}

fn keep_end(excerpt: &Excerpt, columns: usize) -> String {
    if excerpt.whole && excerpt.columns() <= columns {
        return excerpt.text.clone();
    }
    let mut kept = excerpt.text.as_str();
    while kept.width() + 1 > columns {
        match kept.char_indices().nth(1) {
            Some((next, _)) => kept = &kept[next..],
            None => return "…".to_owned(),
        }
    }
    format!("…{kept}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        diagnostic::Diagnostic,
        json::{document::Document, pointer::Pointer},
    };

    fn document(text: &str) -> Document {
        Document::parse("cards.json", text.into()).expect("it is JSON")
    }

    fn integer_id(pointer: &str) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: "wrong-type",
            message: "skill.id is an integer, Box takes strings alone".into(),
            pointer: Pointer::parse(pointer).expect("a pointer"),
            found: Some("an integer".into()),
            expected: Some("a string".into()),
            help: Some("write it in quotes: \"137\"".into()),
        }
    }

    fn drawn(text: &str, pointers: &[&str], width: usize) -> String {
        let document = document(text);
        let found: Vec<_> = pointers.iter().map(|at| integer_id(at)).collect();
        findings("cards.json", text, &document.locate(&found), width, 2).to_plain()
    }

    #[test]
    fn a_finding_points_at_the_value() {
        let text = "{\n  \"skill\": {\"name\": \"日本\", \"id\": 137}\n}";
        insta::assert_snapshot!(drawn(text, &["/skill/id"], 80), @r#"
        error[wrong-type]: skill.id is an integer, Box takes strings alone
         --> cards.json:2:33
          |
        2 |   "skill": {"name": "日本", "id": 137}
          |                                   ^^^ an integer
          = at: /skill/id
          = expected: a string
          = help: write it in quotes: "137"
        "#);
    }

    #[test]
    fn a_missing_member_is_shown_at_its_object() {
        let text = "[\n  {\n    \"a\": 1\n  }\n]";
        let shown = drawn(text, &["/0/id"], 80);
        assert!(shown.contains("cards.json:2:3"), "{shown}");
        assert!(shown.contains("2 |   {\n  |   ^ an integer"), "{shown}");
    }

    #[test]
    fn a_line_of_megabytes_is_cut_around_the_caret() {
        let filler = "\"x\", ".repeat(400_000);
        let text = format!("[{filler} {{\"id\": 137, \"b\": 2}}, {filler} 1]");
        let shown = drawn(&text, &["/400000/id"], 72);
        assert!(shown.len() < 1000, "{} bytes", shown.len());
        assert!(shown.lines().all(|line| line.width() <= 72), "{shown}");
        let lines: Vec<_> = shown.lines().collect();
        let caret = lines[4].find('^').expect("a caret");
        let above: String = lines[3].chars().skip(caret).take(3).collect();
        assert_eq!(above, "137", "{shown}");
    }

    #[test]
    fn repeated_findings_are_counted() {
        let text = "[1, 2, 3, 4, 5]";
        let shown = drawn(text, &["/0", "/1", "/2", "/3", "/4"], 80);
        assert_eq!(shown.matches("-->").count(), 2, "{shown}");
        assert!(shown.contains("… and 3 more of [wrong-type]"), "{shown}");
    }

    #[test]
    fn control_characters_of_the_source_are_shown_not_sent() {
        let error =
            Document::parse("a.json", "{\"\u{1b}[2J\": oops}".into()).expect_err("not JSON");
        let shown = syntax_excerpt(&error, 80).to_plain();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        assert!(shown.contains("\\u{1b}"), "{shown}");
    }

    #[test]
    fn a_duplicate_key_is_shown_in_both_places() {
        let error = Document::parse("a.json", "{\"a\": 1,\n\n \"a\": 2}".into())
            .expect_err("a duplicate key");
        insta::assert_snapshot!(syntax_excerpt(&error, 80).to_plain(), @r#"
         --> a.json:3:2
          |
        1 | {"a": 1,
          |  ^^^ it appears here first
        3 |  "a": 2}
          |  ^^^ here
        "#);
    }

    #[test]
    fn every_cut_of_any_text_is_survived() {
        for text in [
            "[1",
            "{\"a\": \"\r\n\"}",
            "\u{7f}",
            "{\"日本語日本語\": tru}",
            "\"\\ud800\"",
        ] {
            for width in [20, 21, 40] {
                let error = Document::parse("a.json", text.into()).expect_err("no JSON");
                let _ = syntax_excerpt(&error, width);
            }
        }
    }

    #[test]
    fn a_secret_next_to_the_fault_is_masked() {
        let source = r#"{"token":{"access_token":"0123456789abcdef","a":1,}}"#;
        let at = source.find(",}").expect("a fault");
        for columns in [20, 40, 200] {
            let (shown, range) = masked(source, &(at..at + 1), columns);
            assert!(!shown.contains("0123456789abcdef"), "{shown}");
            assert_eq!(&shown[range], ",");
            assert_eq!(shown.len(), source.len());
        }
    }
}
