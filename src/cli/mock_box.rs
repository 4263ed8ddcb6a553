//! `skillctl mock-box`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{output_format::OutputFormat, size::parse_size, skill_url::SkillUrl, values};
use crate::domain::{
    card::validate::Schema,
    cassette::{deck::Mode, key::Ignored},
};

/// Options of `mock-box`.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl mock-box
      listen on 127.0.0.1:7269; in another terminal, `skillctl env` points a skill
      at the mock
  skillctl mock-box event.json --events-dir out
      register the file and the tokens of an event; write the event to out/ as a
      skill should receive it
  skillctl mock-box --record writes.jsonl
      record every metadata write as a line of JSON; resume from them when started
      again
  skillctl mock-box event.json -- npm test
      run a command with the variables that point it at the mock; end with it
  skillctl mock-box --files inbox --show-cards -- node server.js
      serve a folder, start a skill on a free port (PORT), send it an event for
      each file that is added, changed, copied or moved in the folder or through
      the API, and show the cards it writes
  skillctl mock-box --files inbox --extensions jpg,png \\
      --skill http://127.0.0.1:3000/
      the same for a skill that is already running, and only for pictures
  skillctl mock-box --files inbox --watch -- node server.js
      the same, and start the skill again when its files change
  skillctl mock-box --files inbox --cassette record --cassette-file calls.har \\
      -- node server.js
      record the calls of the skill to other services; with --cassette replay they
      are answered from the file
  skillctl mock-box --fault download=503,x2 --fault cards=conflict,p10%
      fail the first two downloads of each event, and a tenth of its card writes

Faults: --fault CALL=WHAT[,xN|,pN%]
  CALL   download, cards (metadata writes), invocation, info, representation,
         token, or * for every call
  WHAT   a status (401, 503, 429:SECONDS with a Retry-After), conflict,
         delay=300ms, slow=64KB/s, truncate, reset, pending=N (not ready for the
         first N attempts), expire (the token of the call expires)
  ,xN    only the first N calls of this kind of each event
  ,pN%   only N percent of the calls; --seed decides which ones
  For a download, a status applies to the API call; slow, truncate and reset
  apply to the content. The same events get the same faults in every run.

