//! An error for a person, and how it is printed. Its exit code is chosen in `exit`.

use super::text::{Line, Role, Text};

/// An error for a person: what was tried, on what, the result, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was tried, on what, and the result: one sentence without a full stop.
    pub message: String,
    /// Lines that show more (a source excerpt, a child's output), already laid out.
    pub excerpt: Option<Text>,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    /// A problem described in one sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            excerpt: None,
            help: None,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the lines that show more.
    #[must_use]
    pub fn excerpt(mut self, excerpt: Text) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    /// As it is printed on stderr.
    pub fn to_text(&self) -> Text {
        let mut text = Text::new();
        text.push(Line::new().with(Role::Bad, "error: ").plain(&self.message));
        if let Some(excerpt) = &self.excerpt {
            text.append(excerpt.clone(), 2);
        }
        if let Some(help) = &self.help {
            text.push(Line::new().with(Role::Accent, "  help: ").plain(help));
        }
        text
    }
}
