//! Reports of a run as files, for `replay` and `report merge`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};

use super::output_format::OutputFormat;

pub(super) const EXAMPLES: &str = "\
Examples:
  skillctl report merge shard-*.json --report junit=junit.xml";

/// The subcommands of `skillctl report`.
#[derive(Clone, Debug, Subcommand)]
pub enum ReportCommand {
    /// Merge the JSON reports of shards into one summary, one verdict and one report
    Merge(MergeArgs),
}

/// Options of `report merge`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl report merge shard-*.json
      print one summary; exit as a single replay of all cases would
  skillctl report merge shard-*.json --report junit=junit.xml \\
      --report html=replay.html

Exit codes: 0 all passed, 1 a check failed, 2 a file is not a report, 130 a shard
was interrupted.")]
pub struct MergeArgs {
    /// JSON reports, written by `skillctl replay --report json=FILE`
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write a report: junit=FILE, json=FILE, markdown=FILE, html=FILE, or github (repeatable)
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<Report>,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

/// The formats of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// JUnit XML, for the test views of CI systems
    Junit,
    /// JSON, for programs and for `report merge`
    Json,
    /// Markdown, for the summary of a job
    Markdown,
    /// One self-contained HTML page
    Html,
}

/// A report that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A file.
    File(ReportFile),
    /// Annotations in the log of a GitHub job.
    Github,
}

/// A report to be written to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Its format.
    pub format: ReportFormat,
    /// Where it goes.
    pub path: PathBuf,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "github" {
            return Ok(Self::Github);
        }
        let (format, path) = text
            .split_once('=')
            .ok_or("not a report; give FORMAT=FILE, such as junit=junit.xml, or github")?;
        let format = match format {
            "junit" => ReportFormat::Junit,
            "json" => ReportFormat::Json,
            "markdown" | "md" => ReportFormat::Markdown,
            "html" => ReportFormat::Html,
            other => {
                return Err(format!(
                    "unknown format `{other}`; give junit, json, markdown, html, or github without a file"
                ));
            }
        };
        if path.is_empty() {
            return Err(
                "the name of the file is missing; give FORMAT=FILE, such as junit=junit.xml"
                    .to_owned(),
            );
        }
        Ok(Self::File(ReportFile {
            format,
            path: PathBuf::from(path),
        }))
    }
}
