//! The table that a benchmark prints: a row for each figure, with its baseline, its goal and whether
//! that was reached. `scripts/benchmarks.sh` collects the tables.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

use std::process::ExitCode;

/// The table, and whether all goals were reached.
pub(crate) struct Table {
    failed: bool,
}

impl Table {
    pub(crate) fn start() -> Self {
        println!("| figure | measured | baseline | goal | reached |\n|---|---|---|---|---|");
        Self { failed: false }
    }

    /// A figure with a goal.
    pub(crate) fn row(
        &mut self,
        figure: &str,
        measured: &str,
        baseline: &str,
        wanted: &str,
        is_reached: bool,
    ) {
        self.failed |= !is_reached;
        let reached = if is_reached { "yes" } else { "**no**" };
        println!("| {figure} | {measured} | {baseline} | {wanted} | {reached} |");
    }

    /// A figure without a goal.
    #[allow(
        dead_code,
        clippy::unused_self,
        reason = "not every benchmark has one, and it goes in the table"
    )]
    pub(crate) fn row_without_goal(&self, figure: &str, measured: &str, baseline: &str) {
        println!("| {figure} | {measured} | {baseline} | | |");
    }

    /// The exit code: a run that measured fails if it missed a goal.
    pub(crate) fn end(self, is_measured: bool) -> ExitCode {
        if self.failed && is_measured {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}
