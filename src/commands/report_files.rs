//! The report files (`--report`) of `replay` and of `report merge`, which is the command in `report`:
//! outcomes are kept on disk as they arrive, and each report is written from there at the end, also
//! of a run that was interrupted.

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

/// Outcomes on disk, one a line, in a file without a name.
pub(super) struct Reports<'a> {
    files: &'a [ReportFile],
    aside: Option<BufWriter<File>>,
}

impl<'a> Reports<'a> {
    /// Prepares the reports that are asked for; none, and nothing is kept.
    pub(super) fn new(files: &'a [ReportFile]) -> Result<Self, Failure> {
        for file in files {
            check_place(&file.path)?;
        }
        let aside = match files {
            [] => None,
            _ => Some(BufWriter::new(tempfile::tempfile().map_err(|error| {
                Problem::new(format!("cannot keep outcomes for the reports: {error}")).outside()
            })?)),
        };
        Ok(Self { files, aside })
    }

    /// Whether there are any.
    pub(super) fn are_wanted(&self) -> bool {
        self.aside.is_some()
    }

    /// Takes an outcome in.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), Failure> {
        let Some(aside) = &mut self.aside else {
            return Ok(());
        };
        let line = replay_json::outcome(record);
        writeln!(aside, "{line}").map_err(|error| {
            Problem::new(format!("cannot keep outcomes for the reports: {error}")).outside()
        })
    }

    /// Writes them all.
    pub(super) fn write(self, summary: &SummaryRecord) -> Result<(), Failure> {
        let Some(aside) = self.aside else {
            return Ok(());
        };
        let mut aside = aside.into_inner().map_err(|error| {
            Problem::new(format!("cannot keep outcomes for the reports: {error}")).outside()
        })?;
        for file in self.files {
            let written = aside
                .seek(SeekFrom::Start(0))
                .and_then(|_| write_one(file, &aside, summary));
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

/// A report whose folder is missing is a wrong option: better said before the run than after it.
fn check_place(path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let reason = if path.is_dir() {
        "it is a folder".to_owned()
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

fn write_one(file: &ReportFile, aside: &File, summary: &SummaryRecord) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(&file.path)?);
    let mut lines = BufReader::new(aside);
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

/// Each outcome with its number, and its number among those with the same verdict.
fn each(
    lines: impl BufRead,
    mut take: impl FnMut(&Record, usize, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut of_verdict = [0, 0];
    for (number, line) in lines.lines().enumerate() {
        let record: Record = serde_json::from_str(&line?)?;
        let nth = &mut of_verdict[usize::from(record.ok)];
        take(&record, number, *nth)?;
        *nth += 1;
    }
    Ok(())
}
