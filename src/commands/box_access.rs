//! From the options of a command that calls Box to a client and a token, and from Box's refusals
//! to words that say what to do. Shared by all commands that call Box themselves.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use jiff::{Timestamp, Unit};
use url::Url;

use super::input::{self, STDIN};
use crate::{
    cli::box_access::{AccessArgs, BoxArgs},
    client::{BoxError, ErrorKind, Options},
    domain::{
        event::{Captured, invocation::Invocation},
        json::document::Document,
        secret::Secret,
        token::{TokenKind, is_placeholder},
    },
    env::Environment,
    exit::{Failure, Problem},
    render::diagnostic,
    terminal::Terminal,
};

/// The most that an event may have, in bytes.
const LARGEST_EVENT: u64 = 8 << 20;
/// The most that a token may have, in bytes.
const LARGEST_TOKEN: u64 = 64 << 10;

/// A file and the token to call Box with.
#[derive(Debug)]
pub struct Access {
    /// The file.
    pub file_id: String,
    /// The token.
    pub token: Secret,
    /// Where the token is from.
    pub origin: Origin,
    /// The event, where there is one.
    pub event: Option<Invocation<'static>>,
}

/// Where a token is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The event.
    Event {
        /// Which of its two.
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

impl fmt::Display for Origin {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { kind, .. } => write!(to, "the event's {kind} token"),
            Self::Variable(name) => write!(to, "the token in ${name}"),
            Self::File(path) => write!(to, "the token in {}", input::name(path)),
            Self::CommandLine => to.write_str("the token of the command line"),
        }
    }
}

/// Finds out which file and which token is meant. Of an event, its token of this `kind`.
pub fn access(
    arguments: &AccessArgs,
    kind: TokenKind,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Access, Failure> {
    let is_stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new(STDIN));
    if is_stdin(&arguments.event) && is_stdin(&arguments.token_file) {
        let message = "the event and the token cannot both come from stdin";
        return Err(Problem::new(message).usage());
    }
    let event = match &arguments.event {
        Some(path) => Some(event(path, terminal.width)?),
        None => None,
    };
    let given = given_token(arguments, environment, terminal)?;
    let (token, origin) = match (given, &event) {
        (Some(given), _) => given,
        (None, Some(event)) => of_event(event, kind)?,
        (None, None) => {
            return Err(Problem::new("--file-id needs a token")
                .help("name it with --token-env VAR or --token-file FILE")
                .usage());
        }
    };
    let file_id = match (&event, &arguments.file_id) {
        (Some(event), _) => event.file_id(),
        (None, id) => id.clone().unwrap_or_default(),
    };
    Ok(Access {
        file_id,
        token: checked(token, &origin)?,
        origin,
        event,
    })
}

fn given_token(
    arguments: &AccessArgs,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Option<(Secret, Origin)>, Failure> {
    if let Some(name) = &arguments.token_env {
        let value = environment.var(name).ok_or_else(|| {
            Problem::new(format!("the variable {name} is not set, or empty")).usage()
        })?;
        return Ok(Some((Secret::new(value), Origin::Variable(name.clone()))));
    }
    if let Some(path) = &arguments.token_file {
        let bytes = input::bytes(path, LARGEST_TOKEN)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem::new(format!("{} holds no text", input::name(path))).usage())?;
        let token = Secret::new(text.trim());
        return Ok(Some((token, Origin::File(path.clone()))));
    }
    Ok(arguments.token.as_ref().map(|token| {
        terminal.warn(
            "--token stays in the shell's history and is seen in the list of processes; \
             --token-env and --token-file are not",
        );
        (Secret::new(&token.0), Origin::CommandLine)
    }))
}

fn of_event(event: &Invocation<'_>, kind: TokenKind) -> Result<(Secret, Origin), Failure> {
    let token = event
        .token(kind)
        .ok_or_else(|| Problem::new(format!("the event has no {kind} token")).usage())?;
    let origin = Origin::Event {
        kind,
        expires_at: token.expires_at,
    };
    Ok((token.access_token, origin))
}

/// A token that no header could carry is told before anything is sent.
fn checked(token: Secret, origin: &Origin) -> Result<Secret, Failure> {
    let problem = match token.expose() {
        "" => "is empty",
        text if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            "holds characters that no token has (spaces, line breaks?)"
        }
        _ => return Ok(token),
    };
    Err(Problem::new(format!("{origin} {problem}")).usage())
}

