//! Prints and writes the results of a run: a line for each event, cards, progress, the summary, the
//! reports, and with `--update` `expected.json`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::cassettes::CaseCassettes;
use crate::{
    cli::{OutputFormat, report::Report},
    commands::{output::write_over, report_files::Reports, skill},
    domain::{
        card::preview::sidebar,
        outcome::{
            Check, Expected, InProgress, Outcome as Judged, Summary,
            record::Record,
            run_record::{MockUsed, RunRecord},
            summary_record::SummaryRecord,
        },
        secret::redact_url,
    },
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::{
        cards, replay as draw, replay_json, replay_story, replay_summary,
        text::{Line, Role, Text},
    },
    replay::{LastFailed, Rounds, Run, RunSummary},
    skill::output::Output,
    terminal::{
        Terminal,
        progress::{Amount, Progress},
    },
};

/// What the progress counts.
const PROGRESS: &str = "events";
/// In a log, what is waited for is said at most this often.
const BETWEEN_NOTES: Duration = Duration::from_secs(10);

/// How the results of a run are printed and written.
#[derive(Clone, Copy)]
pub(super) struct OutputOptions<'a> {
    pub(super) format: OutputFormat,
    /// Whether the cards of each event are printed.
    pub(super) show_cards: bool,
    /// Whether results are written to `expected.json`.
    pub(super) update: bool,
    /// Whether results that are not as expected are kept, to be accepted later.
    pub(super) keeps_unexpected: bool,
    /// The reports to write.
    pub(super) reports: &'a [Report],
}

/// The most bytes of results that are kept to be accepted.
const MAX_UNEXPECTED_BYTES: usize = 16 << 20;

/// A result that is not as expected.
#[derive(Debug)]
pub(super) struct Unexpected {
    /// The `expected.json` of the case.
    pub(super) path: PathBuf,
    /// The content that it would have for this result.
    pub(super) text: String,
}

/// The end of a run.
#[derive(Debug)]
pub(super) struct RunResult {
    /// The verdict.
    pub(super) outcome: Outcome,
    /// The results that are not as expected.
    pub(super) unexpected: Vec<Unexpected>,
}

impl RunResult {
    /// A run that ended early.
    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            outcome: Err(failure),
            unexpected: Vec::new(),
        }
    }
}

/// Prints and writes the results of one run.
pub(super) struct Show<'a> {
    options: OutputOptions<'a>,
    terminal: &'a Terminal,
    last_failed: &'a mut LastFailed,
    unexpected: Vec<Unexpected>,
    unexpected_bytes: usize,
    reports: Reports<'a>,
    summary: Summary,
    columns: usize,
    /// The width of the terminal, if stdout is one.
    width: Option<usize>,
    progress: Option<Progress>,
    /// Painted text that is not printed yet.
    painted: String,
    started: Instant,
    /// When a log was last given what is waited for.
    noted: Option<Instant>,
    /// Whether the progress shows what is waited for.
    is_waiting: bool,
    not_updated: usize,
    /// What the skill prints, if the run started it.
    pub(super) skill_output: Option<Output>,
    /// The head of the reports.
    head: RunRecord,
    /// Whether the run started its mock.
    pub(super) mock_is_own: bool,
    /// The cassettes of the cases.
    pub(super) cassettes: Option<Arc<CaseCassettes>>,
}

impl<'a> Show<'a> {
    /// Prepares the reports.
    pub(super) fn new(
        options: OutputOptions<'a>,
        head: RunRecord,
        last_failed: &'a mut LastFailed,
        environment: &Environment,
        terminal: &'a Terminal,
    ) -> Result<Self, Failure> {
        Ok(Self {
            options,
            terminal,
            last_failed,
            unexpected: Vec::new(),
            unexpected_bytes: 0,
            reports: Reports::new(options.reports, environment)?,
            summary: Summary::default(),
            columns: 0,
            width: environment.stdout_is_terminal.then_some(terminal.width),
            progress: None,
            painted: String::new(),
            started: Instant::now(),
            noted: None,
            is_waiting: false,
            not_updated: 0,
            skill_output: None,
            head,
            mock_is_own: false,
            cassettes: None,
        })
    }

    /// Prints that the run starts.
    pub(super) fn begin(&mut self, run: &Run) {
        let number = match run.options.rounds {
            Rounds::Times(1) => 0,
            Rounds::Times(times) => 2 + times.to_string().len(),
            Rounds::For(_) => 6,
        };
        self.last_failed.begin();
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
        // A log needs no progress of a single event; a terminal shows there what is waited for.
        if total != Some(1) || self.terminal.draws {
            let progress = self.terminal.progress(PROGRESS, Amount::Count);
            if let Some(total) = total.filter(|total| *total > 1) {
                progress.set_total(total as u64);
            }
            self.progress = Some(progress);
        }
    }

