//! Which file a command calls Box about, and with which token: from an event, or from an id and a
//! token that is given separately. Nothing is sent here.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use url::Url;

use crate::{
    domain::{
        diagnostic::Diagnostic,
        event::{Captured, invocation::Invocation},
        json::document::Document,
        secret::Secret,
        token::{TokenKind, is_placeholder},
    },
    env::{
        Environment,
        input::{self, InputError},
    },
};

/// The maximum size of an event, in bytes.
const MAX_EVENT: u64 = 8 << 20;
/// The maximum size of a file with a token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// The file that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSource {
    /// The file of the event at this path; `-` is stdin, and a folder is a case.
    Event(PathBuf),
    /// The file with this id.
    Id(String),
}

/// A token that is given separately from the event.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// The value of this variable.
    Variable(String),
    /// The content of this file; `-` is stdin.
    File(PathBuf),
    /// A token of the command line.
    CommandLine(Secret),
}

/// A file and the token to call Box with.
#[derive(Debug)]
pub struct FileAccess {
    /// The id of the file.
    pub file_id: String,
    /// The token.
    pub token: Secret,
    /// Where the token is from.
    pub origin: TokenOrigin,
    /// The event, where there is one.
    pub event: Option<Invocation<'static>>,
}

/// Where a token is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOrigin {
    /// The event.
    Event {
        /// Which of its two tokens.
        kind: TokenKind,
        /// When it expires, in Unix seconds.
        expires_at: Option<i64>,
    },
    /// A variable.
    Variable(String),
    /// A file.
    File(PathBuf),
    /// The command line.
    CommandLine,
}

impl fmt::Display for TokenOrigin {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { kind, .. } => write!(to, "the event's {kind} token"),
            Self::Variable(name) => write!(to, "the token in ${name}"),
            Self::File(path) => write!(to, "the token in {}", input::name(path)),
            Self::CommandLine => to.write_str("the token on the command line"),
        }
    }
}

/// Why it is not known which file or token is meant.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Event and token are both to be read from stdin.
    #[error("the event and the token cannot both come from stdin")]
    StdinTwice,
    /// An id without a token.
    #[error("--file-id needs a token")]
    NoToken,
    /// The event lacks the token.
    #[error("the event has no {0} token")]
    NoEventToken(TokenKind),
    /// The variable is not set, or empty.
    #[error("the variable {0} is not set, or empty")]
    Unset(String),
    /// The token cannot be sent in a header.
    #[error("{origin} {reason}")]
    Unusable {
        /// Where it is from.
        origin: TokenOrigin,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file of the event or of the token cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The document is not an event.
    #[error("{} holds no event", _0.0.name)]
    NoEvent(Box<(Document, Diagnostic)>),
    /// A `.jsonl` file without exactly one event.
    #[error("{name} holds {events} events, but one is expected")]
    NotOneEvent {
        /// The file.
        name: String,
        /// Its events.
        events: usize,
    },
}

impl FileAccess {
    /// Finds out which file and token are meant. Without a token of its own, that of the event: the
    /// one of this `kind`.
    ///
    /// # Errors
    /// [`AccessError`], before anything is sent.
    pub fn resolve(
        file: &FileSource,
        token: Option<&TokenSource>,
        kind: TokenKind,
        environment: &Environment,
    ) -> Result<Self, AccessError> {
        let is_stdin = |path: &Path| path == Path::new(input::STDIN);
        if let (FileSource::Event(event), Some(TokenSource::File(token))) = (file, token)
            && is_stdin(event)
            && is_stdin(token)
        {
            return Err(AccessError::StdinTwice);
        }
        let event = match file {
            FileSource::Event(path) => Some(read_event(path)?),
            FileSource::Id(_) => None,
        };
        let (token, origin) = match (token, &event) {
            (Some(given), _) => read_token(given, environment)?,
            (None, Some(event)) => token_from_event(event, kind)?,
            (None, None) => return Err(AccessError::NoToken),
        };
        check_token(&token, &origin)?;
        let file_id = match (&event, file) {
            (Some(event), _) => event.file_id(),
            (None, FileSource::Id(id)) => id.clone(),
            (None, FileSource::Event(_)) => String::new(),
        };
        Ok(Self {
            file_id,
            token,
            origin,
            event,
        })
    }
}

impl FileAccess {
    /// Whether the token is that of an event from which it was taken out, such as `REDACTED`.
    pub fn has_placeholder_token(&self) -> bool {
        matches!(self.origin, TokenOrigin::Event { .. }) && is_placeholder(self.token.expose())
    }
}

