//! `skillctl mock-box`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use url::Url;

use super::{output_format::OutputFormat, size::parse_size, values};

/// Options of `mock-box`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl mock-box
      a Box on 127.0.0.1:7269; `skillctl env` in another terminal points a skill
      at it
  skillctl mock-box event.json --events-dir out
      the file and tokens of an event, valid from now; the event to be sent is
      in out/
  skillctl mock-box --record writes.jsonl
      every metadata write as a line of JSON; started again, it resumes from them
  skillctl mock-box event.json -- npm test
      runs a command that is pointed at the mock, and ends with it
  skillctl mock-box --files inbox --show-cards -- node server.js
      serves a folder, starts a skill (on the port in PORT), sends it an event
      for each file that is added, changed, copied or moved there or through the
      API, and shows the cards it writes
  skillctl mock-box --files inbox --extensions jpg,png \\
      --skill http://127.0.0.1:3000/
      the same for a skill that runs already, and for pictures alone
  skillctl mock-box --fault download=503,x2 --fault cards=conflict,p10%
      a bad day at Box

Faults: --fault CALL=WHAT[,xN|,pN%]
  CALL   download, cards (writing metadata), invocation, info, representation,
         token, or * for every one
  WHAT   a status (503, 401, 429:SECONDS for Retry-After), conflict,
         delay=300ms, slow=64KB/s, truncate, reset, pending=N (not ready for N
         attempts), expire (the token of the call)
  ,xN    only the first N calls of a kind that an event makes
  ,pN%   only N per cent of them; which, --seed decides
  Of a download, answers strike the API call, and slow, truncate and reset the
  bytes. A run of the same events repeats its faults.

Output: a line a call on stdout (on stderr if a command runs): time, kind of
token, status, milliseconds, call, and what there is to say. With --format json
one object a line, as it happens:
  {\"open\":{…}}        the head of a call is in
  {\"call\":{…}}        it has its answer
  {\"write\":{…}}       metadata was written, as --record writes it
  {\"connection\":{…}}  a connection that became no call
  {\"gap\":{}}          some were too many to print
  {\"summary\":{…}}     at the end
docs/formats.md names their members.

Ended by Ctrl-C or SIGTERM it exits with 0; with 3 where the command failed.")]
pub struct MockBoxArgs {
    /// Events whose files and tokens exist from the start: files, or folders
    #[arg(value_name = "FIXTURE")]
    pub fixtures: Vec<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7269", value_parser = values::address)]
    pub listen: SocketAddr,
    /// Write {"url","ca","pid"} to this file once it is ready
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Write the events of the FIXTUREs, as they are to be sent, to this folder
    #[arg(long, value_name = "DIR")]
    pub events_dir: Option<PathBuf>,
    /// Append every metadata write to this file, and resume from what it holds
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer a write only when the disk itself has its record: for power cuts
    #[arg(long, requires = "record")]
    pub fsync: bool,
    /// Whether tokens are looked at
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub tokens: Tokens,
    /// The largest upload: bytes, or with KB, MB, GB, KiB, MiB, GiB
    #[arg(long, value_name = "SIZE", default_value = "100MiB", value_parser = parse_size)]
    pub max_body: u64,
    /// A variable that holds a user token which may do everything
    #[arg(long, value_name = "VAR")]
    pub user_token_env: Option<String>,
    /// What to refuse of the cards that are written
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub schema: SchemaLevel,
    /// Serve this folder, read-only, as files and folders of Box, and watch it
    #[arg(long, value_name = "DIR", help_heading = "Events")]
    pub files: Option<PathBuf>,
    /// Send an event here for each file that is uploaded, copied or moved, in the folder of --files
    /// or through the API
    #[arg(long, value_name = "URL", value_parser = values::http_url, help_heading = "Events")]
    pub skill: Option<Url>,
    /// A variable that holds the primary key, to sign events
    #[arg(long, value_name = "VAR", help_heading = "Events")]
    pub primary_key_env: Option<String>,
    /// A variable that holds the secondary key, to sign events
    #[arg(long, value_name = "VAR", help_heading = "Events")]
    pub secondary_key_env: Option<String>,
    /// Send events only for files with these endings, as in jpg,png
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Events"
    )]
    pub extensions: Vec<String>,
    /// How many events may be on their way at once
    #[arg(long, value_name = "C", default_value_t = 8, value_parser = values::at_least_one, help_heading = "Events")]
    pub concurrency: usize,
    /// How often an event is sent again after a late or non-2xx reply, with exponential back-off
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Events")]
    pub retries: u32,
    /// Show the cards as they are written
    #[arg(long)]
    pub show_cards: bool,
    /// Reach no host but Box's, which are answered here, and this machine
    #[arg(long)]
    pub no_egress: bool,
    /// Keep the certificate authority in this folder, for 30 days, instead of making one
    #[arg(long, value_name = "DIR")]
    pub ca_dir: Option<PathBuf>,
    /// Answer clients on this machine that come by this name too: of a tunnel, of a line in
    /// /etc/hosts (repeatable). Others are refused, since a page in a browser may have made them up
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allow_hosts: Vec<String>,
    /// A variable that holds the token of the admin API; needed to listen beyond loopback
    #[arg(long, value_name = "VAR")]
    pub admin_token_env: Option<String>,
    /// Let something go wrong: CALL=WHAT[,xN|,pN%] (repeatable; see below)
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<String>,
    /// Decides which calls the faults by the hundred (pN%) strike
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How to print the calls
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// Run a function that is pointed at the mock, on PORT or a free port: node:index.handler,
    /// python:app.lambda_handler. With --files or --skill it is the skill that gets the events
    #[arg(long, value_name = "RUNTIME:FILE.FUNCTION", conflicts_with = "command")]
    pub handler: Option<String>,
    /// A command to start when the mock is ready, pointed at it; when it ends, so does the mock. With
    /// --files or --skill it is the skill that gets the events
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Whether tokens are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Tokens {
    /// A token serves its one file and its own calls, until it expires
    #[default]
    Strict,
    /// Every bearer may do everything
    Any,
}

/// What is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaLevel {
    /// What Box refuses
    #[default]
    Box,
    /// All that the published schema does not allow
    Documented,
}
