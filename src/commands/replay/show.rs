//! What is printed and written of a run: a line an event, the cards, the progress, the summary, the
//! reports, and `expected.json` where it is to be updated.

use std::{fs, path::Path, time::Instant};

use serde_json::json;

use crate::{
    cli::{OutputFormat, replay::ReplayArgs},
    commands::{output::write_over, report_files::Reports},
    domain::{
        card::{normalise::normalise, preview::sidebar},
        outcome::{
            Outcome as Judged, Status, Summary,
            check::Check,
            record::{Record, SummaryRecord},
        },
    },
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::{
        cards, replay as draw, replay_json,
        text::{Line, Text},
    },
    replay::{Rounds, Run, RunSummary},
    terminal::{
        Terminal,
        progress::{Amount, Progress},
    },
};

/// What is shown of a run.
pub(super) struct Show<'a> {
    arguments: &'a ReplayArgs,
    terminal: &'a Terminal,
    reports: Reports<'a>,
    summary: Summary,
    columns: usize,
    /// Columns of the terminal that the lines go to, if they go to one.
    width: Option<usize>,
    progress: Option<Progress>,
    /// What is not printed yet, as it goes out.
    drawn: String,
    began: Instant,
    not_updated: usize,
}

impl<'a> Show<'a> {
    /// Prepares to show.
    pub(super) fn new(
        arguments: &'a ReplayArgs,
        environment: &Environment,
        terminal: &'a Terminal,
    ) -> Result<Self, Failure> {
        Ok(Self {
            arguments,
            terminal,
            reports: Reports::new(&arguments.report)?,
            summary: Summary::default(),
            columns: 0,
            width: environment.stdout_is_terminal.then_some(terminal.width),
            progress: None,
            drawn: String::new(),
            began: Instant::now(),
            not_updated: 0,
        })
    }

    /// The run begins.
    pub(super) fn begin(&mut self, run: &Run) {
        let number = match run.options.rounds {
            Rounds::Times(1) => 0,
            Rounds::Times(times) => 2 + times.to_string().len(),
            Rounds::For(_) => 6,
        };
        self.columns = run.plan.columns + number;
        self.began = Instant::now();
        let total = run.total();
        if total == Some(0) {
            self.terminal
                .note_line(Line::from("this shard is empty: nothing is sent"));
        }
        if total.is_none_or(|total| total > 1) {
            let progress = self.terminal.progress("events", Amount::Count);
            if let Some(total) = total {
                progress.total(total as u64);
            }
            self.progress = Some(progress);
        }
    }

    /// The user wants an end.
    pub(super) fn stopping(&self) {
        let say = || {
            let words = "finishing what is under way; Ctrl-C once more ends at once";
            self.terminal.note_line(Line::from(words));
        };
        match &self.progress {
            Some(progress) => progress.suspend(say),
            None => say(),
        }
    }

    /// An event is judged.
    pub(super) fn judged(&mut self, outcome: Judged, expected: Option<&Path>) -> Outcome {
        self.summary.count(&outcome);
        if self.arguments.update {
            self.update(&outcome, expected)?;
        }
        // A line for people names their kinds.
        let with_cards = self.arguments.show_cards
            || self.arguments.format == OutputFormat::Human
            || self.reports.are_wanted();
        let mut record = Record::from_outcome(outcome, with_cards);
        self.reports.take(&record)?;
        match self.arguments.format {
            OutputFormat::Json => {
                if !self.arguments.show_cards {
                    record.cards = None;
                }
                self.drawn.push_str(&replay_json::outcome(&record));
                self.drawn.push('\n');
            }
            OutputFormat::Human => self.draw(&record),
        }
        Ok(())
    }

    /// How many events were shown.
    pub(super) fn shown(&self) -> usize {
        self.summary.total
    }

    /// Prints what was drawn since the last time.
    pub(super) fn flush(&mut self) {
        if self.drawn.is_empty() {
            return;
        }
        let print = || self.terminal.out_raw(self.drawn.as_bytes());
        if let Some(progress) = &self.progress {
            progress.suspend(print);
            progress.position(self.summary.total as u64);
        } else {
            print();
        }
        self.drawn.clear();
    }

    fn draw(&mut self, record: &Record) {
        let mut text = Text::from_iter([draw::line(record, self.columns, self.width)]);
        if !record.ok {
            text.append(draw::failure(record), 0);
        }
        if self.arguments.show_cards && !record.cards().is_empty() {
            let options = cards::text::Options {
                width: self.terminal.width.saturating_sub(6),
                full: false,
            };
            let cards = cards::text::render(&sidebar(record.cards().iter(), None), options);
            text.append(cards, 6);
        }
        self.terminal.paint(&text, &mut self.drawn);
    }

    /// Writes the result of a case to its `expected.json`, unless a check failed.
    fn update(&mut self, outcome: &Judged, expected: Option<&Path>) -> Outcome {
        let Some(path) = expected else {
            return Ok(());
        };
        // The outcome check compares with the old status, which is about to be replaced.
        if outcome.failures().any(|(check, _)| check != Check::Outcome) {
            self.not_updated += 1;
            let message = format!("{} is left as it was: a check failed", path.display());
            self.terminal.warn(&message);
            return Ok(());
        }
        let observed = &outcome.observed;
        let mut cards = observed.cards();
        cards.iter_mut().for_each(normalise);
        let status = observed.status().map(Status::as_str);
        let text = format!("{:#}\n", json!({ "status": status, "cards": cards }));
        // For a line of many the folder may still be missing.
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| write_over(path, text.as_bytes()))
            .map_err(|error| {
                Problem::new(format!("cannot write {}: {error}", path.display())).outside()
            })
    }

    /// The run is over: the summary, the reports, the verdict.
    pub(super) fn end(mut self, ended: RunSummary, was_interrupted: bool) -> Outcome {
        self.flush();
        self.progress = None;
        self.summary.strays = ended.strays;
        self.summary.left_out = ended.left_out;
        self.summary.interrupted = was_interrupted;
        self.summary.seconds = match ended.seconds {
            0.0 => self.began.elapsed().as_secs_f64(),
            seconds => seconds,
        };
        let record = SummaryRecord::from_summary(&self.summary);
        match self.arguments.format {
            OutputFormat::Json => {
                self.terminal
                    .out_line(&Line::raw(replay_json::summary(&record)));
            }
            OutputFormat::Human => self.terminal.out(&draw::summary(&record)),
        }
        let written = self.reports.write(&record);
        if was_interrupted {
            return Err(Failure::Interrupted);
        }
        written?;
        if self.summary.is_ok() && self.not_updated == 0 {
            Ok(())
        } else {
            Err(Failure::Check)
        }
    }
}
