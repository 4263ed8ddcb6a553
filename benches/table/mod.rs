//! The table that a benchmark prints: a row a figure, with what it stands beside, what was wanted
//! and whether that was reached. `scripts/benchmarks.sh` puts the tables together.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

use std::process::ExitCode;

/// The table, and whether all in it was reached.
pub(crate) struct Table {
    failed: bool,
}

impl Table {
    pub(crate) fn start() -> Self {
        println!("| figure | measured | beside | wanted | reached |\n|---|---|---|---|---|");
        Self { failed: false }
    }

    /// A figure that was asked for.
    pub(crate) fn row(
        &mut self,
        figure: &str,
        measured: &str,
        beside: &str,
        wanted: &str,
        is_reached: bool,
    ) {
        self.failed |= !is_reached;
        let reached = if is_reached { "yes" } else { "**no**" };
        println!("| {figure} | {measured} | {beside} | {wanted} | {reached} |");
    }

    /// A figure that is only told.
    #[allow(
        dead_code,
        clippy::unused_self,
        reason = "not every benchmark has one, and it goes in the table"
    )]
    pub(crate) fn told(&self, figure: &str, measured: &str, beside: &str) {
        println!("| {figure} | {measured} | {beside} | | |");
    }

    /// What the run ends with: where it was measured, a figure that was not reached fails it.
    pub(crate) fn end(self, is_measured: bool) -> ExitCode {
        if self.failed && is_measured {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}
