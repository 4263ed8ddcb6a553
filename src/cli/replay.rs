//! `skillctl replay`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueEnum};
use url::Url;

use super::{output_format::OutputFormat, report::ReportFile, values};
use crate::domain::{event::edit::Edit, outcome::check::Check, shard::Shard};

/// Under what help lists the options.
const SKILL: &str = "The skill";
const BOX: &str = "Box";
const EVENT: &str = "The events";
const LOAD: &str = "Selection and load";
const CHECKS: &str = "Checks";
const OUTPUT: &str = "Output";

/// Options of `replay`.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Clone, Debug, Args)]
#[command(
    group(ArgGroup::new("to").args(["skill", "sample_skill", "handler", "command"]).required(true).multiple(true)),
    after_help = "\
Examples:
  skillctl replay --sample-skill fixtures/events
      every case, through the built-in skill
  skillctl replay fixtures/events -- node index.js
      start a skill on a free port (PORT), point it at the mock; end it afterwards
  skillctl replay fixtures/events --handler node:index.handler
      a function that is made for AWS Lambda, run by your own node or python
  skillctl replay --skill http://127.0.0.1:8080/ event.json
      one event, to a skill that is already running
  skillctl replay --skill http://127.0.0.1:8080/ event.json --show-cards
      and the cards it wrote
  skillctl replay fixtures/events --report junit=junit.xml \\
      --report html=replay.html -- npm start
      a gate for CI, with a page to look at
  skillctl replay event.json --no-mock --skill https://example.com/ --rate 50 \\
      --duration 1m
      fifty events a second to a skill somewhere, for a minute

