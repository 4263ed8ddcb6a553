//! `skillctl report merge`: reads the JSON reports of shards, one outcome after the other, and gives
//! one summary, one verdict and one report.

use std::{collections::HashSet, fmt, fs::File, hash::BuildHasher, io::BufReader, path::Path};

use foldhash::fast::FixedState;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::report_files::Reports;
use crate::{
    cli::{
        OutputFormat,
        report::{MergeArgs, ReportCommand},
    },
    domain::outcome::{
        Summary, record::Record, run_record::RunRecord, summary_record::SummaryRecord,
    },
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::{replay_json, replay_summary, text::Line},
    terminal::Terminal,
};

/// Runs the command.
pub(super) fn run(
    command: &ReportCommand,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    match command {
        ReportCommand::Merge(arguments) => merge(arguments, environment, terminal),
    }
}

fn merge(arguments: &MergeArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    let mut reports = Reports::new(&arguments.report, environment)?;
    let mut merged = Merged {
        summary: Summary::default(),
        reports: &mut reports,
        cases: HashSet::new(),
        file: String::new(),
        failure: None,
    };
    for path in &arguments.files {
        merged.file = path.display().to_string();
        read(path, &mut merged)?;
    }
    let summary = merged.summary;
    let record = SummaryRecord::from_summary(&summary);
    reports.write(&record, arguments.format, terminal)?;
    match arguments.format {
        OutputFormat::Json => terminal.out_line(&Line::raw(replay_json::summary(&record))),
        OutputFormat::Human => terminal.out(&replay_summary::summary(&record)),
    }
    match (summary.interrupted, summary.is_ok()) {
        (true, _) => Err(Failure::Interrupted),
        (false, true) => Ok(()),
        (false, false) => Err(Failure::Check),
    }
}

/// What was read so far.
struct Merged<'a, 'r> {
    summary: Summary,
    reports: &'a mut Reports<'r>,
    /// Hashes of the names of the cases, of which there may be a million.
    cases: HashSet<u64>,
    /// The report that is being read.
    file: String,
    failure: Option<Failure>,
}

impl Merged<'_, '_> {
    /// The name of a case, with the name of the report where an earlier report has that case too:
    /// readers of JUnit keep only one of two equal names.
    fn distinct(&mut self, case: &str) -> String {
        let mut name = case.to_owned();
        let mut number = 1;
        while !self.cases.insert(FixedState::default().hash_one(&name)) {
            name = match number {
                1 => format!("{case} ({})", self.file),
                number => format!("{case} ({}, {number})", self.file),
            };
            number += 1;
        }
        name
    }
}

fn read(path: &Path, merged: &mut Merged<'_, '_>) -> Result<(), Failure> {
    let file = File::open(path).map_err(|error| {
        Problem::new(format!("cannot read {}: {error}", path.display())).usage()
    })?;
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(file));
    let read = Report(merged)
        .deserialize(&mut reader)
        .and_then(|()| reader.end());
    if let Some(failure) = merged.failure.take() {
        return Err(failure);
    }
    read.map_err(|error| {
        Problem::new(format!("{} is not a report: {error}", path.display()))
            .help("reports are written by skillctl replay --report json=FILE")
            .usage()
    })
}

/// A report, read without holding its outcomes.
struct Report<'m, 'a, 'r>(&'m mut Merged<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Report<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Report<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a report with version, outcomes and summary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut version, mut has_summary) = (None, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => {
                    let found: u32 = map.next_value()?;
                    if found != replay_json::VERSION {
                        let message = format!(
                            "format version {found} is not supported; this skillctl reads version {}",
                            replay_json::VERSION
                        );
                        return Err(A::Error::custom(message));
                    }
                    version = Some(found);
                }
                "outcomes" => map.next_value_seed(Outcomes(&mut *self.0))?,
                "summary" => {
                    let summary: SummaryRecord = map.next_value()?;
                    self.0.summary.add(&summary);
                    has_summary = true;
                }
                "run" => self.0.reports.runs.push(map.next_value()?),
                "runs" => self
                    .0
                    .reports
                    .runs
                    .extend(map.next_value::<Vec<RunRecord>>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if version.is_none() || !has_summary {
            return Err(A::Error::custom("it has no version, or no summary"));
        }
        Ok(())
    }
}

/// The outcomes of a report.
struct Outcomes<'m, 'a, 'r>(&'m mut Merged<'a, 'r>);

impl<'de> DeserializeSeed<'de> for Outcomes<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Outcomes<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of outcomes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(mut record) = items.next_element::<Record>()? {
            record.case = self.0.distinct(&record.case);
            self.0.summary.count_record(&record);
            if let Err(failure) = self.0.reports.take(&record) {
                self.0.failure = Some(failure);
                return Err(A::Error::custom("it cannot be kept"));
            }
        }
        Ok(())
    }
}
