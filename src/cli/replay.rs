//! `skillctl replay`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueEnum};
use url::Url;

use super::{output_format::OutputFormat, report::Report, skill_url::SkillUrl, values};
use crate::domain::{
    cassette::{deck::Mode, key::Ignored},
    event::edit::Edit,
    outcome::Check,
    shard::Shard,
};

// The headings in help.
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
      send every case to the built-in skill
  skillctl replay fixtures/events -- node index.js
      start a skill on a free port (PORT), send it every case, and stop it
  skillctl replay fixtures/events --handler node:index.handler
      run an AWS Lambda function with your own node or python
  skillctl replay talk.mp3 -- node index.js
      upload a file, and send the skill the event of the upload
  skillctl replay --skill http://127.0.0.1:8080/ event.json
      send one event to a skill that is already running
  skillctl replay --skill http://127.0.0.1:8080/ event.json --show-cards
      print the cards that it writes too
  skillctl replay fixtures/events --watch -- node index.js
      run all cases again after each change of the skill
  skillctl replay fixtures/events --report junit=junit.xml \\
      --report html=replay.html -- npm start
      a CI job, with a report for its test view and a page for people
  skillctl replay event.json --no-mock --skill https://example.com/ --rate 50 \\
      --duration 1m
      send fifty events a second for a minute to a skill on another machine

