//! A finding in an input: how severe it is, where it is, what was found, what is expected, and how to correct it.
//! How it is drawn is for `render::diagnostic`.

use super::json::pointer::Pointer;

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Box accepts it but does not document it, or displays it differently from what was intended.
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
    /// How severe it is.
    pub severity: Severity,
    /// A stable name in kebab-case, for programs: `integer-id`.
    pub code: &'static str,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// The value that the finding is about.
    pub pointer: Pointer,
    /// The value there, in a few words.
    pub found: Option<String>,
    /// What should be there, in a few words.
    pub expected: Option<String>,
    /// How to correct it.
    pub help: Option<String>,
}

/// A place in a text file, counted from 1 as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}