    /// An event is waited for. A terminal shows that in the line of the progress; a log gets a line now
    /// and then.
    pub(super) fn waiting(&mut self, event: &InProgress) {
        let words = replay_story::waiting(event);
        self.shows_waiting(true);
        if let Some(progress) = &self.progress {
            progress.rename(&words);
        }
        let is_due = |noted: Instant| noted.elapsed() >= BETWEEN_NOTES;
        if !self.terminal.draws && self.noted.is_none_or(is_due) {
            self.noted = Some(Instant::now());
            self.terminal.note_line(Line::new().with(Role::Dim, words));
        }
    }

    /// Prints that the run ends early.
    pub(super) fn stopping(&self) {
        self.say(Line::from(
            "judging the events in progress; Ctrl-C again ends at once",
        ));
    }

    /// Prints the outcome of an event, and keeps it for the reports.
    pub(super) fn judged(&mut self, outcome: Judged, expected: Option<&Path>) -> Outcome {
        self.summary.count(&outcome);
        self.last_failed
            .judged(&outcome.case.names.path, outcome.is_ok());
        self.shows_waiting(false);
        let updated = match expected {
            Some(path) if self.options.update => Some(self.update(&outcome, path)?),
            Some(path) if self.options.keeps_unexpected => {
                self.keep_unexpected(&outcome, path);
                None
            }
            _ => None,
        };
        let recorded = match &self.cassettes {
            Some(cassettes) => cassettes.save(&outcome)?,
            None => Vec::new(),
        };
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
        for line in updated.into_iter().chain(recorded) {
            self.flush();
            self.say(line);
        }
        Ok(())
    }

    /// Prints a line for people, on stderr.
    fn say(&self, line: Line) {
        match &self.progress {
            Some(progress) => progress.print_line(line),
            None => self.terminal.note_line(line),
        }
    }

    /// Notes whether the progress shows what is waited for; if not, it gets its own name again.
    fn shows_waiting(&mut self, is_waiting: bool) {
        if self.is_waiting
            && !is_waiting
            && let Some(progress) = &self.progress
        {
            progress.rename(PROGRESS);
        }
        self.is_waiting = is_waiting;
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
        text.append(draw::warnings(record), 0);
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

    /// Writes the result of a case to its `expected.json`, unless a check failed; returns the line that
    /// says so.
    fn update(&mut self, outcome: &Judged, path: &Path) -> Result<Line, Failure> {
        let shown = path.display();
        if !outcome.is_ok() {
            self.not_updated += 1;
            return Ok(Line::new()
                .with(Role::Warn, "warning: ")
                .plain(format!("{shown} was not updated: a check failed")));
        }
        let expected = Expected::from_observed(&outcome.observed);
        write_expected(path, &expected.to_text())?;
        Ok(Line::from(format!("wrote {shown}: {}", expected.summary())))
    }

    /// Keeps the result of a case that fails only because it is not as expected.
    fn keep_unexpected(&mut self, outcome: &Judged, path: &Path) {
        if outcome.is_ok() || !can_be_expected(outcome) {
            return;
        }
        let text = Expected::from_observed(&outcome.observed).to_text();
        self.unexpected_bytes += text.len();
        if self.unexpected_bytes <= MAX_UNEXPECTED_BYTES {
            let path = path.to_owned();
            self.unexpected.push(Unexpected { path, text });
        }
    }

    /// Prints the summary, writes the reports, and returns the verdict.
    pub(super) fn end(mut self, ended: RunSummary, was_interrupted: bool) -> RunResult {
        let unexpected = std::mem::take(&mut self.unexpected);
        if let Err(error) = self.last_failed.save() {
            let line = format!("cannot keep the failed cases for --last-failed: {error}");
            self.terminal.detail(&Text::from_iter([Line::from(line)]));
        }
        RunResult {
            outcome: self.verdict(ended, was_interrupted),
            unexpected,
        }
    }

    fn verdict(mut self, ended: RunSummary, was_interrupted: bool) -> Outcome {
        self.flush();
        self.progress = None;
        self.summary.strays = ended.strays;
        self.summary.left_out = ended.left_out;
        self.summary.left_out_cases = ended.left_out_cases;
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
            OutputFormat::Human => self.terminal.out(&replay_summary::summary(&record)),
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

/// Whether the result of a case can become its expected one: no check failed but those that compare
/// with the present `expected.json`.
fn can_be_expected(outcome: &Judged) -> bool {
    outcome
        .failures()
        .all(|(check, _)| matches!(check, Check::Outcome | Check::Expected))
}

/// Writes an `expected.json`.
pub(super) fn write_expected(path: &Path, text: &str) -> Outcome {
    // The folder for a line of a .jsonl file may not exist yet.
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| write_over(path, text.as_bytes()))
        .map_err(|error| {
            Problem::new(format!("cannot write {}: {error}", path.display())).outside()
        })
}
