//! The members of an event, read from its text or from a document. Its exact bytes are in
//! [`Event`](super::Event).

use std::fmt;

use serde_json::Value;

use crate::domain::{
    diagnostic::{Diagnostic, Severity},
    json::{
        pointer::Pointer,
        tree::{Tape, Tree},
    },
    secret::{Secret, redact_json},
    token::TokenKind,
};

/// The members of a skill invocation event, unknown ones included.
#[derive(Clone, PartialEq)]
pub struct Invocation<'a>(pub(super) Tape<'a>);

/// A token as an event carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventToken {
    /// The bearer token.
    pub access_token: Secret,
    /// When it expires, in Unix seconds: `expires_in` is an absolute time there.
    pub expires_at: Option<i64>,
}

impl<'a> Invocation<'a> {
    /// Checks that `tape` is an event.
    ///
    /// # Errors
    /// A diagnostic where a member is missing that no Skill can do without: `source.id` and both
    /// tokens (the minimal body of `docs/box/events.md`, "Variations", has no more).
    pub fn read(tape: Tape<'a>) -> Result<Self, Box<Diagnostic>> {
        check_shape(tape.tree())?;
        Ok(Self(tape))
    }

    /// The same, that borrows from nothing.
    pub fn into_owned(self) -> Invocation<'static> {
        Invocation(self.0.into_owned())
    }

    /// All members. They hold tokens: never print them.
    pub fn tree(&self) -> Tree<'_> {
        self.0.tree()
    }

    /// All members, with tokens and keys redacted, to be shown.
    pub fn redacted(&self) -> Value {
        let mut value = Value::from(self.tree());
        redact_json(&mut value);
        value
    }

    /// The invocation's id; empty in a body without one.
    pub fn id(&self) -> String {
        self.text(&["id"]).unwrap_or_default()
    }

    /// The id of the Skill.
    pub fn skill_id(&self) -> Option<String> {
        self.text(&["skill", "id"])
    }

    /// The id of the file.
    pub fn file_id(&self) -> String {
        self.text(&["source", "id"]).unwrap_or_default()
    }

    /// The name of the file.
    pub fn file_name(&self) -> Option<String> {
        self.text(&["source", "name"])
    }

    /// The id of the file's version.
    pub fn file_version_id(&self) -> Option<String> {
        self.text(&["source", "file_version", "id"])
    }

    /// The id of the folder the file is in.
    pub fn parent_id(&self) -> Option<String> {
        self.text(&["source", "parent", "id"])
    }

    /// What happened: `ITEM_UPLOAD`, `ITEM_COPY`, `ITEM_MOVE`.
    pub fn event_type(&self) -> Option<String> {
        self.text(&["event", "event_type"])
    }

    /// The read or the write token.
    pub fn token(&self, kind: TokenKind) -> Option<EventToken> {
        let token = self.tree().below(&["token", kind.as_str()])?;
        Some(EventToken {
            access_token: Secret::new(token.get("access_token")?.as_str()?),
            expires_at: token.get("expires_in").and_then(Tree::as_i64),
        })
    }

    /// The id or name at the end of these names as text: Box's test events have numbers where
    /// others have strings.
    fn text(&self, names: &[&str]) -> Option<String> {
        let id = self.tree().below(names).and_then(Tree::as_id);
        id.map(String::from)
    }
}

impl fmt::Debug for Invocation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Invocation({})", self.redacted())
    }
}

fn check_shape(tree: Tree<'_>) -> Result<(), Box<Diagnostic>> {
    let Some(members) = tree.as_object() else {
        return Err(problem(
            Pointer::ROOT,
            "this is not a skill_invocation event".to_owned(),
            "an object with source, token and skill",
        ));
    };
    if let Some(kind) = members.get("type")
        && kind.as_str() != Some("skill_invocation")
    {
        return Err(problem(
            Pointer::ROOT.key("type"),
            "this is not a skill_invocation event: its `type` is something else".to_owned(),
            "\"skill_invocation\"",
        ));
    }
    let id = tree.below(&["source", "id"]).and_then(Tree::as_id);
    if !id.is_some_and(|id| is_id(&id)) {
        return Err(missing(
            &["source", "id"],
            "the id of the file, as Box gives it: digits",
        ));
    }
    for kind in [TokenKind::Read, TokenKind::Write] {
        let names = ["token", kind.as_str(), "access_token"];
        if tree.below(&names).and_then(Tree::as_str).is_none() {
            return Err(missing(&names, "a token, or \"REDACTED\""));
        }
    }
    Ok(())
}

/// Ids go into paths and file names: letters, digits, `_` and `-` alone.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn missing(names: &[&str], expected: &str) -> Box<Diagnostic> {
    problem(
        names.iter().fold(Pointer::ROOT, |at, name| at.key(name)),
        format!(
            "this is not a skill_invocation event: `{}` is missing or wrong",
            names.join(".")
        ),
        expected,
    )
}

/// What keeps something from being an event, and where.
pub(super) fn problem(pointer: Pointer, message: String, expected: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic {
        severity: Severity::Error,
        code: "not-an-event",
        message,
        pointer,
        found: None,
        expected: Some(expected.to_owned()),
        help: None,
    })
}