/// Reads the one event in a file: bare, inside an API Gateway event, or alone in a `.jsonl`. A
/// folder is a case, whose `event.json` is meant.
pub fn event(path: &Path, width: usize) -> Result<Invocation<'static>, Failure> {
    let in_case = path.join("event.json");
    let path = if path.is_dir() && in_case.is_file() {
        &in_case
    } else {
        path
    };
    let mut bytes = input::bytes(path, LARGEST_EVENT)?;
    if path.extension().is_some_and(|ending| ending == "jsonl") {
        bytes = only_line(path, &bytes)?;
    }
    let exact = Bytes::from(bytes.clone());
    let document =
        Document::parse(input::name(path), bytes).map_err(|error| input::no_json(&error, width))?;
    Captured::read(document.tree(), exact)
        .map(|captured| captured.event.invocation().clone())
        .map_err(|found| {
            let findings = [*found];
            let located = document.locate(&findings);
            let width = width.saturating_sub(2);
            let shown = diagnostic::findings(&document.name, &document.text, &located, width, 1);
            Problem::new(format!("{} holds no event", document.name))
                .excerpt(shown)
                .usage()
        })
}

fn only_line(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    match lines[..] {
        [line] => Ok(line.to_vec()),
        _ => Err(Problem::new(format!(
            "{} holds {} events, and one is wanted",
            input::name(path),
            lines.len()
        ))
        .help("pick one: sed -n 1p FILE | skillctl … --event -")
        .usage()),
    }
}

/// The root of Box's API, without the `/2.0` that people like to give with it.
pub fn root(arguments: &BoxArgs) -> Url {
    let mut root = arguments.root.clone();
    let path = root.path().trim_end_matches('/');
    let path = path.strip_suffix("/2.0").unwrap_or(path).to_owned();
    root.set_path(&path);
    root.set_query(None);
    root.set_fragment(None);
    root
}

/// How a client is to call, by the options of the command.
pub fn options(arguments: &BoxArgs, environment: &Environment) -> Result<Options, Failure> {
    let mut options = Options::new(environment);
    options.backoff.policy.retries = arguments.retries;
    options.backoff.policy.patience = arguments.wait;
    options.connections.stall_timeout = arguments.timeout;
    options.connections.connect_timeout =
        options.connections.connect_timeout.min(arguments.timeout);
    if let Some(path) = &arguments.ca_cert {
        let pem = input::bytes(path, LARGEST_EVENT)?;
        options.connections = options.connections.trusting(&pem).map_err(|reason| {
            let message = format!("--ca-cert {} cannot be used: {reason}", path.display());
            Problem::new(message).usage()
        })?;
    }
    Ok(options)
}

/// A refusal of Box's, or of the way there, in words that say what to do.
pub fn explain(error: &BoxError, access: &Access, now: Timestamp) -> Failure {
    let problem = Problem::new(error.to_string());
    match help(error, access, now) {
        Some(help) => problem.help(help),
        None => problem,
    }
    .outside()
}

fn help(error: &BoxError, access: &Access, now: Timestamp) -> Option<String> {
    if error.elsewhere && error.status().is_some() {
        return Some("it is the host that Box sent the download to; try again later".to_owned());
    }
    match (&error.kind, error.status().map(|status| status.as_u16())) {
        (ErrorKind::Refused(refusal), _) if refusal.page => Some(PORTAL.to_owned()),
        (_, Some(401)) => Some(about_validity(access, now)),
        (_, Some(403)) => Some(about_scope(access)),
        (_, Some(404)) => Some(format!(
            "file {} is not there for {}: deleted, of another Box, or never this token's file",
            access.file_id, access.origin
        )),
        (_, Some(429 | 500..=599)) => Some("--retries N tries longer".to_owned()),
        (ErrorKind::NotReady { .. }, _) => Some("--wait DURATION waits longer".to_owned()),
        (ErrorKind::Unreachable { own_machine, .. }, _) if *own_machine => {
            Some("nothing listens there: start `skillctl mock-box`, or mend --box".to_owned())
        }
        (ErrorKind::Unreachable { .. }, _) => {
            Some("check --box, the network and the proxy variables".to_owned())
        }
        (ErrorKind::Untrusted { .. }, _) => Some(
            "a mock's certificate is trusted with --ca-cert FILE, a company's with SSL_CERT_FILE"
                .to_owned(),
        ),
        (ErrorKind::Foreign { .. } | ErrorKind::Redirect { .. }, _) => Some(PORTAL.to_owned()),
        _ => None,
    }
}

