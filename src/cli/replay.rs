//! `skillctl replay`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueEnum};
use url::Url;

use super::OutputFormat;
use crate::domain::outcome::check::Check;

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
      start a skill on a free port (PORT), led to the mock Box, and end it afterwards
  skillctl replay fixtures/events --handler node:index.handler
      a function that is made for AWS Lambda, run by your own node or python
  skillctl replay --skill http://127.0.0.1:8080/ event.json
      one event, to a skill that is already running
  skillctl replay --skill http://127.0.0.1:8080/ event.json --show-cards
      and the cards it wrote

Exit codes: 0 all passed, 1 a check failed, 2 a wrong option or fixture (nothing was sent),
3 something outside failed, 130 interrupted."
)]
pub struct ReplayArgs {
    /// Events: files, or folders searched for *.json
    #[arg(required = true, value_name = "FIXTURE")]
    pub fixtures: Vec<PathBuf>,
    /// The invocation URL of the skill
    #[arg(
        long,
        env = "SKILLCTL_SKILL",
        value_name = "URL",
        conflicts_with = "sample_skill"
    )]
    pub skill: Option<Url>,
    /// Replay to the built-in skill, started for this run
    #[arg(long, conflicts_with = "command")]
    pub sample_skill: bool,
    /// Run a function as the skill, as AWS Lambda behind an API Gateway would:
    /// node:index.handler, python:app.lambda_handler
    #[arg(
        long,
        env = "SKILLCTL_REPLAY_HANDLER",
        value_name = "RUNTIME:FILE.FUNCTION",
        conflicts_with_all = ["command", "sample_skill"]
    )]
    pub handler: Option<String>,
    /// Start the skill with this command, with a free port as PORT, and end it afterwards
    #[arg(last = true, value_name = "SKILL COMMAND")]
    pub command: Vec<String>,
    /// The mock Box to use; else one on 127.0.0.1:7269, else one of this run's own
    #[arg(long = "box", env = "SKILLCTL_BOX", value_name = "URL")]
    pub box_url: Option<Url>,
    /// Send events as recorded, ids and times included
    #[arg(long)]
    pub keep: bool,
    /// Register every event on its recorded file
    #[arg(long)]
    pub same_file: bool,
    /// How long the skill may take to reply
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// How long to wait for the cards after the reply
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub wait: Duration,
    /// How long nothing may happen before an event counts as finished
    #[arg(long, value_name = "TIME", default_value = "300ms", value_parser = humantime::parse_duration)]
    pub settle: Duration,
    /// How often to send each event
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub repeat: usize,
    /// How many events may be under way at once
    #[arg(long, value_name = "C", default_value_t = 1, value_parser = at_least_one)]
    pub concurrency: usize,
    /// Stop sending after the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Turn a check off (repeatable)
    #[arg(long, value_name = "NAME", value_enum)]
    pub no_check: Vec<CheckName>,
    /// By how much numbers may differ from expected.json
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    pub tolerance: f64,
    /// Write what came of each case to its expected.json
    #[arg(long)]
    pub update: bool,
    /// Show the cards that were written
    #[arg(long)]
    pub show_cards: bool,
    /// How to print the results
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
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
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("it must be a whole number".to_owned()),
    }
}
