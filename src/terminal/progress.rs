//! Progress on stderr: a bar on a terminal, a line every few seconds elsewhere, nothing with `-q`. The
//! only user of `indicatif`.

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

/// Off a terminal, at most one line in this time.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The unit of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Bytes.
    Bytes,
    /// Items.
    Count,
}

/// The progress of one piece of work. A bar is removed from the screen on drop.
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
    /// Starts to show progress, labelled with `what`.
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
    /// Changes the label.
    pub fn rename(&self, what: &str) {
        match &self.shape {
            Shape::Bar(bar, _) => bar.set_message(visible(what).into_owned()),
            Shape::Lines(lines) => what.clone_into(&mut lock(lines).what),
            Shape::Nothing => {}
        }
    }

    /// Starts at `position`. The rate counts only progress after it.
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

    /// Sets the total.
    pub fn set_total(&self, total: u64) {
        match &self.shape {
            Shape::Bar(bar, amount) => {
                bar.set_length(total);
                bar.set_style(style(*amount, true));
            }
            Shape::Lines(lines) => lock(lines).total = Some(total),
            Shape::Nothing => {}
        }
    }

    /// Sets the position.
    pub fn set_position(&self, position: u64) {
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

    /// Prints a line above the bar.
    pub fn print_line(&self, line: Line) {
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

/// Progress as lines, for a log.
#[derive(Debug)]
struct Lines {
    what: String,
    amount: Amount,
    total: Option<u64>,
    from: u64,
    started: Instant,
    last_line: Instant,
}

impl Lines {
    fn new(what: &str, amount: Amount, now: Instant) -> Self {
        Self {
            what: what.to_owned(),
            amount,
            total: None,
            from: 0,
            started: now,
            last_line: now,
        }
    }

    fn start_at(&mut self, position: u64, now: Instant) {
        self.from = position;
        self.started = now;
    }

    /// The line for `position`, if the last one is long enough ago.
    fn due(&mut self, position: u64, now: Instant) -> Option<String> {
        if now.duration_since(self.last_line) < LINE_INTERVAL {
            return None;
        }
        self.last_line = now;
        Some(self.line(position, now.duration_since(self.started)))
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

/// The style of a bar; without a known total, that of a spinner.
fn style(amount: Amount, has_total: bool) -> ProgressStyle {
    let template = match (amount, has_total) {
        (Amount::Bytes, true) => {
            "{wide_msg} {decimal_bytes}/{decimal_total_bytes} [{bar:24}] {decimal_bytes_per_sec} {eta} left"
        }
        (Amount::Bytes, false) => "{spinner} {wide_msg} {decimal_bytes} {decimal_bytes_per_sec}",
        (Amount::Count, true) => "{wide_msg} {pos}/{len} [{bar:24}] {rate} {eta} left",
        (Amount::Count, false) => "{spinner} {wide_msg} {pos} {rate}",
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, to: &mut dyn Write| {
            // A failed write leaves the rate out.
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
    fn a_line_shows_size_rate_and_time_left() {
        let lines = lines(Amount::Bytes, Some(1_000_000_000));
        assert_eq!(
            lines.line(120_000_000, Duration::from_secs(5)),
            "talk.mp4: 120 MB of 1.00 GB (12 %), 24.0 MB/s, 37.0 s left"
        );
    }

    #[test]
    fn the_rate_counts_only_bytes_after_the_start_position() {
        let mut lines = lines(Amount::Count, Some(100));
        lines.start_at(50, lines.started);
        assert_eq!(
            lines.line(60, Duration::from_secs(10)),
            "talk.mp4: 60 of 100 (60 %), 1/s, 40.0 s left"
        );
    }

    #[test]
    fn total_and_time_left_are_left_out_when_unknown() {
        let unknown = lines(Amount::Bytes, None);
        assert_eq!(unknown.line(0, Duration::ZERO), "talk.mp4: 0 B");
        let empty = lines(Amount::Bytes, Some(0));
        assert_eq!(empty.line(0, Duration::ZERO), "talk.mp4: 0 B of 0 B (0 %)");
    }

    #[test]
    fn lines_are_printed_at_most_every_five_seconds() {
        let mut lines = lines(Amount::Count, None);
        let at = |seconds| lines.started + Duration::from_secs(seconds);
        let times = [1, 5, 6, 9, 10].map(at);
        let due = times.map(|time| lines.due(1, time).is_some());
        assert_eq!(due, [false, true, false, false, true]);
    }

    #[test]
    fn every_template_is_valid() {
        for amount in [Amount::Bytes, Amount::Count] {
            for has_total in [true, false] {
                let bar = ProgressBar::hidden().with_style(style(amount, has_total));
                bar.set_position(1);
                bar.tick();
            }
        }
    }
}