Output: a line for each call on standard output (on standard error if a command
runs): time, kind of token, status, milliseconds, call, and remarks. With
--format json, a JSON object for each event, one a line:
  {\"open\":{…}}        the head of a request has arrived
  {\"call\":{…}}        a call was answered
  {\"write\":{…}}       metadata was written, in the format of --record
  {\"connection\":{…}}  a connection ended without a call
  {\"gap\":{}}          events were dropped, because printing was too slow
  {\"summary\":{…}}     the totals, at the end
docs/formats.md describes the members.

Exit codes: 0 ended by Ctrl-C, SIGTERM or its command, 2 an option or a fixture
is wrong, 3 the port is taken, a file could not be written, or the command failed.")]
pub struct MockBoxArgs {
    /// Events whose files and tokens the mock has from the start: files or folders
    #[arg(value_name = "FIXTURE")]
    pub fixtures: Vec<PathBuf>,
    /// The address and port to listen on; port 0 chooses a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7269", value_parser = values::address)]
    pub listen: SocketAddr,
    /// Write {"url","ca","pid"} to this file when the mock is ready
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Write the events of the fixtures to this folder, as a skill should receive them
    #[arg(long, value_name = "DIR")]
    pub events_dir: Option<PathBuf>,
    /// Append every metadata write to this file, and resume from the writes it holds
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer a write only after its record is synced to the disk; safe against power cuts
    #[arg(long, requires = "record")]
    pub fsync: bool,
    /// How tokens are checked
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub tokens: Tokens,
    /// The largest upload to accept: bytes, or with a unit, such as 500k or 1GiB
    #[arg(long, value_name = "SIZE", default_value = "100MiB", value_parser = parse_size)]
    pub max_body: u64,
    /// Accept the token in this environment variable as a user token, which permits every call
    #[arg(long, value_name = "VAR")]
    pub user_token_env: Option<String>,
    /// Which card writes to refuse
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub schema: Schema,
    /// Serve this folder as files and folders of Box. It is watched, and never written to
    #[arg(long, value_name = "DIR", help_heading = "Events")]
    pub files: Option<PathBuf>,
    /// Send an event to the skill at this URL for each file that is added, changed, copied or moved,
    /// in the folder of --files or through the API; only its /PATH for a skill that is started
    #[arg(long, value_name = "URL", help_heading = "Events")]
    pub skill: Option<SkillUrl>,
    /// Trust the certificates of this PEM file when the skill's URL is https
    #[arg(long, value_name = "FILE", help_heading = "Events")]
    pub skill_ca: Option<PathBuf>,
    /// Write all that the skill prints to this file
    #[arg(long, value_name = "FILE", help_heading = "Events")]
    pub skill_log: Option<PathBuf>,
    /// Sign events with the primary key in this environment variable
    #[arg(long, value_name = "VAR", help_heading = "Events")]
    pub primary_key_env: Option<String>,
    /// Sign events with the secondary key in this environment variable
    #[arg(long, value_name = "VAR", help_heading = "Events")]
    pub secondary_key_env: Option<String>,
    /// Send events only for files with these extensions, such as jpg,png
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Events"
    )]
    pub extensions: Vec<String>,
    /// How many events to send at the same time [default: 8; 1 while recording a cassette]
    #[arg(short = 'j', long, value_name = "N", value_parser = values::at_least_one, help_heading = "Events")]
    pub concurrency: Option<usize>,
    /// How often to retry an event after a late or non-2xx reply, with exponential back-off
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Events")]
    pub retries: u32,
    /// Show cards when they are written
    #[arg(long)]
    pub show_cards: bool,
    /// Do not connect clients to hosts other than Box's, which the mock answers, and this machine
    #[arg(long)]
    pub no_egress: bool,
    /// What happens to the calls of the program to other services: record them in the file of
    /// --cassette-file, answer them from it (replay), or answer what it holds and record the rest (auto)
    #[arg(
        long,
        value_enum,
        value_name = "MODE",
        requires = "cassette_file",
        conflicts_with = "ca_dir"
    )]
    pub cassette: Option<Mode>,
    /// The cassette, such as cases/talk/cassette.har; alone, calls are answered from it
    #[arg(long, value_name = "FILE", conflicts_with = "ca_dir")]
    pub cassette_file: Option<PathBuf>,
    /// A part of such calls that need not match: a JSON pointer into the body, header:NAME or query:NAME
    /// (repeatable)
    #[arg(long, value_name = "PART", requires = "cassette_file")]
    pub cassette_ignore: Vec<Ignored>,
    /// Keep the certificate authority in this folder for 30 days [default: make a new one at each
    /// start]
    #[arg(long, value_name = "DIR")]
    pub ca_dir: Option<PathBuf>,
    /// Accept this Host name too, such as that of a tunnel or of a line in /etc/hosts (repeatable).
    /// Other names are refused, because a page in a browser could use them to reach the mock
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allow_hosts: Vec<String>,
    /// Require the token in this environment variable for the admin API; needed to listen beyond
    /// loopback
    #[arg(long, value_name = "VAR")]
    pub admin_token_env: Option<String>,
    /// Make calls fail: CALL=WHAT[,xN|,pN%] (repeatable; see Faults below)
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,
    /// The seed that decides which calls a fault with pN% applies to
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How to print the calls
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// Start the command or the handler again when a file of the project changes. Files that .gitignore
    /// names, hidden folders and node_modules are not watched
    #[arg(short, long)]
    pub watch: bool,
    /// Run this Lambda function, such as node:index.handler or python:app.lambda_handler, on the port
    /// in PORT or on a free one. With --files or --skill it gets the events
    #[arg(long, value_name = "RUNTIME:FILE.FUNCTION", conflicts_with = "command")]
    pub handler: Option<String>,
    /// How long a function of --handler may take to answer an event
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration)]
    pub handler_timeout: Duration,
    /// Start this command when the mock is ready, and end the mock when the command ends. With
    /// --files or --skill the command is the skill, and gets the events
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// The folder to run the command in, if it comes from `skillctl.toml`.
    #[arg(skip)]
    pub command_folder: Option<PathBuf>,
    /// The path of `skillctl.toml`.
    #[arg(skip)]
    pub config: Option<PathBuf>,
}

/// How tokens are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Tokens {
    /// A token permits its own calls on its own file, until it expires
    #[default]
    Strict,
    /// Every token permits every call
    Any,
}
