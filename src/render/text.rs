//! Text with roles instead of colours. The terminal's theme maps each [`Role`] to a style; the text must
//! be readable without colour.

use std::{
    borrow::Cow,
    fmt::{self, Display, Write},
};

use unicode_width::UnicodeWidthStr;

use super::look::Look;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Running text.
    #[default]
    Plain,
    /// A title, or a name that is emphasised.
    Strong,
    /// Something of less weight: a unit, a path, a time.
    Dim,
    /// A success.
    Good,
    /// A failure.
    Bad,
    /// A warning.
    Warn,
    /// A value to be found quickly: a keyword, a link, a bar.
    Accent,
    /// A look that a program gave its own output.
    Own(Look),
}

/// A line without its line break: its text, and the role of each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The text, without line breaks or control characters.
    text: String,
    /// The role of each run, from left to right, and where in the text it ends.
    runs: Vec<(Role, usize)>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of a format for programs, which is printed unchanged.
    pub fn raw(text: String) -> Self {
        Self {
            runs: vec![(Role::Plain, text.len())],
            text,
        }
    }

    /// The line with `text` appended in `role`. Control characters are escaped: text from outside
    /// must not control the terminal.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Display) -> Self {
        self.push(role, text);
        self
    }

    /// The line with `text` appended as running text.
    #[must_use]
    pub fn plain(self, text: impl Display) -> Self {
        self.with(Role::Plain, text)
    }

    /// Appends `text` in `role`, control characters made visible.
    pub fn push(&mut self, role: Role, text: impl Display) {
        self.reserve();
        // Writing to a string cannot fail.
        let _ = write!(Shown(&mut self.text), "{text}");
        self.end_run(role);
    }

    /// The same with a string, which is faster.
    pub fn push_str(&mut self, role: Role, text: &str) {
        self.reserve();
        let _ = Shown(&mut self.text).write_str(text);
        self.end_run(role);
    }

    /// The same with text that needs no escapes: it is not searched for them.
    pub(super) fn push_trusted(&mut self, role: Role, text: &str) {
        debug_assert!(is_showable(text), "{text:?} controls the terminal");
        self.reserve();
        self.text.push_str(text);
        self.end_run(role);
    }

    fn reserve(&mut self) {
        /// Most lines have no more bytes.
        const USUAL_BYTES: usize = 160;
        /// Most lines have no more runs.
        const USUAL_RUNS: usize = 10;
        if self.text.is_empty() {
            self.text.reserve(USUAL_BYTES);
            self.runs.reserve(USUAL_RUNS);
        }
    }

    /// Appends another line.
    pub fn append(&mut self, other: &Self) {
        for (role, run) in other.runs() {
            self.text.push_str(run);
            self.end_run(role);
        }
    }

    /// What was appended last has this role.
    fn end_run(&mut self, role: Role) {
        let end = self.text.len();
        match self.runs.last_mut() {
            Some((last, so_far)) if *last == role => *so_far = end,
            Some((_, so_far)) if *so_far == end => {}
            None if end == 0 => {}
            _ => self.runs.push((role, end)),
        }
    }

    /// Its runs of text, from left to right, each with its role.
    pub fn runs(&self) -> impl Iterator<Item = (Role, &str)> {
        let mut start = 0;
        self.runs.iter().map(move |(role, end)| {
            let run = &self.text[start..*end];
            start = *end;
            (*role, run)
        })
    }

    /// Columns the line takes on a terminal.
    pub fn width(&self) -> usize {
        self.text.width()
    }

    /// The line filled with blanks up to `columns`.
    #[must_use]
    pub fn padded(mut self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width());
        if missing > 0 {
            self.push(Role::Plain, format_args!("{:missing$}", ""));
        }
        self
    }

    /// The line without its roles.
    pub fn as_plain(&self) -> &str {
        &self.text
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

    /// Plain text, one [`Line`] for each line.
    pub fn from_plain(text: &str) -> Self {
        text.lines().map(Line::from).collect()
    }

    /// Appends a line.
    pub fn push(&mut self, line: impl Into<Line>) {
        self.lines.push(line.into());
    }

    /// Appends the lines of another text, each moved right by `indent` columns.
    pub fn append(&mut self, other: Self, indent: usize) {
        for line in other.lines {
            if indent == 0 || line.text.is_empty() {
                self.lines.push(line);
            } else {
                let mut moved = Line::new().padded(indent);
                moved.append(&line);
                self.lines.push(moved);
            }
        }
    }

    /// The text without its roles, every line ended.
    pub fn to_plain(&self) -> String {
        self.lines
            .iter()
            .flat_map(|line| [line.as_plain(), "\n"])
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

/// `text` with control characters, and characters that change the text direction, replaced by
/// escapes.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_showable(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    // Writing to a string cannot fail.
    let _ = Shown(&mut shown).write_str(text);
    Cow::Owned(shown)
}

/// Appends text with its control characters escaped.
struct Shown<'a>(&'a mut String);

impl Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_showable(text) {
            self.0.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            match character {
                '\t' => self.0.push_str("    "),
                _ if is_unshowable(character) => self.0.extend(character.escape_unicode()),
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

fn is_showable(text: &str) -> bool {
    // Most text is ASCII: this loop has no branches, so it is fast.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    text.bytes().fold(true, |are, byte| are & is_plain(byte)) || !text.chars().any(is_unshowable)
}

/// Whether a character controls a terminal or changes the text direction.
pub fn is_unshowable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let line = Line::new().plain("a\u{1b}[31mb\tc\u{202e}");
        assert_eq!(line.as_plain(), "a\\u{1b}[31mb    c\\u{202e}");
    }

    #[test]
    fn padding_counts_columns_not_characters() {
        assert_eq!(Line::from("日本").padded(6).as_plain(), "日本  ");
    }

    #[test]
    fn appended_text_is_indented_except_for_empty_lines() {
        let mut text = Text::new();
        text.append(Text::from_plain("a\n\nb"), 2);
        assert_eq!(text.to_plain(), "  a\n\n  b\n");
    }
}
