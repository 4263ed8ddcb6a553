//! `skillctl report merge`: the JSON reports of shards, read one outcome after the other, become
//! one summary, one verdict and one report.

use std::{fmt, fs::File, io::BufReader, path::Path};

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
        Summary,
        record::{Record, SummaryRecord},
    },
    exit::{Failure, Outcome, Problem},
    render::{replay as draw, replay_json, text::Line},
    terminal::Terminal,
};

/// Runs the command.
pub(super) fn run(command: &ReportCommand, terminal: &Terminal) -> Outcome {
    match command {
        ReportCommand::Merge(arguments) => merge(arguments, terminal),
    }
}

fn merge(arguments: &MergeArgs, terminal: &Terminal) -> Outcome {
    let mut reports = Reports::new(&arguments.report)?;
    let mut merged = Merged {
        summary: Summary::default(),
        reports: &mut reports,
        failure: None,
    };
    for path in &arguments.files {
        read(path, &mut merged)?;
    }
    let summary = merged.summary;
    let record = SummaryRecord::from_summary(&summary);
    reports.write(&record)?;
    match arguments.format {
        OutputFormat::Json => terminal.out_line(&Line::raw(replay_json::summary(&record))),
        OutputFormat::Human => terminal.out(&draw::summary(&record)),
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
    failure: Option<Failure>,
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
        Problem::new(format!("{} is no report: {error}", path.display()))
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
                        let message = format!("version {found} is of another skillctl");
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
        while let Some(record) = items.next_element::<Record>()? {
            self.0.summary.count_record(&record);
            if let Err(failure) = self.0.reports.take(&record) {
                self.0.failure = Some(failure);
                return Err(A::Error::custom("it cannot be kept"));
            }
        }
        Ok(())
    }
}
