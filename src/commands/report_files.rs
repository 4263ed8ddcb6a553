//! The reports (`--report`) of `replay` and `report merge`. Outcomes are kept in a temporary file as
//! they arrive; at the end the reports are written from it, also after an interruption.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use crate::{
    cli::report::{ReportFile, ReportFormat},
    domain::outcome::record::{Record, SummaryRecord},
    exit::{Failure, Problem},
    render::{
        replay_json,
        report::{html, junit, markdown},
    },
};

/// The reports to write, and the outcomes so far, one a line.
pub(super) struct Reports<'a> {
    files: &'a [ReportFile],
    outcomes: Option<BufWriter<File>>,
}

impl<'a> Reports<'a> {
    /// Prepares the reports. Without any, outcomes are not kept.
    ///
    /// # Errors
    /// Exit code 2 for a path that cannot be written to.
    pub(super) fn new(files: &'a [ReportFile]) -> Result<Self, Failure> {
        for file in files {
            check_path(&file.path)?;
        }
        let outcomes = match files {
            [] => None,
            _ => Some(BufWriter::new(tempfile::tempfile().map_err(|error| {
                Problem::new(format!("cannot keep the outcomes for the reports: {error}")).outside()
            })?)),
        };
        Ok(Self { files, outcomes })
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
        let line = replay_json::outcome(record);
        writeln!(outcomes, "{line}").map_err(|error| {
            Problem::new(format!("cannot keep the outcomes for the reports: {error}")).outside()
        })
    }

    /// Writes the reports.
    pub(super) fn write(self, summary: &SummaryRecord) -> Result<(), Failure> {
        let Some(outcomes) = self.outcomes else {
            return Ok(());
        };
        let mut outcomes = outcomes.into_inner().map_err(|error| {
            Problem::new(format!("cannot keep the outcomes for the reports: {error}")).outside()
        })?;
        for file in self.files {
            let written = outcomes
                .seek(SeekFrom::Start(0))
                .and_then(|_| write_one(file, &outcomes, summary));
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

fn write_one(file: &ReportFile, outcomes: &File, summary: &SummaryRecord) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(&file.path)?);
    let mut lines = BufReader::new(outcomes);
    match file.format {
        ReportFormat::Json => {
            to.write_all(replay_json::report_start().as_bytes())?;
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
            to.write_all(junit::start(summary).as_bytes())?;
            each(lines, |record, _, _| {
                to.write_all(junit::case(record).as_bytes())
            })?;
            to.write_all(junit::end(summary).as_bytes())?;
        }
        ReportFormat::Markdown => {
            to.write_all(markdown::start(summary).as_bytes())?;
            each(lines, |record, _, nth| {
                to.write_all(markdown::case(record, nth).as_bytes())
            })?;
            to.write_all(markdown::end(summary.failed).as_bytes())?;
        }
        ReportFormat::Html => {
            to.write_all(html::start(summary).as_bytes())?;
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
