//! Progress on stderr: a bar on a terminal, a line now and then elsewhere, nothing when quiet.
//! The only place that knows `indicatif`. Callers pass amounts; what they count is not known
//! here.

use std::{
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Terminal, Verbosity};
use crate::render::{
    text::{Line, Role, visible},
    units,
};

/// Off a terminal, a line at most this often: a log is not a place for a bar.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Bytes.
    Bytes,
    /// Things that come one by one.
    Count,
}

/// The progress of one piece of work. Taken off the screen when it is dropped.
#[derive(Debug)]
pub struct Progress {
    terminal: Terminal,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Bar(ProgressBar, Amount),
    Lines(Mutex<Lines>),
    Nothing,
}

impl Terminal {
    /// Starts to show the progress of `what`.
    pub fn progress(&self, what: &str, amount: Amount) -> Progress {
        let shape = if self.draws {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style(amount, false));
            bar.set_message(visible(what).into_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            Shape::Bar(bar, amount)
        } else if self.verbosity >= Verbosity::Normal {
            Shape::Lines(Mutex::new(Lines::new(what, amount, Instant::now())))
        } else {
            Shape::Nothing
        };
        Progress {
            terminal: self.clone(),
            shape,
        }
    }
}

impl Progress {
    /// The work has a better name by now.
    pub fn rename(&self, what: &str) {
        match &self.shape {
            Shape::Bar(bar, _) => bar.set_message(visible(what).into_owned()),
            Shape::Lines(lines) => what.clone_into(&mut lock(lines).what),
            Shape::Nothing => {}
        }
    }

    /// Work starts at `position`: what was there before does not count for the rate.
    pub fn start_at(&self, position: u64) {
        match &self.shape {
            Shape::Bar(bar, _) => {
                bar.set_position(position);
                bar.reset_eta();
            }
            Shape::Lines(lines) => lock(lines).start_at(position, Instant::now()),
            Shape::Nothing => {}
        }
    }

    /// The whole is known to be `total`.
    pub fn total(&self, total: u64) {
        match &self.shape {
            Shape::Bar(bar, amount) => {
                bar.set_length(total);
                bar.set_style(style(*amount, true));
            }
            Shape::Lines(lines) => lock(lines).total = Some(total),
            Shape::Nothing => {}
        }
    }

    /// So much is done.
    pub fn position(&self, position: u64) {
        match &self.shape {
            Shape::Bar(bar, _) => bar.set_position(position),
            Shape::Lines(lines) => {
                let due = lock(lines).due(position, Instant::now());
                if let Some(line) = due {
                    self.terminal.note_line(Line::new().with(Role::Dim, line));
                }
            }
            Shape::Nothing => {}
        }
    }

    /// Hides the bar while `write` writes to the terminal.
    pub fn suspend(&self, write: impl FnOnce()) {
        match &self.shape {
            Shape::Bar(bar, _) => bar.suspend(write),
            _ => write(),
        }
    }

