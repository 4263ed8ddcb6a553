//! The keywords and lines of a text.

/// Keywords of a text.
const MAX_KEYWORDS: usize = 12;
/// Characters of a keyword.
const MAX_KEYWORD_LENGTH: usize = 40;
/// Lines of a transcript.
const MAX_LINES: usize = 500;
/// Characters of a line; a longer one is cut.
const MAX_LINE_LENGTH: usize = 500;

/// Words that are never keywords.
const STOP_WORDS: &[&str] = &[
    "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "but", "by", "can", "could", "did", "do", "does", "each", "for", "from", "had", "has",
    "have", "he", "her", "here", "his", "how", "if", "in", "into", "is", "it", "its", "just",
    "may", "more", "most", "must", "no", "not", "of", "on", "one", "only", "or", "other", "our",
    "out", "over", "she", "should", "so", "some", "such", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "to", "too", "up", "upon", "us", "was",
    "we", "were", "what", "when", "where", "which", "while", "who", "will", "with", "would", "you",
    "your",
];

/// The text of a file: UTF-8 with invalid bytes replaced, without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
}

/// The first words that are not stop words, each once, in the order of their first use.
pub(super) fn keywords(text: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut words = Vec::new();
    for word in text.split(|character: char| !is_word_character(character)) {
        let word = word.trim_matches(['\'', '’', '-']);
        let folded = word.to_lowercase();
        if !is_keyword(&folded) || seen.contains(&folded) {
            continue;
        }
        words.push(word.chars().take(MAX_KEYWORD_LENGTH).collect());
        seen.push(folded);
        if words.len() == MAX_KEYWORDS {
            break;
        }
    }
    words
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '\'' | '’' | '-')
}

fn is_keyword(folded: &str) -> bool {
    folded.chars().nth(1).is_some()
        && folded.chars().any(char::is_alphabetic)
        && !STOP_WORDS.contains(&folded)
}

/// The lines that are not empty, trimmed.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(MAX_LINES)
        .map(cut)
        .collect()
}

fn cut(line: &str) -> String {
    if line.chars().nth(MAX_LINE_LENGTH).is_none() {
        return line.to_owned();
    }
    let kept: String = line.chars().take(MAX_LINE_LENGTH - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_the_leading_words_once_each_without_stop_words() {
        assert_eq!(
            keywords("The harbour, the Harbour and a 12 m crane: what we saw at the harbour's end"),
            ["harbour", "crane", "saw", "harbour's", "end"]
        );
    }

    #[test]
    fn keywords_are_few_and_short_whatever_the_text() {
        let many: Vec<String> = (0..100).map(|number| format!("word{number}")).collect();
        assert_eq!(keywords(&many.join(" ")).len(), MAX_KEYWORDS);
        assert_eq!(
            keywords(&"é".repeat(500))[0].chars().count(),
            MAX_KEYWORD_LENGTH
        );
        assert!(keywords("... -- 1 2 3").is_empty());
    }

    #[test]
    fn keywords_keep_letters_that_are_not_ascii() {
        assert_eq!(
            keywords("Überblick – 会議 (Протокол)"),
            ["Überblick", "会議", "Протокол"]
        );
    }

    #[test]
    fn lines_are_trimmed_bounded_and_never_empty() {
        assert_eq!(lines("  one \r\n\r\n\ttwo\n"), ["one", "two"]);
        assert_eq!(lines(&"x\n".repeat(1000)).len(), MAX_LINES);
        assert_eq!(lines(&"ü".repeat(1000))[0].chars().count(), MAX_LINE_LENGTH);
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        assert_eq!(decode(b"\xef\xbb\xbfhello \xff"), "hello \u{fffd}");
    }
}
