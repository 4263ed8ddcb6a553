//! Text whose parts say what they are rather than what colour they have. The terminal's theme
//! gives each [`Role`] its look; without colour the text must read just as well.

use unicode_width::UnicodeWidthStr;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Running text.
    #[default]
    Plain,
    /// A title, a name that stands out.
    Strong,
    /// Something of less weight: a unit, a path, a time.
    Dim,
    /// It went well.
    Good,
    /// It failed.
    Bad,
    /// It deserves a look.
    Warn,
    /// A value that the eye looks for: a keyword, a link, a bar.
    Accent,
}

/// A run of text with one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub role: Role,
    /// The text, without line breaks or control characters.
    pub text: String,
}

/// A line without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its runs, from left to right.
    pub spans: Vec<Span>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of a format for programs, which is to go out as it is.
    pub fn raw(text: String) -> Self {
        let role = Role::Plain;
        Self {
            spans: vec![Span { role, text }],
        }
    }

    /// The line with `text` appended in `role`. Control characters are shown, not sent: text
    /// from outside must not be able to drive the terminal.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl AsRef<str>) -> Self {
        self.push(role, text);
        self
    }

    /// The line with `text` appended as running text.
    #[must_use]
    pub fn plain(self, text: impl AsRef<str>) -> Self {
        self.with(Role::Plain, text)
    }

    /// Appends `text` in `role`, control characters made visible.
    pub fn push(&mut self, role: Role, text: impl AsRef<str>) {
        let text = visible(text.as_ref());
        if !text.is_empty() {
            self.spans.push(Span { role, text });
        }
    }

    /// Columns the line takes on a terminal.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// The line filled with blanks up to `columns`.
    #[must_use]
    pub fn padded(mut self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width());
        if missing > 0 {
            self.push(Role::Plain, " ".repeat(missing));
        }
        self
    }

    /// The line without its roles.
    pub fn to_plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().plain(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().plain(text)
    }
}

/// Lines of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The lines, from top to bottom.
    pub lines: Vec<Line>,
}

impl Text {
    /// No lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plain text as it stands, one [`Line`] a line.
    pub fn of_plain(text: &str) -> Self {
        text.lines().map(Line::from).collect()
    }

    /// Appends a line.
    pub fn push(&mut self, line: impl Into<Line>) {
        self.lines.push(line.into());
    }

    /// Appends the lines of another text, each moved right by `indent` columns.
    pub fn append(&mut self, other: Self, indent: usize) {
        for line in other.lines {
            if indent == 0 || line.spans.is_empty() {
                self.lines.push(line);
            } else {
                let mut moved = Line::from(" ".repeat(indent));
                moved.spans.extend(line.spans);
                self.lines.push(moved);
            }
        }
    }

    /// The text without its roles, every line ended.
    pub fn to_plain(&self) -> String {
        self.lines
            .iter()
            .flat_map(|line| [line.to_plain(), "\n".to_owned()])
            .collect()
    }
}

impl FromIterator<Line> for Text {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        Self {
            lines: lines.into_iter().collect(),
        }
    }
}

/// `text` with control characters, and the characters that turn the direction of what follows,
/// shown by their escapes.
pub fn visible(text: &str) -> String {
    if !text.chars().any(is_unshowable) {
        return text.to_owned();
    }
    text.chars()
        .map(|character| match character {
            '\t' => "    ".to_owned(),
            _ if is_unshowable(character) => character.escape_unicode().to_string(),
            _ => character.to_string(),
        })
        .collect()
}

/// Whether a character would drive a terminal, or turn the direction of what follows, instead of
/// being shown.
pub fn is_unshowable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_sent() {
        let line = Line::new().plain("a\u{1b}[31mb\tc\u{202e}");
        assert_eq!(line.to_plain(), "a\\u{1b}[31mb    c\\u{202e}");
    }

    #[test]
    fn padding_counts_columns_not_characters() {
        assert_eq!(Line::from("日本").padded(6).to_plain(), "日本  ");
    }

    #[test]
    fn appended_text_is_indented_but_for_empty_lines() {
        let mut text = Text::new();
        text.append(Text::of_plain("a\n\nb"), 2);
        assert_eq!(text.to_plain(), "  a\n\n  b\n");
    }
}