    /// Prints a line above the progress.
    pub fn say(&self, line: Line) {
        match &self.shape {
            Shape::Bar(bar, _) => bar.suspend(|| self.terminal.note_line(line)),
            _ => self.terminal.note_line(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shape::Bar(bar, _) = &self.shape {
            bar.finish_and_clear();
        }
    }
}

/// Progress for a log: lines, far apart.
#[derive(Debug)]
struct Lines {
    what: String,
    amount: Amount,
    total: Option<u64>,
    from: u64,
    begun: Instant,
    said: Instant,
}

impl Lines {
    fn new(what: &str, amount: Amount, now: Instant) -> Self {
        Self {
            what: what.to_owned(),
            amount,
            total: None,
            from: 0,
            begun: now,
            said: now,
        }
    }

    fn start_at(&mut self, position: u64, now: Instant) {
        self.from = position;
        self.begun = now;
    }

    /// The line for `position`, where it is time for one.
    fn due(&mut self, position: u64, now: Instant) -> Option<String> {
        if now.duration_since(self.said) < BETWEEN_LINES {
            return None;
        }
        self.said = now;
        Some(self.line(position, now.duration_since(self.begun)))
    }

    fn line(&self, position: u64, spent: Duration) -> String {
        let show = |amount: u64| match self.amount {
            Amount::Bytes => units::bytes(amount),
            Amount::Count => amount.to_string(),
        };
        let of = self.total.map_or_else(String::new, |total| {
            let percent = u128::from(position) * 100 / u128::from(total.max(1));
            format!(" of {} ({percent} %)", show(total))
        });
        let done = u128::from(position.saturating_sub(self.from));
        let rate = u64::try_from(done * 1000 / spent.as_millis().max(1)).unwrap_or(u64::MAX);
        let at = match rate {
            0 => String::new(),
            _ => format!(", {}/s", show(rate)),
        };
        let left = match self.total {
            Some(total) if rate > 0 && total > position => {
                let left = Duration::from_secs((total - position).div_ceil(rate));
                format!(", {} left", units::span(left))
            }
            _ => String::new(),
        };
        format!("{}: {}{of}{at}{left}", self.what, show(position))
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The look of a bar. One without a known end has nothing to fill.
fn style(amount: Amount, ends: bool) -> ProgressStyle {
    let template = match (amount, ends) {
        (Amount::Bytes, true) => {
            "{wide_msg} {decimal_bytes}/{decimal_total_bytes} [{bar:24}] {decimal_bytes_per_sec} {eta} left"
        }
        (Amount::Bytes, false) => "{spinner} {wide_msg} {decimal_bytes} {decimal_bytes_per_sec}",
        (Amount::Count, true) => "{wide_msg} {pos}/{len} [{bar:24}] {pace} {eta} left",
        (Amount::Count, false) => "{spinner} {wide_msg} {pos} {pace}",
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("pace", |state: &ProgressState, to: &mut dyn Write| {
            // A pace that cannot be written is not shown.
            let _ = write!(to, "{:.1}/s", state.per_sec());
        })
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(amount: Amount, total: Option<u64>) -> Lines {
        Lines {
            total,
            ..Lines::new("talk.mp4", amount, Instant::now())
        }
    }

    #[test]
    fn a_line_says_size_rate_and_time_left() {
        let lines = lines(Amount::Bytes, Some(1_000_000_000));
        assert_eq!(
            lines.line(120_000_000, Duration::from_secs(5)),
            "talk.mp4: 120 MB of 1.00 GB (12 %), 24.0 MB/s, 37.0 s left"
        );
    }

    #[test]
    fn what_was_there_before_does_not_count_for_the_rate() {
        let mut lines = lines(Amount::Count, Some(100));
        lines.start_at(50, lines.begun);
        assert_eq!(
            lines.line(60, Duration::from_secs(10)),
            "talk.mp4: 60 of 100 (60 %), 1/s, 40.0 s left"
        );
    }

    #[test]
    fn without_an_end_or_a_rate_none_is_made_up() {
        let unknown = lines(Amount::Bytes, None);
        assert_eq!(unknown.line(0, Duration::ZERO), "talk.mp4: 0 B");
        let empty = lines(Amount::Bytes, Some(0));
        assert_eq!(empty.line(0, Duration::ZERO), "talk.mp4: 0 B of 0 B (0 %)");
    }

    #[test]
    fn lines_are_far_apart() {
        let mut lines = lines(Amount::Count, None);
        let at = |seconds| lines.begun + Duration::from_secs(seconds);
        let times = [1, 5, 6, 9, 10].map(at);
        let due = times.map(|time| lines.due(1, time).is_some());
        assert_eq!(due, [false, true, false, false, true]);
    }

    #[test]
    fn every_look_is_understood() {
        for amount in [Amount::Bytes, Amount::Count] {
            for ends in [true, false] {
                let bar = ProgressBar::hidden().with_style(style(amount, ends));
                bar.set_position(1);
                bar.tick();
            }
        }
    }
}
