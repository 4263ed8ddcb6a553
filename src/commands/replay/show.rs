//! Prints and writes the results of a run: a line for each event, cards, progress, the summary, the
//! reports, and with `--update` `expected.json`.

use std::{fs, path::Path, time::Instant};

use serde_json::json;

use crate::{
    cli::{OutputFormat, report::Report},
    commands::{output::write_over, report_files::Reports, skill},
    domain::{
        card::{normalise::normalise, preview::sidebar},
        outcome::{
            Outcome as Judged, Status, Summary,
            check::Check,
            record::{Record, SummaryRecord},
            run_record::{MockUsed, RunRecord},
        },
        secret::redact_url,
    },
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::{
        cards, replay as draw, replay_json,
        text::{Line, Text},
    },
    replay::{Rounds, Run, RunSummary},
    skill::output::Output,
    terminal::{
        Terminal,
        progress::{Amount, Progress},
    },
};

/// How the results of a run are printed and written.
#[derive(Clone, Copy)]
pub(super) struct OutputOptions<'a> {
    pub(super) format: OutputFormat,
    /// Whether the cards of each event are printed.
    pub(super) show_cards: bool,
    /// Whether results are written to `expected.json`.
    pub(super) update: bool,
    /// The reports to write.
    pub(super) reports: &'a [Report],
}

/// Prints and writes the results of one run.
pub(super) struct Show<'a> {
    options: OutputOptions<'a>,
    terminal: &'a Terminal,
    reports: Reports<'a>,
    summary: Summary,
    columns: usize,
    /// The width of the terminal, if stdout is one.
    width: Option<usize>,
    progress: Option<Progress>,
    /// Painted text that is not printed yet.
    painted: String,
    started: Instant,
    not_updated: usize,
    /// What the skill prints, if the run started it.
    pub(super) skill_output: Option<Output>,
    /// The head of the reports.
    head: RunRecord,
    /// Whether the run started its mock.
    pub(super) mock_is_own: bool,
}

impl<'a> Show<'a> {
    /// Prepares the reports.
    pub(super) fn new(
        options: OutputOptions<'a>,
        head: RunRecord,
        environment: &Environment,
        terminal: &'a Terminal,
    ) -> Result<Self, Failure> {
        Ok(Self {
            options,
            terminal,
            reports: Reports::new(options.reports, environment)?,
            summary: Summary::default(),
            columns: 0,
            width: environment.stdout_is_terminal.then_some(terminal.width),
            progress: None,
            painted: String::new(),
            started: Instant::now(),
            not_updated: 0,
            skill_output: None,
            head,
            mock_is_own: false,
        })
    }

    /// Prints that the run starts.
    pub(super) fn begin(&mut self, run: &Run) {
        let number = match run.options.rounds {
            Rounds::Times(1) => 0,
            Rounds::Times(times) => 2 + times.to_string().len(),
            Rounds::For(_) => 6,
        };
        self.columns = run.plan.columns + number;
        self.started = Instant::now();
        self.head.at = (run.clock)();
        self.head.mock = run.mock.as_ref().map(|mock| MockUsed {
            url: redact_url(mock.url()),
            own: self.mock_is_own,
        });
        self.head.skill.url = redact_url(run.skill.url());
        self.reports.runs.push(self.head.clone());
        let total = run.total();
        if total == Some(0) {
            self.terminal
                .note_line(Line::from("this shard has no cases; nothing is sent"));
        }
        if total.is_none_or(|total| total > 1) {
            let progress = self.terminal.progress("events", Amount::Count);
            if let Some(total) = total {
                progress.set_total(total as u64);
            }
            self.progress = Some(progress);
        }
    }

    /// Prints that the run ends early.
    pub(super) fn stopping(&self) {
        let say = || {
            let words = "finishing the events under way; press Ctrl-C again to end at once";
            self.terminal.note_line(Line::from(words));
        };
        match &self.progress {
            Some(progress) => progress.suspend(say),
            None => say(),
        }
    }

