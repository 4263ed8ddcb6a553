//! The printer: the only code that writes to the standard streams, and the only user of `colored` and
//! `indicatif`. Results go to stdout; progress, logs and diagnostics to stderr.

pub mod keys;
pub mod progress;
pub mod theme;

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
};

use crate::{
    cli::{ColorChoice, Global},
    env::Environment,
    render::{
        problem::Problem,
        text::{Line, Role, Text},
    },
};
use theme::Theme;

/// How much is printed on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only errors.
    Quiet,
    /// Notes and warnings too.
    Normal,
    /// Details too.
    Verbose,
}

/// The standard streams, with their themes.
#[derive(Clone, Debug)]
pub struct Terminal {
    out: Theme,
    err: Theme,
    verbosity: Verbosity,
    /// The width of results, in columns.
    pub width: usize,
    /// Whether progress may be drawn on stderr.
    pub draws: bool,
    /// Whether stdout is a terminal.
    pub out_is_terminal: bool,
}

impl Terminal {
    /// Decides per stream: a flag beats `NO_COLOR` beats `CLICOLOR_FORCE` beats being a terminal.
    pub fn new(environment: &Environment, global: &Global) -> Self {
        let theme = |is_terminal: bool| {
            Theme::new(match global.color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto if environment.var("NO_COLOR").is_some() => false,
                ColorChoice::Auto => {
                    environment
                        .var("CLICOLOR_FORCE")
                        .is_some_and(|value| value != "0")
                        || (is_terminal && environment.var("TERM") != Some("dumb"))
                }
            })
        };
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        Self {
            out: theme(environment.stdout_is_terminal),
            err: theme(environment.stderr_is_terminal),
            verbosity,
            width: environment.width,
            draws: environment.stderr_is_terminal && verbosity != Verbosity::Quiet,
            out_is_terminal: environment.stdout_is_terminal,
        }
    }

    /// Prints a result on stdout. Write errors are ignored, as in [`Terminal::out_raw`].
    pub fn out(&self, text: &Text) {
        self.out_raw(self.out.paint_all(text).as_bytes());
    }

    /// Appends `text` to `painted` with the colours of stdout, to print later with
    /// [`Terminal::out_raw`].
    pub fn paint(&self, text: &Text, painted: &mut String) {
        self.out.append(text, painted);
    }

    /// Prints one line of a result on stdout.
    pub fn out_line(&self, line: &Line) {
        let mut painted = self.out.paint(line);
        painted.push('\n');
        self.out_raw(painted.as_bytes());
    }

    /// Writes bytes to stdout: a document, a file, JSON. Errors are ignored: neither a closed pipe
    /// nor a full disk may change a verdict.
    #[allow(clippy::unused_self, reason = "only holders of a terminal print")]
    pub fn out_raw(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// Stdout as an unbuffered stream, for large content whose write errors matter.
    #[allow(clippy::unused_self, reason = "only holders of a terminal print")]
    pub fn out_stream(&self) -> io::Result<File> {
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Writes text of a format for programs to stderr, also with `-q`.
    #[allow(
        clippy::unused_self,
        reason = "having the terminal is the permission to print"
    )]
    pub fn note_raw(&self, text: &str) {
        to_stderr(text);
    }

    /// Prints a note on stderr, unless `-q` is given.
    pub fn note(&self, text: &Text) {
        if self.verbosity >= Verbosity::Normal {
            to_stderr(&self.err.paint_all(text));
        }
    }

    /// Prints a line on stderr, unless `-q` is given.
    pub fn note_line(&self, line: Line) {
        self.note(&Text::from_iter([line]));
    }

    /// Prints a warning on stderr, unless `-q` is given.
    pub fn warn(&self, message: &str) {
        self.note_line(Line::new().with(Role::Warn, "warning: ").plain(message));
    }

    /// Prints a detail on stderr, if `-v` is given.
    pub fn detail(&self, text: &Text) {
        if self.verbosity >= Verbosity::Verbose {
            to_stderr(&self.err.paint_all(text));
        }
    }

    /// Clears the screen, if both streams are the terminal.
    pub fn clear_screen(&self) {
        if self.out_is_terminal && self.draws {
            self.out_raw(b"\x1b[2J\x1b[H");
        }
    }

    /// Whether `-v` is given.
    pub fn is_verbose(&self) -> bool {
        self.verbosity >= Verbosity::Verbose
    }

    /// Prints a problem on stderr, also with `-q`.
    pub fn problem(&self, problem: &Problem) {
        to_stderr(&self.err.paint_all(&problem.to_text()));
    }
}

fn to_stderr(text: &str) {
    // There is no other stream to report the error on.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
