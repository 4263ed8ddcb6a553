//! The exit codes, and the one place where a failure becomes one.
//!
//! A failed check is a result, which the command prints itself; the other failures say why there is
//! no result.

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

/// The end of a command: `Ok` for exit code 0.
pub type Outcome = Result<(), Failure>;

/// Why a command exits with another code than 0.
#[derive(Debug)]
pub enum Failure {
    /// Interrupted by the user; the command has printed what it did.
    Interrupted,
    /// The command line or an input is wrong; nothing was sent.
    Usage(Problem),
    /// Something outside failed.
    Outside(Problem),
    /// A check failed; the command has printed which and why.
    Check,
    /// The command has printed the problem; the exit code.
    Printed(u8),
}

impl Problem {
    /// A wrong command line or input: exit code 2.
    pub fn usage(self) -> Failure {
        Failure::Usage(self)
    }

    /// A failure of something outside: exit code 3.
    pub fn outside(self) -> Failure {
        Failure::Outside(self)
    }
}

/// The problem to print. A failed check and an interruption have none: the command printed them.
pub fn problem(outcome: &Outcome) -> Option<&Problem> {
    match outcome {
        Err(Failure::Usage(problem) | Failure::Outside(problem)) => Some(problem),
        Ok(()) | Err(Failure::Check | Failure::Interrupted | Failure::Printed(_)) => None,
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
        Err(Failure::Printed(code)) => *code,
    }
}

/// Prints clap's answer to a command line. Returns the exit code: 0 for help and version, else 2.
pub fn print_clap_answer(answer: &clap::Error) -> ExitCode {
    let text = answer.render().to_string();
    let controls = |character: char| character != '\n' && is_unshowable(character);
    // The text quotes arguments, which may hold terminal control sequences. Errors of a closed
    // stream are ignored: they cannot be reported.
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
