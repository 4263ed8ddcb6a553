//! The text of a cue without its markup: tags and overrides are removed, a voice is named as the
//! speaker, character references are decoded.

use quick_xml::escape::resolve_html5_entity;

use super::cue::on_one_line;

/// The text of a cue of WebVTT or SubRip, on one line.
pub(super) fn plain_text(cue: &str) -> String {
    // The last closing bracket is looked for once, not again for every opening one.
    let last = |bracket| cue.rfind(bracket).map_or(0, |at| cue.len() - at);
    let (tags, overrides) = (last('>'), last('}'));
    let mut text = String::with_capacity(cue.len());
    let mut rest = cue;
    while let Some(at) = rest.find(['<', '{', '&']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        rest = match from.as_bytes().first() {
            Some(b'<') if from.len() > tags && tags > 0 => tag(from, &mut text),
            Some(b'{') if from.len() > overrides && overrides > 0 => {
                override_block(from, &mut text)
            }
            Some(b'<' | b'{') => keep_first(from, &mut text),
            _ => reference(from, &mut text),
        };
    }
    text.push_str(rest);
    on_one_line(&text)
}

/// Skips `<…>`. The annotation of `<v.class Anna>` is the speaker. A `<` before anything but a
/// name, a time or `/` is text.
fn tag<'a>(from: &'a str, text: &mut String) -> &'a str {
    let is_tag = from[1..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '/');
    let Some(end) = is_tag.then(|| from.find('>')).flatten() else {
        return keep_first(from, text);
    };
    let (name, annotation) = from[1..end]
        .split_once(|it: char| it.is_whitespace())
        .unwrap_or((&from[1..end], ""));
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let mut speaker = String::new();
    if name == "v" {
        decode_references(annotation, &mut speaker);
    }
    if !speaker.trim().is_empty() {
        text.push_str(speaker.trim());
        text.push_str(": ");
    }
    &from[end + 1..]
}

/// Skips `{\an8}`, which positions a line on the screen.
fn override_block<'a>(from: &'a str, text: &mut String) -> &'a str {
    let is_override = from.starts_with("{\\");
    match is_override.then(|| from.find('}')).flatten() {
        Some(end) => &from[end + 1..],
        None => keep_first(from, text),
    }
}

fn decode_references(mut rest: &str, text: &mut String) {
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        rest = reference(from, text);
    }
    text.push_str(rest);
}

/// Decodes `&name;`, `&#39;` and `&#x27;`. Anything else is kept.
fn reference<'a>(from: &'a str, text: &mut String) -> &'a str {
    const MAX_LENGTH: usize = 40;
    let end = from
        .bytes()
        .take(MAX_LENGTH)
        .skip(1)
        .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'#');
    let Some(end) = end
        .map(|end| end + 1)
        .filter(|end| from[*end..].starts_with(';'))
    else {
        return keep_first(from, text);
    };
    let name = &from[1..end];
    match name.strip_prefix('#').map(character) {
        Some(Some(character)) => text.push(character),
        // Marks of direction are invisible in a card.
        None if matches!(name, "lrm" | "rlm") => {}
        None => match resolve_html5_entity(name) {
            Some(characters) => text.push_str(characters),
            None => return keep_first(from, text),
        },
        Some(None) => return keep_first(from, text),
    }
    &from[end + 1..]
}

/// The character of a number as HTML reads it: an invalid one becomes U+FFFD, and the control
/// characters of C1 are those of windows-1252.
fn character(number: &str) -> Option<char> {
    const C1: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    // A number that is too large for the type is not a character either.
    let code = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    let c1 = code.checked_sub(0x80).and_then(|at| C1.get(at as usize));
    Some(match (c1, code) {
        (Some(character), _) => *character,
        (None, 0) => char::REPLACEMENT_CHARACTER,
        (None, code) => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    })
}

/// Keeps the first character, which is one byte, as text.
fn keep_first<'a>(from: &'a str, text: &mut String) -> &'a str {
    text.push_str(&from[..1]);
    &from[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_removed_and_references_are_decoded() {
        for (cue, text) in [
            ("<i>a</i> <b>b</b>", "a b"),
            ("<c.yellow.bg_blue>a</c>", "a"),
            ("<00:00:01.000>a <00:00:02.000>b", "a b"),
            ("<font color=\"#fff\">a</font>", "a"),
            ("{\\an8}{\\i1}a", "a"),
            ("{a} {", "{a} {"),
            ("2 < 3 and a<b", "2 < 3 and a<b"),
            ("a < b > c", "a < b > c"),
            ("<v Anna>a</v>", "Anna: a"),
            ("<v.loud.first Anna B>a", "Anna B: a"),
            ("<v\tBen>a", "Ben: a"),
            ("<v Tom &amp; Jerry>a", "Tom & Jerry: a"),
            ("<v.loud>a", "a"),
            ("<v >a", "a"),
            ("<v A>a</v>\n<v B>b</v>", "A: a B: b"),
            ("<ruby>漢<rt>kan</rt></ruby>", "漢kan"),
            ("<lang en>a</lang>", "a"),
            ("&amp; &lt; &gt;", "& < >"),
            ("&quot;&apos;&#39;&#x27;", "\"'''"),
            (
                "&hellip; &eacute; &CounterClockwiseContourIntegral;",
                "… é ∳",
            ),
            ("&amp;amp;", "&amp;"),
            ("a&nbsp;b &lrm;c&rlm;", "a b c"),
            (
                "&#0; &#x110000; &#99999999999;",
                "\u{fffd} \u{fffd} \u{fffd}",
            ),
            ("&#128; &#x93;", "€ “"),
            (
                "&nosuch; &; &#; &#xz; AT&T &",
                "&nosuch; &; &#; &#xz; AT&T &",
            ),
            ("a\u{a0}\n  b", "a b"),
        ] {
            assert_eq!(plain_text(cue), text, "{cue}");
        }
    }

    #[test]
    fn brackets_that_are_never_closed_take_linear_time() {
        // Searching for the end of each would take minutes.
        for (open, kept) in [
            ("<a", "<a"),
            ("{\\", "{\\"),
            ("< ", "<"),
            (">}<a{\\", "}<a{\\"),
            ("&a", "&a"),
        ] {
            let line = open.repeat(1_000_000);
            assert!(plain_text(&line).ends_with(kept), "{open}");
        }
    }
}