    /// Prints the outcome of an event, and keeps it for the reports.
    pub(super) fn judged(&mut self, outcome: Judged, expected: Option<&Path>) -> Outcome {
        self.summary.count(&outcome);
        if self.options.update {
            self.update(&outcome, expected)?;
        }
        // The line for people names the types of the cards.
        let with_cards = self.options.show_cards
            || self.options.format == OutputFormat::Human
            || self.reports.are_wanted();
        let mut record = Record::from_outcome(outcome, with_cards);
        self.reports.take(&record)?;
        match self.options.format {
            OutputFormat::Json => {
                if !self.options.show_cards {
                    record.cards = None;
                }
                self.painted.push_str(&replay_json::outcome(&record));
                self.painted.push('\n');
            }
            OutputFormat::Human => self.draw(&record),
        }
        Ok(())
    }

    /// The number of events so far.
    pub(super) fn shown(&self) -> usize {
        self.summary.total
    }

    /// Prints everything since the last flush.
    pub(super) fn flush(&mut self) {
        if self.painted.is_empty() {
            return;
        }
        let print = || self.terminal.out_raw(self.painted.as_bytes());
        if let Some(progress) = &self.progress {
            progress.suspend(print);
            progress.set_position(self.summary.total as u64);
        } else {
            print();
        }
        self.painted.clear();
    }

    fn draw(&mut self, record: &Record) {
        let mut text = Text::from_iter([draw::line(record, self.columns, self.width)]);
        if !record.ok {
            text.append(draw::failure(record), 0);
        }
        if self.options.show_cards && !record.cards().is_empty() {
            let options = cards::text::Options {
                width: self.terminal.width.saturating_sub(6),
                full: false,
            };
            let cards = cards::text::render(&sidebar(record.cards().iter(), None), options);
            text.append(cards, 6);
        }
        self.terminal.paint(&text, &mut self.painted);
    }

    /// Writes the result of a case to its `expected.json`, unless a check failed.
    fn update(&mut self, outcome: &Judged, expected: Option<&Path>) -> Outcome {
        let Some(path) = expected else {
            return Ok(());
        };
        // The check of the outcome compares with the status that is being replaced.
        if outcome.failures().any(|(check, _)| check != Check::Outcome) {
            self.not_updated += 1;
            let message = format!("{} was not updated: a check failed", path.display());
            self.terminal.warn(&message);
            return Ok(());
        }
        let observed = &outcome.observed;
        let mut cards = observed.cards();
        cards.iter_mut().for_each(normalise);
        let status = observed.status().map(Status::as_str);
        let text = format!("{:#}\n", json!({ "status": status, "cards": cards }));
        // The folder for a line of a .jsonl file may not exist yet.
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| write_over(path, text.as_bytes()))
            .map_err(|error| {
                Problem::new(format!("cannot write {}: {error}", path.display())).outside()
            })
    }

    /// Prints the summary, writes the reports, and returns the verdict.
    pub(super) fn end(mut self, ended: RunSummary, was_interrupted: bool) -> Outcome {
        self.flush();
        self.progress = None;
        self.summary.strays = ended.strays;
        self.summary.left_out = ended.left_out;
        self.summary.interrupted = was_interrupted;
        self.summary.seconds = match ended.seconds {
            0.0 => self.started.elapsed().as_secs_f64(),
            seconds => seconds,
        };
        let record = SummaryRecord::from_summary(&self.summary);
        match self.options.format {
            OutputFormat::Json => {
                self.terminal
                    .out_line(&Line::raw(replay_json::summary(&record)));
            }
            OutputFormat::Human => self.terminal.out(&draw::summary(&record)),
        }
        if let (Some(run), Some(output)) = (self.reports.runs.last_mut(), &self.skill_output) {
            run.skill.output = skill::report_lines(output);
        }
        let written = self
            .reports
            .write(&record, self.options.format, self.terminal);
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
