//! Access tokens: their kinds, what each kind permits, and the `restricted_to` text that events carry.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::operation::Operation;

/// The lifetime of the tokens in an event, in seconds (`docs/box/events.md`, "Tokens").
pub const LIFETIME_SECONDS: i64 = 86_400;

/// The kinds of token that the mock knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// `token.read` of an event: for the content of its one file.
    Read,
    /// `token.write` of an event: for the metadata of its one file.
    Write,
    /// A token of a user or an app, from `/oauth2/token`: for everything.
    User,
}

impl TokenKind {
    /// The word for it in events, records and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::User => "user",
        }
    }

    /// Whether a token of this kind may make the call on its own file, with `--tokens strict`.
    pub fn permits(self, operation: Operation) -> bool {
        match self {
            Self::User => true,
            Self::Read => matches!(
                operation,
                Operation::Info
                    | Operation::Download
                    | Operation::Representation
                    | Operation::CardsRead
            ),
            Self::Write => matches!(
                operation,
                Operation::Info
                    | Operation::CardsRead
                    | Operation::Cards
                    | Operation::Invocation
                    | Operation::Version
                    | Operation::UploadSession
                    | Operation::Template
            ),
        }
    }

    /// The `restricted_to` text of an event's token for `file_id`: a JSON string in which the
    /// object's id is a number where it can be one (`docs/box/events.md`, "Tokens").
    pub fn restricted_to(self, file_id: &str) -> String {
        let object = file_id
            .parse::<u64>()
            .map_or_else(|_| format!("{file_id:?}"), |number| number.to_string());
        match self {
            Self::Read => format!(
                r#"[{{"scope":"gcm"}},{{"scope":"item_read","object_id":{object},"object_type":"file"}}]"#
            ),
            Self::Write => format!(
                r#"[{{"scope":"gcm"}},{{"scope":"item_upload","object_id":{object},"object_type":"file"}},{{"scope":"manage_skill_invocations"}}]"#
            ),
            Self::User => "[]".to_owned(),
        }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether the text in place of a token is a placeholder: empty, or a form of `REDACTED`, as in
/// the documentation's sample and in scrubbed captures.
pub fn is_placeholder(token: &str) -> bool {
    let bare = token.trim_matches(|character: char| !character.is_alphanumeric());
    bare.is_empty()
        || bare
            .get(..8)
            .is_some_and(|start| start.eq_ignore_ascii_case("redacted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_distinguished_from_tokens() {
        for placeholder in [
            "",
            "REDACTED",
            "redacted",
            "<redacted>",
            "[redacted …abcd]",
            "...",
        ] {
            assert!(is_placeholder(placeholder), "{placeholder}");
        }
        for token in ["1!abc", "c3FIOG9vSGV4VHo4QzAyg5T1JvNnJoZ3E"] {
            assert!(!is_placeholder(token), "{token}");
        }
    }

    #[test]
    fn the_read_token_reads_and_the_write_token_writes() {
        assert!(TokenKind::Read.permits(Operation::Download));
        assert!(!TokenKind::Read.permits(Operation::Cards));
        assert!(!TokenKind::Write.permits(Operation::Download));
        assert!(TokenKind::Write.permits(Operation::Invocation));
        assert!(!TokenKind::Write.permits(Operation::Upload));
        assert!(TokenKind::User.permits(Operation::Upload));
    }

    #[test]
    fn restricted_to_names_the_file_by_number() {
        assert_eq!(
            TokenKind::Read.restricted_to("340708371275"),
            r#"[{"scope":"gcm"},{"scope":"item_read","object_id":340708371275,"object_type":"file"}]"#
        );
    }
}
