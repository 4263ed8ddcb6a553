//! The exit codes, and the one place where a failure becomes one.
//!
//! A failed check is data, and the command itself reports it; a [`Failure`] says why there is no
//! result.

use std::process::ExitCode;

pub use crate::render::problem::Problem;
use crate::render::text::{is_unshowable, visible};

/// The command succeeded.
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
    /// The user pressed Ctrl-C; the command has reported what it had done.
    Interrupted,
    /// The command line or an input is wrong; found before anything was sent.
    Usage(Problem),
    /// Something outside failed.
    Outside(Problem),
    /// A check failed; the command has printed which and why.
    Check,
}

impl Problem {
    /// As a wrong command line or input: exit code 2.
    pub fn usage(self) -> Failure {
        Failure::Usage(self)
    }

    /// As a failure of something outside: exit code 3.
    pub fn outside(self) -> Failure {
        Failure::Outside(self)
    }
}

/// What is left to be printed; a failed check and an interruption were reported by the command.
pub fn problem(outcome: &Outcome) -> Option<&Problem> {
    match outcome {
        Err(Failure::Usage(problem) | Failure::Outside(problem)) => Some(problem),
        Ok(()) | Err(Failure::Check | Failure::Interrupted) => None,
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

/// Prints the answer of clap to a command line, and returns the exit code: 0 for help and version,
/// otherwise that of a usage error.
pub fn print_clap_answer(answer: &clap::Error) -> ExitCode {
    let text = answer.render().to_string();
    let controls = |character: char| character != '\n' && is_unshowable(character);
    // The text repeats arguments, such as file names, which may hold terminal control sequences.
    // A closed stream is ignored: there is nowhere left to report it.
    let _ = if text.contains(controls) {
        let lines: Vec<_> = text.lines().map(visible).collect();
        let text = lines.join("\n");
        let text = text.strip_prefix("error: ").unwrap_or(&text).to_owned() + "\n";
        clap::Error::raw(answer.kind(), text).print()
    } else {
        answer.print()
    };
    ExitCode::from(if answer.use_stderr() { USAGE } else { OK })
}
