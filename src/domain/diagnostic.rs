//! A finding in an input: how bad it is, where, what was found, what is expected, how to mend it.
//! How it is drawn is for `render::diagnostic`.

use super::json::pointer::Pointer;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Accepted, but outside the description, or shown other than the author thinks.
    Warning,
    /// Box refuses it, or nothing can be shown.
    Error,
}

impl Severity {
    /// The word for it in reports: `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding in a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// A stable name in kebab-case, for programs: `integer-id`.
    pub code: &'static str,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The value that the finding is about.
    pub pointer: Pointer,
    /// What stands there, in a few words.
    pub found: Option<String>,
    /// What should stand there, in a few words.
    pub expected: Option<String>,
    /// How to mend it.
    pub help: Option<String>,
}

/// A place in a text file, counted from 1 as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}
