//! Text wrapped and cut to columns, counted as a terminal draws them: wide characters take two, and
//! joined emoji stay together.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Joins two characters into one, as in family emoji.
const JOINER: char = '\u{200d}';

/// Breaks `text` between words into lines of at most `columns` (at least one). A word is broken only
/// where it is wider than a line. Returns at least one line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut width = 0;
        for word in paragraph.split_whitespace() {
            let word_width = word.width();
            if !line.is_empty() {
                if width + 1 + word_width <= columns {
                    line.push(' ');
                    line.push_str(word);
                    width += 1 + word_width;
                    continue;
                }
                lines.push(std::mem::take(&mut line));
            }
            let mut rest = word;
            loop {
                let (head, tail) = split_at_columns(rest, columns);
                if tail.is_empty() {
                    break;
                }
                lines.push(head.to_owned());
                rest = tail;
            }
            rest.clone_into(&mut line);
            width = line.width();
        }
        lines.push(line);
    }
    lines
}

/// `text` if it fits into `columns`, else as much of it as does, ended by `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(before_ellipsis) = columns.checked_sub(1) else {
        return String::new();
    };
    let (head, _) = split_in_columns(text, before_ellipsis);
    format!("{head}…")
}

/// Splits off as many characters as fit into `columns`, and at least one, so that a loop over it
/// ends.
fn split_at_columns(text: &str, columns: usize) -> (&str, &str) {
    match split_in_columns(text, columns) {
        ("", _) => {
            let next = text.chars().next().map_or(0, char::len_utf8);
            text.split_at(next)
        }
        parts => parts,
    }
}

/// Splits off as many characters as fit into `columns`, perhaps none. A character is never separated
/// from one that combines with it.
fn split_in_columns(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    let mut split = text.len();
    let mut joined = false;
    for (at, character) in text.char_indices() {
        let width = character.width().unwrap_or(0);
        if width > 0 && !joined {
            if used + width > columns {
                split = at;
                break;
            }
            used += width;
        }
        joined = character == JOINER;
    }
    // A joiner between characters that do not join has no effect on their widths.
    while text[..split].width() > columns {
        split = text[..split]
            .char_indices()
            .next_back()
            .map_or(0, |(at, _)| at);
    }
    text.split_at(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a\nb", 5), ["a", "b"]);
    }

    #[test]
    fn a_word_wider_than_a_line_is_broken() {
        assert_eq!(wrap("a bcdefgh", 3), ["a", "bcd", "efg", "h"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
    }

    #[test]
    fn a_word_of_megabytes_is_broken_in_one_pass() {
        assert_eq!(wrap(&"x".repeat(4_000_000), 80).len(), 50_000);
    }

    #[test]
    fn joined_emoji_are_not_torn() {
        let family = "👩\u{200d}👧";
        assert_eq!(cut(&format!("{family}xyz"), 4), format!("{family}x…"));
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
    }
}
