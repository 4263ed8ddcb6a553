//! The printer: the only place that writes to the standard streams and knows `colored` and
//! `indicatif`. Results go to stdout; progress, logs and diagnostics to stderr.

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

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// What helps to find out why.
    Verbose,
}

/// The standard streams, with their themes.
#[derive(Clone, Debug)]
pub struct Terminal {
    out: Theme,
    err: Theme,
    verbosity: Verbosity,
    /// Columns to lay results out in.
    pub width: usize,
    /// Whether progress may be drawn on stderr.
    pub draws: bool,
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
        }
    }

    /// Prints a result on stdout. A broken pipe ends printing without an error: the reader has
    /// seen enough, and it must not change a verdict.
    pub fn out(&self, text: &Text) {
        self.out_raw(self.out.paint_all(text).as_bytes());
    }

    /// Appends `text` to `painted` as it looks on stdout: for what is printed later, by
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

    /// Writes bytes to stdout as they are: a document, a file, JSON.
    #[allow(
        clippy::unused_self,
        reason = "having the terminal is the permission to print"
    )]
    pub fn out_raw(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        // A reader that went away has seen enough, and a full disk must not change a verdict.
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// The standard output as a stream of bytes: for a document that is written as it comes, and
    /// whose reader gets an error when something goes wrong. Unbuffered: the pieces are large.
    #[allow(
        clippy::unused_self,
        reason = "having the terminal is the permission to print"
    )]
    pub fn out_stream(&self) -> io::Result<File> {
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Says something on stderr unless quiet.
    pub fn note(&self, text: &Text) {
        if self.verbosity >= Verbosity::Normal {
            to_stderr(&self.err.paint_all(text));
        }
    }

    /// Says a line on stderr unless quiet.
    pub fn note_line(&self, line: Line) {
        self.note(&Text::from_iter([line]));
    }

    /// Says a warning on stderr unless quiet.
    pub fn warn(&self, message: &str) {
        self.note_line(Line::new().with(Role::Warn, "warning: ").plain(message));
    }

    /// Says something on stderr where the user asked for more.
    pub fn detail(&self, text: &Text) {
        if self.verbosity >= Verbosity::Verbose {
            to_stderr(&self.err.paint_all(text));
        }
    }

    /// Whether the user asked for more.
    pub fn is_verbose(&self) -> bool {
        self.verbosity >= Verbosity::Verbose
    }

    /// Prints what went wrong, also when quiet.
    pub fn problem(&self, problem: &Problem) {
        to_stderr(&self.err.paint_all(&problem.to_text()));
    }
}

fn to_stderr(text: &str) {
    // There is no stream left on which to say that this one failed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