const PORTAL: &str = "check --box; on a guest network, open a browser and log in to it first";

/// Why a token is not valid: an event's says when it expired.
fn about_validity(access: &Access, now: Timestamp) -> String {
    let shown = format!("{} ({})", access.origin, access.token.redacted());
    if is_placeholder(access.token.expose()) {
        return format!(
            "{} is a placeholder; replay the event against `skillctl mock-box`, which gives it \
             tokens, or name one with --token-env",
            access.origin
        );
    }
    let Origin::Event {
        expires_at: Some(expires_at),
        ..
    } = access.origin
    else {
        return format!("{shown} has expired, was revoked, or is of another Box");
    };
    match Timestamp::from_second(expires_at) {
        Ok(end) if end <= now => format!(
            "{shown} expired at {end}, {} ago; capture a new event, or register this one with \
             `skillctl mock-box`, where its tokens are good again",
            span(now, end)
        ),
        Ok(end) => format!(
            "{shown} would be good until {end}, by the event: it was revoked, or is of another Box"
        ),
        Err(_) => format!("{shown} is not valid, and its `expires_in` is no Unix time"),
    }
}

fn about_scope(access: &Access) -> String {
    let shown = format!("{} ({})", access.origin, access.token.redacted());
    match access.origin {
        Origin::Event { kind, .. } => {
            let may = match kind {
                TokenKind::Write => "write the metadata of",
                TokenKind::Read | TokenKind::User => "read",
            };
            format!(
                "{shown} was used; it may only {may} file {}",
                access.file_id
            )
        }
        _ => format!(
            "{shown} was used; an event has two, and only `token.read` reads a file and only \
             `token.write` writes its metadata"
        ),
    }
}

/// How long ago, in the largest unit that says something: `3 days`, `40 minutes`.
fn span(now: Timestamp, then: Timestamp) -> String {
    let seconds = now
        .since((Unit::Second, then))
        .map_or(0, |span| span.get_seconds());
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn by(origin: Origin, token: &str) -> Access {
        Access {
            file_id: "7".to_owned(),
            token: Secret::new(token),
            origin,
            event: None,
        }
    }

    fn read_token(expires_at: i64) -> Origin {
        Origin::Event {
            kind: TokenKind::Read,
            expires_at: Some(expires_at),
        }
    }

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn an_expired_token_is_told_with_its_time() {
        let help = about_validity(
            &by(read_token(1_540_924_150), TOKEN),
            at("2018-11-02T00:00:00Z"),
        );
        assert!(
            help.starts_with(
                "the event's read token ([redacted …cdef]) expired at 2018-10-30T18:29:10Z, 2 \
                 days ago"
            ),
            "{help}"
        );
    }

    #[test]
    fn a_token_that_should_still_be_good_is_told_so() {
        let help = about_validity(
            &by(read_token(1_540_924_150), TOKEN),
            at("2018-10-30T00:00:00Z"),
        );
        assert!(
            help.contains("would be good until 2018-10-30T18:29:10Z"),
            "{help}"
        );
    }

    #[test]
    fn odd_expiries_and_placeholders_have_words_too() {
        let now = at("2018-10-30T00:00:00Z");
        let odd = about_validity(&by(read_token(i64::MAX), TOKEN), now);
        assert!(odd.contains("no Unix time"), "{odd}");
        let placeholder = about_validity(&by(read_token(1_540_924_150), "REDACTED"), now);
        assert!(placeholder.contains("is a placeholder"), "{placeholder}");
    }

    #[test]
    fn spans_are_in_the_largest_unit() {
        let ago = |then: &str| span(at("2026-01-03T00:00:00Z"), at(then));
        assert_eq!(ago("2026-01-02T23:59:59Z"), "1 second");
        assert_eq!(ago("2026-01-02T23:20:00Z"), "40 minutes");
        assert_eq!(ago("2026-01-02T00:00:00Z"), "24 hours");
        assert_eq!(ago("2025-01-03T00:00:00Z"), "365 days");
    }

    #[test]
    fn tokens_that_no_header_carries_are_refused() {
        for odd in ["", "a b", "a\nb", "é"] {
            assert!(
                checked(Secret::new(odd), &Origin::CommandLine).is_err(),
                "{odd:?}"
            );
        }
        assert!(checked(Secret::new("1!aB-_./~+="), &Origin::CommandLine).is_ok());
    }
}
