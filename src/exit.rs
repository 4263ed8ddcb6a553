//! The exit codes of design §2 and the one place where a failure becomes one.
//!
//! A failed check is data, reported by the command itself; a [`Failure`] carries only what stands
//! between the command and its result.

use std::process::ExitCode;

use crate::{
    render::text::{Text, is_unshowable, visible},
    terminal::Terminal,
};

/// Everything is well.
pub const OK: u8 = 0;
/// A check failed: a replay, a card.
pub const CHECK_FAILED: u8 = 1;
/// The command line or an input file is wrong, or a destination exists.
pub const USAGE: u8 = 2;
/// Something outside failed: nothing listens, Box refused, the disk is full.
pub const OUTSIDE: u8 = 3;
/// Interrupted by the user.
pub const INTERRUPTED: u8 = 130;

/// What a command ends with: `Ok` for all well.
pub type Outcome = Result<(), Failure>;

/// Why a command did not end well.
#[derive(Debug)]
pub enum Failure {
    /// The user pressed Ctrl-C; what there was to say has been said.
    Interrupted,
    /// The command line or an input is wrong; found before anything was sent.
    Usage(Problem),
    /// Something outside failed.
    Outside(Problem),
    /// A check failed; the command has printed which and why.
    Check,
}

/// What went wrong, for a person: what was tried, on what, what came back, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was tried, on what, and what came back: one sentence without a full stop.
    pub message: String,
    /// Lines that show the place (a source excerpt, a child's output), already laid out.
    pub excerpt: Option<Text>,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    /// A problem that is said in one sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            excerpt: None,
            help: None,
        }
    }

    /// The same with a word on what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the place shown.
    #[must_use]
    pub fn excerpt(mut self, excerpt: Text) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    /// As a wrong command line or input: exit code 2.
    pub fn usage(self) -> Failure {
        Failure::Usage(self)
    }

    /// As a failure of something outside: exit code 3.
    pub fn outside(self) -> Failure {
        Failure::Outside(self)
    }
}

/// The exit code of an outcome.
pub fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Ok(()) => OK,
        Err(Failure::Check) => CHECK_FAILED,
        Err(Failure::Usage(_)) => USAGE,
        Err(Failure::Outside(_)) => OUTSIDE,
        Err(Failure::Interrupted) => INTERRUPTED,
    }
}

/// Says what is left to say and gives the process its exit code.
pub fn finish(outcome: &Outcome, terminal: &Terminal) -> ExitCode {
    if let Err(Failure::Usage(problem) | Failure::Outside(problem)) = outcome {
        terminal.problem(problem);
    }
    ExitCode::from(code(outcome))
}

/// The end of a command line that clap answered itself: help and version are well, the rest is
/// a usage error.
pub fn of_command_line(answer: &clap::Error) -> ExitCode {
    let said = answer.render().to_string();
    let drives = |character: char| character != '\n' && is_unshowable(character);
    // It repeats what was typed, which may be the name of somebody's file. Nothing can be done
    // about a closed stream at this point.
    let _ = if said.contains(drives) {
        let lines: Vec<_> = said.lines().map(visible).collect();
        let said = lines.join("\n");
        let said = said.strip_prefix("error: ").unwrap_or(&said).to_owned() + "\n";
        clap::Error::raw(answer.kind(), said).print()
    } else {
        answer.print()
    };
    ExitCode::from(if answer.use_stderr() { USAGE } else { OK })
}
