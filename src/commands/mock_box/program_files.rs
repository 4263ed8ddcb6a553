//! The files of the program of a `mock-box --watch`: when one changes, the program is restarted.

use std::time::{Duration, Instant};

use crate::{
    commands::{
        changed_files,
        repeated_changes::{ChangedByRuns, subject},
    },
    terminal::Terminal,
    watch::sources::SourceWatch,
};

/// What changes this soon after a start may be written by the program.
const AFTER_A_START: Duration = Duration::from_secs(2);

/// The watched files.
pub(super) struct ProgramFiles {
    files: SourceWatch,
    by_starts: ChangedByRuns,
    started: Instant,
}

impl ProgramFiles {
    pub(super) fn new(files: SourceWatch) -> Self {
        Self {
            files,
            by_starts: ChangedByRuns::default(),
            started: Instant::now(),
        }
    }

    /// The program starts.
    pub(super) fn start(&mut self) {
        self.by_starts.start_run();
        self.started = Instant::now();
    }

    /// Waits for a change that the program does not seem to make itself, and returns it in words.
    pub(super) async fn changed(&mut self, terminal: &Terminal) -> String {
        loop {
            let mut changes = changed_files::next(&mut self.files, terminal).await;
            if self.started.elapsed() < AFTER_A_START {
                self.by_starts.add(&changes);
            }
            for path in self.by_starts.end_run() {
                self.files.leave_out(&path);
                changes.retain(|change| subject(change) != path);
                terminal.warn(&changed_files::left_out(&path));
            }
            if !changes.is_empty() {
                return changed_files::describe(&changes);
            }
        }
    }
}

/// The next change; never, without `--watch`.
pub(super) async fn changed(files: &mut Option<ProgramFiles>, terminal: &Terminal) -> String {
    match files {
        Some(files) => files.changed(terminal).await,
        None => std::future::pending().await,
    }
}
