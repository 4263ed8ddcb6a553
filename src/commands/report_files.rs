//! The reports (`--report`) of `replay` and `report merge`. Outcomes are kept in a temporary file as
//! they arrive; at the end the reports are written from it, also after an interruption.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cli::{
        OutputFormat,
        report::{Report, ReportFile, ReportFormat},
    },
    domain::{
        outcome::{record::Record, run_record::RunRecord, summary_record::SummaryRecord},
        secret_values::SecretValues,
    },
    env::Environment,
    exit::{Failure, Problem},
    render::{
        replay_json,
        report::{github, html, junit, markdown},
    },
    terminal::Terminal,
};

/// The reports to write, and the outcomes so far, one a line.
pub(super) struct Reports<'a> {
    wanted: &'a [Report],
    outcomes: Option<BufWriter<File>>,
    /// The runs that the outcomes are of.
    pub(super) runs: Vec<RunRecord>,
    /// What is redacted in addition to tokens.
    secrets: SecretValues,
}

impl<'a> Reports<'a> {
    /// Prepares the reports. Without any, outcomes are not kept.
    ///
    /// # Errors
    /// Exit code 2 for a path that cannot be written to.
    pub(super) fn new(reports: &'a [Report], environment: &Environment) -> Result<Self, Failure> {
        for report in reports {
            if let Report::File(file) = report {
                check_path(&file.path)?;
            }
        }
        let outcomes = match reports {
            [] => None,
            _ => Some(BufWriter::new(tempfile::tempfile().map_err(|error| {
                Problem::new(format!("cannot keep the outcomes for the reports: {error}")).outside()
            })?)),
        };
        Ok(Self {
            wanted: reports,
            outcomes,
            runs: Vec::new(),
            secrets: SecretValues::from_variables(environment.vars()),
        })
    }

    /// Whether there are reports to write.
    pub(super) fn are_wanted(&self) -> bool {
        self.outcomes.is_some()
    }

    /// Keeps an outcome for the reports.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), Failure> {
        let Some(outcomes) = &mut self.outcomes else {
            return Ok(());
        };
        let line = self.secrets.redact_json(replay_json::outcome(record));
        writeln!(outcomes, "{line}").map_err(|error| {
            Problem::new(format!("cannot keep the outcomes for the reports: {error}")).outside()
        })
    }

    /// Writes the reports. Annotations go to stdout, or to stderr where stdout is JSON.
    pub(super) fn write(
        mut self,
        summary: &SummaryRecord,
        format: OutputFormat,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        let Some(outcomes) = self.outcomes.take() else {
            return Ok(());
        };
        let summary = &self.without_secrets(summary);
        let runs = self.runs.iter().map(|run| self.without_secrets(run));
        let runs: Vec<RunRecord> = runs.collect();
        let mut outcomes = outcomes.into_inner().map_err(|error| {
            Problem::new(format!("cannot keep the outcomes for the reports: {error}")).outside()
        })?;
        for report in self.wanted {
            let file = match report {
                Report::File(file) => file,
                Report::Github => {
                    let text = annotations(&outcomes, summary)?;
                    match format {
                        OutputFormat::Json => terminal.note_raw(&text),
                        OutputFormat::Human => terminal.out_raw(text.as_bytes()),
                    }
                    continue;
                }
            };
            let written = outcomes
                .seek(SeekFrom::Start(0))
                .and_then(|_| write_one(file, &outcomes, summary, &runs));
            written.map_err(|error| {
                Problem::new(format!(
                    "cannot write the report {}: {error}",
                    file.path.display()
                ))
                .outside()
            })?;
        }
        Ok(())
    }

    /// A part of a report with the secrets of the environment redacted.
    fn without_secrets<T: Clone + Serialize + DeserializeOwned>(&self, part: &T) -> T {
        let json = serde_json::to_string(part).unwrap_or_default();
        serde_json::from_str(&self.secrets.redact_json(json)).unwrap_or_else(|_| part.clone())
    }
}

/// The annotations for a GitHub job.
fn annotations(mut outcomes: &File, summary: &SummaryRecord) -> Result<String, Failure> {
    let mut text = String::new();
    outcomes
        .seek(SeekFrom::Start(0))
        .and_then(|_| {
            each(BufReader::new(outcomes), |record, _, nth| {
                text.push_str(&github::case(record, nth));
                Ok(())
            })
        })
        .map_err(|error| {
            Problem::new(format!(
                "cannot read the outcomes for the annotations: {error}"
            ))
            .outside()
        })?;
    text.push_str(&github::end(summary));
    Ok(text)
}

/// Checks that a report can be written to a path, before the run and not after it.
fn check_path(path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let reason = if path.is_dir() {
        "the path is a folder".to_owned()
    } else if folder.is_dir() {
        return Ok(());
    } else {
        format!("there is no folder {}", folder.display())
    };
    Err(Problem::new(format!(
        "cannot write the report {}: {reason}",
        path.display()
    ))
    .usage())
}

fn write_one(
    file: &ReportFile,
    outcomes: &File,
    summary: &SummaryRecord,
    runs: &[RunRecord],
) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(&file.path)?);
    let mut lines = BufReader::new(outcomes);
    match file.format {
        ReportFormat::Json => {
            to.write_all(replay_json::report_start(runs).as_bytes())?;
            let (mut line, mut between) = (Vec::new(), "\n");
            while lines.read_until(b'\n', &mut line)? > 0 {
                to.write_all(between.as_bytes())?;
                to.write_all(line.trim_ascii_end())?;
                between = ",\n";
                line.clear();
            }
            to.write_all(replay_json::report_end(summary).as_bytes())?;
        }
        ReportFormat::Junit => {
            to.write_all(junit::start(summary, runs).as_bytes())?;
            each(lines, |record, _, _| {
                to.write_all(junit::case(record).as_bytes())
            })?;
            to.write_all(junit::end(summary, runs).as_bytes())?;
        }
        ReportFormat::Markdown => {
            to.write_all(markdown::start(summary, runs).as_bytes())?;
            each(lines, |record, _, nth| {
                to.write_all(markdown::case(record, nth).as_bytes())
            })?;
            to.write_all(markdown::end(summary.failed).as_bytes())?;
        }
        ReportFormat::Html => {
            to.write_all(html::start(summary, runs).as_bytes())?;
            each(lines, |record, number, nth| {
                to.write_all(html::case(record, number, nth).as_bytes())
            })?;
            to.write_all(html::end().as_bytes())?;
        }
    }
    to.flush()
}

/// Calls `take` with each outcome, its index, and its index among those with the same verdict.
fn each(
    lines: impl BufRead,
    mut take: impl FnMut(&Record, usize, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut per_verdict = [0, 0];
    for (number, line) in lines.lines().enumerate() {
        let record: Record = serde_json::from_str(&line?)?;
        let nth = &mut per_verdict[usize::from(record.ok)];
        take(&record, number, *nth)?;
        *nth += 1;
    }
    Ok(())
}
