//! Reports of a run as files, for `replay` and `report merge`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};

use super::output_format::OutputFormat;

pub(super) const EXAMPLES: &str = "\
Examples:
  skillctl report merge shard-*.json --report junit=junit.xml";

/// What can be done with reports.
#[derive(Clone, Debug, Subcommand)]
pub enum ReportCommand {
    /// Merge the JSON reports of shards: one verdict, one summary, one report
    Merge(MergeArgs),
}

/// Options of `report merge`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl report merge shard-*.json
      one summary; exits as one replay of everything would have
  skillctl report merge shard-*.json --report junit=junit.xml \\
      --report html=replay.html

Exit codes: 0 all passed, 1 a check failed, 2 a file is no report, 130 a shard
was interrupted.")]
pub struct MergeArgs {
    /// Reports that `replay --report json=FILE` wrote
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write a report: junit=FILE, json=FILE, markdown=FILE, html=FILE (repeatable)
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportFile>,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

/// What a report is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// JUnit XML, for the test views of CI systems
    Junit,
    /// JSON, for programs and for `report merge`
    Json,
    /// Markdown, for the summary of a job
    Markdown,
    /// One page that loads nothing else
    Html,
}

/// A report to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Its format.
    pub format: ReportFormat,
    /// Where it goes.
    pub path: PathBuf,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text
            .split_once('=')
            .ok_or("it must read FORMAT=FILE, as in junit=report.xml")?;
        let format = match format {
            "junit" => ReportFormat::Junit,
            "json" => ReportFormat::Json,
            "markdown" | "md" => ReportFormat::Markdown,
            "html" => ReportFormat::Html,
            other => {
                return Err(format!(
                    "`{other}` is no format: junit, json, markdown or html"
                ));
            }
        };
        if path.is_empty() {
            return Err("the name of the file is missing".to_owned());
        }
        Ok(Self {
            format,
            path: PathBuf::from(path),
        })
    }
}