fn read_token(
    source: &TokenSource,
    environment: &Environment,
) -> Result<(Secret, TokenOrigin), AccessError> {
    match source {
        TokenSource::Variable(name) => {
            let value = environment
                .var(name)
                .ok_or_else(|| AccessError::Unset(name.clone()))?;
            Ok((Secret::new(value), TokenOrigin::Variable(name.clone())))
        }
        TokenSource::File(path) => {
            let text = input::text(path, MAX_TOKEN)?;
            let origin = TokenOrigin::File(path.clone());
            Ok((Secret::new(text.trim()), origin))
        }
        TokenSource::CommandLine(token) => Ok((token.clone(), TokenOrigin::CommandLine)),
    }
}

fn token_from_event(
    event: &Invocation<'_>,
    kind: TokenKind,
) -> Result<(Secret, TokenOrigin), AccessError> {
    let token = event.token(kind).ok_or(AccessError::NoEventToken(kind))?;
    let origin = TokenOrigin::Event {
        kind,
        expires_at: token.expires_at,
    };
    Ok((token.access_token, origin))
}

/// Refuses a token that no header can carry.
fn check_token(token: &Secret, origin: &TokenOrigin) -> Result<(), AccessError> {
    let reason = match token.expose() {
        "" => "is empty",
        text if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            "holds characters that no token has (spaces, line breaks?)"
        }
        _ => return Ok(()),
    };
    Err(AccessError::Unusable {
        origin: origin.clone(),
        reason,
    })
}

/// Reads the one event in a file: bare, inside an API Gateway event, or alone in a `.jsonl`. In a
/// case folder it is `event.json`.
fn read_event(path: &Path) -> Result<Invocation<'static>, AccessError> {
    let in_case = path.join("event.json");
    let path = if path.is_dir() && in_case.is_file() {
        &in_case
    } else {
        path
    };
    let mut bytes = input::bytes(path, MAX_EVENT)?;
    if path.extension().is_some_and(|ending| ending == "jsonl") {
        bytes = only_line(path, &bytes)?;
    }
    let exact = Bytes::from(bytes.clone());
    let document = input::parse(input::name(path), bytes)?;
    match Captured::read(document.tree(), exact) {
        Ok(captured) => Ok(captured.event.invocation().clone()),
        Err(found) => Err(AccessError::NoEvent(Box::new((document, *found)))),
    }
}

fn only_line(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, AccessError> {
    let lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    match lines[..] {
        [line] => Ok(line.to_vec()),
        _ => Err(AccessError::NotOneEvent {
            name: input::name(path),
            events: lines.len(),
        }),
    }
}

/// The root of Box's API for a URL that may end in `/2.0`, which calls add themselves.
pub fn api_root(url: &Url) -> Url {
    let mut root = url.clone();
    let path = root.path().trim_end_matches('/');
    let path = path.strip_suffix("/2.0").unwrap_or(path).to_owned();
    root.set_path(&path);
    root.set_query(None);
    root.set_fragment(None);
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> FileSource {
        FileSource::Id("7".to_owned())
    }

    fn resolve(file: &FileSource, token: Option<&TokenSource>) -> Result<FileAccess, AccessError> {
        let environment = Environment::from_variables([("BOX_TOKEN", "from-variable")]);
        FileAccess::resolve(file, token, TokenKind::Write, &environment)
    }

    #[test]
    fn tokens_that_no_header_carries_are_refused() {
        for odd in ["", "a b", "a\nb", "é"] {
            let token = TokenSource::CommandLine(Secret::new(odd));
            assert!(
                matches!(
                    resolve(&id(), Some(&token)),
                    Err(AccessError::Unusable { .. })
                ),
                "{odd:?}"
            );
        }
        let token = TokenSource::CommandLine(Secret::new("1!aB-_./~+="));
        assert!(resolve(&id(), Some(&token)).is_ok());
    }

    #[test]
    fn an_id_needs_a_token() {
        assert!(matches!(resolve(&id(), None), Err(AccessError::NoToken)));
        let token = TokenSource::Variable("BOX_TOKEN".to_owned());
        let access = resolve(&id(), Some(&token)).expect("a token");
        assert_eq!(
            (access.file_id.as_str(), access.token.expose()),
            ("7", "from-variable")
        );
        let token = TokenSource::Variable("NOT_SET".to_owned());
        assert!(matches!(
            resolve(&id(), Some(&token)),
            Err(AccessError::Unset(_))
        ));
    }

    #[test]
    fn only_one_of_event_and_token_comes_from_stdin() {
        let stdin = PathBuf::from(input::STDIN);
        let token = TokenSource::File(stdin.clone());
        let refused = resolve(&FileSource::Event(stdin), Some(&token));
        assert!(matches!(refused, Err(AccessError::StdinTwice)));
    }

    #[test]
    fn a_root_is_taken_without_its_version() {
        for given in [
            "https://api.box.com",
            "https://api.box.com/2.0",
            "https://api.box.com/2.0/?a=b#c",
        ] {
            let url = given.parse().expect("a URL");
            assert_eq!(api_root(&url).as_str(), "https://api.box.com/", "{given}");
        }
    }
}
