//! What `doctor` found.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Something is set up, or as it should be.
    Ok,
    /// Something is missing that only some skills need.
    Note,
    /// Something will not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name: `stale-variables`, `port`, …
    pub code: &'static str,
    /// How much it matters.
    pub state: State,
    /// What was found, in a sentence.
    pub text: String,
    /// What to do about it; always there for a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            state: State::Ok,
            text: text.into(),
            fix: None,
        }
    }

    pub(super) fn note(
        code: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Note,
            fix: Some(fix.into()),
            ..Self::ok(code, text)
        }
    }

    pub(super) fn problem(
        code: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Problem,
            ..Self::note(code, text, fix)
        }
    }
}