Exit codes: 0 all passed, 1 a check failed, 2 a wrong option or fixture (nothing
was sent), 3 something outside failed, 130 interrupted.",
    override_usage = "\
skillctl replay [OPTIONS] <FIXTURE>... -- <SKILL COMMAND>...
       skillctl replay [OPTIONS] <FIXTURE>... --skill <URL>
       skillctl replay [OPTIONS] <FIXTURE>... --handler <RUNTIME:FILE.FUNCTION>
       skillctl replay [OPTIONS] <FIXTURE>... --sample-skill"
)]
pub struct ReplayArgs {
    /// Events: files, folders searched for *.json and *.jsonl, globs, or - for standard input
    #[arg(required = true, value_name = "FIXTURE")]
    pub fixtures: Vec<PathBuf>,
    /// The invocation URL of the skill
    #[arg(long, value_name = "URL", value_parser = values::http_url, conflicts_with = "sample_skill", help_heading = SKILL)]
    pub skill: Option<Url>,
    /// Replay to the built-in skill, started for this run
    #[arg(long, conflicts_with = "command", help_heading = SKILL)]
    pub sample_skill: bool,
    /// Run a function as the skill, as AWS Lambda behind an API Gateway would:
    /// node:index.handler, python:app.lambda_handler
    #[arg(
        long,
        value_name = "RUNTIME:FILE.FUNCTION",
        conflicts_with_all = ["command", "sample_skill"],
        help_heading = SKILL
    )]
    pub handler: Option<String>,
    /// Start the skill with this command, with a free port as PORT, and end it afterwards
    #[arg(last = true, value_name = "SKILL COMMAND")]
    pub command: Vec<String>,
    /// The mock Box to use; else one on 127.0.0.1:7269, else one of this run's own
    #[arg(long = "box", value_name = "URL", value_parser = values::http_url, help_heading = BOX)]
    pub box_url: Option<Url>,
    /// Use no mock: send the exact bytes, and check the reply alone
    #[arg(
        long,
        conflicts_with_all = ["box_url", "keep", "same_file", "duplicate", "update", "show_cards"],
        help_heading = BOX
    )]
    pub no_mock: bool,
    /// Send events as recorded, ids and times included
    #[arg(long, help_heading = BOX)]
    pub keep: bool,
    /// Register every event on its recorded file
    #[arg(long, help_heading = BOX)]
    pub same_file: bool,
    /// Change every event: a JSON Pointer and a JSON value, else text (repeatable)
    #[arg(long, value_name = "POINTER=VALUE", help_heading = EVENT)]
    pub set: Vec<Edit>,
    /// Sign with the primary key in this variable
    #[arg(long, value_name = "VAR", help_heading = EVENT)]
    pub primary_key_env: Option<String>,
    /// Sign with the secondary key in this variable
    #[arg(long, value_name = "VAR", help_heading = EVENT)]
    pub secondary_key_env: Option<String>,
    /// What to put around the event
    #[arg(long, value_enum, default_value_t, value_name = "KIND", help_heading = EVENT)]
    pub envelope: EnvelopeName,
    /// Take only cases whose path matches a glob (repeatable)
    #[arg(long, value_name = "GLOB", help_heading = LOAD)]
    pub filter: Vec<String>,
    /// Take only part I of N of the cases, from 1: 2/5
    #[arg(long, value_name = "I/N", help_heading = LOAD)]
    pub shard: Option<Shard>,
    /// How often to send each event
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::at_least_one, help_heading = LOAD)]
    pub repeat: usize,
    /// Send the cases over and over for so long
    #[arg(long, value_name = "TIME", value_parser = values::duration, conflicts_with_all = ["repeat", "update"], help_heading = LOAD)]
    pub duration: Option<Duration>,
    /// How many events may be under way at once [default: 1; 256 with --rate]
    #[arg(long, value_name = "C", value_parser = values::at_least_one, help_heading = LOAD)]
    pub concurrency: Option<usize>,
    /// Send so many events a second, whether or not earlier ones are answered; latency counts
    /// from when an event should have been sent
    #[arg(long, value_name = "R", value_parser = values::above_zero, help_heading = LOAD)]
    pub rate: Option<f64>,
    /// Send each event once more after it has settled: the stored cards must not change
    #[arg(long, conflicts_with = "update", help_heading = LOAD)]
    pub duplicate: bool,
    /// Send an event again, up to so many times, after a late or non-2xx reply
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100), help_heading = LOAD)]
    pub retries: u32,
    /// Stop sending after the first failure
    #[arg(long, help_heading = LOAD)]
    pub fail_fast: bool,
    /// How long the skill may take to reply
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::duration, help_heading = CHECKS)]
    pub timeout: Duration,
    /// How long to wait for the cards after the reply
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration, help_heading = CHECKS)]
    pub wait: Duration,
    /// How long nothing may happen before an event counts as finished
    #[arg(long, value_name = "TIME", default_value = "300ms", value_parser = values::duration, help_heading = CHECKS)]
    pub settle: Duration,
    /// Turn a check off (repeatable)
    #[arg(long, value_name = "NAME", value_enum, help_heading = CHECKS)]
    pub no_check: Vec<CheckName>,
    /// By how much numbers may differ from expected.json
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = values::not_negative, help_heading = CHECKS)]
    pub tolerance: f64,
    /// Write the result of each case to its expected.json
    #[arg(long, help_heading = CHECKS)]
    pub update: bool,
    /// Show the cards that were written
    #[arg(long, help_heading = OUTPUT)]
    pub show_cards: bool,
    /// How to print the results
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: OutputFormat,
    /// Write a report: junit=FILE, json=FILE, markdown=FILE, html=FILE (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", help_heading = OUTPUT)]
    pub report: Vec<ReportFile>,
}

/// What is put around an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EnvelopeName {
    /// Nothing: as Box sends it
    #[default]
    None,
    /// An API Gateway proxy event, for the Lambda emulator, `sam local` and `serverless`
    AwsProxy,
}

/// The checks, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckName {
    /// 2xx in time
    Reply,
    /// No refused call
    Tokens,
    /// Not left on processing, no status after the final one, one success per delivery
    Finished,
    /// Success, or the status that expected.json names
    Outcome,
    /// No card that Box refuses, no write refused for its content
    Cards,
    /// The cards are those of expected.json
    Expected,
    /// The same event again changed nothing
    Duplicate,
}

impl From<CheckName> for Check {
    fn from(name: CheckName) -> Self {
        match name {
            CheckName::Reply => Self::Reply,
            CheckName::Tokens => Self::Tokens,
            CheckName::Finished => Self::Finished,
            CheckName::Outcome => Self::Outcome,
            CheckName::Cards => Self::Cards,
            CheckName::Expected => Self::Expected,
            CheckName::Duplicate => Self::Duplicate,
        }
    }
}