Exit codes: 0 all passed, 1 a check failed, 2 an option or a fixture is wrong and
nothing was sent, 3 the skill or the mock could not be started or reached, 130
interrupted.",
    override_usage = "\
skillctl replay [OPTIONS] <FIXTURE>... -- <SKILL COMMAND>...
       skillctl replay [OPTIONS] <FIXTURE>... --skill <URL>
       skillctl replay [OPTIONS] <FIXTURE>... --handler <RUNTIME:FILE.FUNCTION>
       skillctl replay [OPTIONS] <FIXTURE>... --sample-skill"
)]
pub struct ReplayArgs {
    /// Events: files, folders (searched for *.json and *.jsonl), globs, or - for standard input; or one
    /// other file, which is uploaded to the mock
    #[arg(required = true, value_name = "FIXTURE")]
    pub fixtures: Vec<PathBuf>,
    /// The invocation URL of the skill, or only its /PATH if skillctl starts the skill on a free
    /// port
    #[arg(long, value_name = "URL", conflicts_with = "sample_skill", help_heading = SKILL)]
    pub skill: Option<SkillUrl>,
    /// Trust the certificates of this PEM file when the skill's URL is https
    #[arg(long, value_name = "FILE", help_heading = SKILL)]
    pub skill_ca: Option<PathBuf>,
    /// Write all that the skill prints to this file
    #[arg(long, value_name = "FILE", help_heading = SKILL)]
    pub skill_log: Option<PathBuf>,
    /// Start the built-in skill for this run
    #[arg(long, conflicts_with = "command", help_heading = SKILL)]
    pub sample_skill: bool,
    /// Run a function as AWS Lambda behind an API Gateway would, such as node:index.handler or
    /// python:app.lambda_handler
    #[arg(
        long,
        value_name = "RUNTIME:FILE.FUNCTION",
        conflicts_with_all = ["command", "sample_skill"],
        help_heading = SKILL
    )]
    pub handler: Option<String>,
    /// How long a function of --handler may take to answer an event
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration, help_heading = SKILL)]
    pub handler_timeout: Duration,
    /// Start the skill with this command for this run; it must listen on the port in PORT
    #[arg(last = true, value_name = "SKILL COMMAND")]
    pub command: Vec<String>,
    /// The folder to run the command in, if it comes from `skillctl.toml`.
    #[arg(skip)]
    pub command_folder: Option<PathBuf>,
    /// The path of `skillctl.toml`.
    #[arg(skip)]
    pub config: Option<PathBuf>,
    /// The URL of a running mock [default: one on 127.0.0.1:7269, else a mock started for this run]
    #[arg(long = "box", value_name = "URL", value_parser = values::http_url, help_heading = BOX)]
    pub box_url: Option<Url>,
    /// Use no mock: send the events unchanged, and check only the replies
    #[arg(
        long,
        conflicts_with_all = ["box_url", "keep", "same_file", "duplicate", "update", "show_cards"],
        help_heading = BOX
    )]
    pub no_mock: bool,
    /// Refuse every host that is neither Box's nor this machine (with a mock of this run's own)
    #[arg(long, conflicts_with_all = ["box_url", "no_mock"], help_heading = BOX)]
    pub no_egress: bool,
    /// What happens to the skill's calls to other services: record them next to the case, answer them from
    /// there (replay), or answer what is there and record the rest (auto). Calls are answered by default
    /// where a case has a cassette.har [default: replay or off]
    #[arg(long, value_enum, value_name = "MODE", help_heading = BOX)]
    pub cassette: Option<Mode>,
    /// A part of such calls that need not match: a JSON pointer into the body, header:NAME or query:NAME
    /// (repeatable)
    #[arg(long, value_name = "PART", help_heading = BOX)]
    pub cassette_ignore: Vec<Ignored>,
    /// Keep the recorded ids and times of events
    #[arg(long, help_heading = BOX)]
    pub keep: bool,
    /// Keep the recorded file of every event, also for repeated ones
    #[arg(long, help_heading = BOX)]
    pub same_file: bool,
    /// Change a member of every event, such as /source/name=a.mp4: a JSON Pointer, and a JSON value
    /// or a string (repeatable)
    #[arg(long, value_name = "POINTER=VALUE", help_heading = EVENT)]
    pub set: Vec<Edit>,
    /// Sign events with the primary key in this environment variable
    #[arg(long, value_name = "VAR", help_heading = EVENT)]
    pub primary_key_env: Option<String>,
    /// Sign events with the secondary key in this environment variable
    #[arg(long, value_name = "VAR", help_heading = EVENT)]
    pub secondary_key_env: Option<String>,
    /// The envelope to send events in
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = EVENT)]
    pub envelope: EnvelopeName,
    /// Run only the cases whose path matches this glob, such as '*upload*' (repeatable)
    #[arg(short, long, value_name = "GLOB", help_heading = LOAD)]
    pub filter: Vec<String>,
    /// Run only the cases that failed the last time they ran; all cases if none failed
    #[arg(long, help_heading = LOAD)]
    pub last_failed: bool,
    /// Run only part I of N of the cases, such as 2/5
    #[arg(long, value_name = "I/N", help_heading = LOAD)]
    pub shard: Option<Shard>,
    /// How often to send each event
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = values::at_least_one, help_heading = LOAD)]
    pub repeat: usize,
    /// Send the cases again and again for this long
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with_all = ["repeat", "update"], help_heading = LOAD)]
    pub duration: Option<Duration>,
    /// How many events may be in progress at the same time [default: 1; 256 with --rate]
    #[arg(short = 'j', long, value_name = "N", value_parser = values::at_least_one, help_heading = LOAD)]
    pub concurrency: Option<usize>,
    /// Send this many events per second, without waiting for replies. Latency is measured from the
    /// time at which an event should have been sent
    #[arg(long, value_name = "N", value_parser = values::above_zero, help_heading = LOAD)]
    pub rate: Option<f64>,
    /// Send each event a second time after it has settled, and check that the cards do not change
    #[arg(long, conflicts_with = "update", help_heading = LOAD)]
    pub duplicate: bool,
    /// How often to retry an event after a late or non-2xx reply, with exponential back-off
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100), help_heading = LOAD)]
    pub retries: u32,
    /// Stop sending after the first failure
    #[arg(long, help_heading = LOAD)]
    pub fail_fast: bool,
    /// How long the skill may take to reply
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration, help_heading = CHECKS)]
    pub timeout: Duration,
    /// How long to wait for the cards after the reply
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration, help_heading = CHECKS)]
    pub wait: Duration,
    /// How long the skill must make no calls before an event counts as finished
    #[arg(long, value_name = "DURATION", default_value = "300ms", value_parser = values::duration, help_heading = CHECKS)]
    pub settle: Duration,
    /// How long nothing may happen before an event is judged, if it can no longer pass or if no
    /// final status is expected
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = values::duration, help_heading = CHECKS)]
    pub give_up: Duration,
    /// Fail an event with a warning: what `cards validate` warns of, and calls that the mock does not
    /// play
    #[arg(long, conflicts_with = "no_mock", help_heading = CHECKS)]
    pub strict: bool,
    /// Turn off a check (repeatable)
    #[arg(long, value_name = "NAME", value_enum, help_heading = CHECKS)]
    pub no_check: Vec<Check>,
    /// How much numbers may differ from those in expected.json
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = values::not_negative, help_heading = CHECKS)]
    pub tolerance: f64,
    /// Write the status and the cards of each case to its expected.json, if no check fails
    #[arg(long, help_heading = CHECKS)]
    pub update: bool,
    /// After a run, wait for changes and run again: a file of a case runs that case, any other file in
    /// the project restarts the skill and runs all cases. Files that .gitignore names, hidden folders
    /// and node_modules are not watched
    #[arg(short, long, conflicts_with_all = ["rate", "duration", "update"], help_heading = LOAD)]
    pub watch: bool,
    /// Show the cards that the skill writes
    #[arg(long, help_heading = OUTPUT)]
    pub show_cards: bool,
    /// How to print the results
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: OutputFormat,
    /// Write a report: junit=FILE, json=FILE, markdown=FILE, html=FILE, or github for annotations
    /// in the log of a GitHub job (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", help_heading = OUTPUT)]
    pub report: Vec<Report>,
}

/// The envelopes that an event can be sent in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EnvelopeName {
    /// No envelope: as Box sends events
    #[default]
    None,
    /// An API Gateway proxy event, as the Lambda runtime interface emulator, `sam local` and
    /// `serverless` expect
    AwsProxy,
}
