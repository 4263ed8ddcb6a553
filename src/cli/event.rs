//! `skillctl event new|redact|verify`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::{output_format::OutputFormat, values};

pub(super) const EXAMPLES: &str = "\
Examples:
  skillctl event new talk.mp3 --case cases/talk
  skillctl event redact captured.json -o cases/upload/event.json
  skillctl event verify capture.json --primary-key-env BOX_PRIMARY_KEY";

/// The subcommands of `skillctl event`.
#[derive(Clone, Debug, Subcommand)]
pub enum EventCommand {
    /// Make an event for a local file
    ///
    /// The event is printed, or written to a file. With --case the event and a copy of the file
    /// become a case that `skillctl replay` runs.
    #[command(after_help = NEW_EXAMPLES)]
    New(Box<NewArgs>),
    /// Redact a captured event or a cassette, so that it can be committed
    ///
    /// Tokens, keys, names, e-mail addresses and ids are replaced. Equal values stay equal, also
    /// across the lines of a .jsonl file. Types of values, extensions of file names, sizes and times
    /// are kept. Of a cassette (HAR) the secrets are replaced, as recording replaces them; ids, names and
    /// the content of bodies stay.
    #[command(after_help = REDACT_EXAMPLES)]
    Redact(RedactArgs),
    /// Check the signatures of a captured event
    ///
    /// Prints which key made the signatures, or why no key matches. The capture is an API Gateway
    /// proxy event, which holds the headers and the exact bytes of the body, or a body with headers
    /// (--body, --headers).
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
}

const NEW_EXAMPLES: &str = "\
Examples:
  skillctl event new photo.jpg > photo.json
  skillctl event new talk.mp4 --trigger copy --case fixtures/events/talk
  skillctl event new notes.txt --box http://127.0.0.1:7269";

const REDACT_EXAMPLES: &str = "\
Examples:
  skillctl event redact captured.json -o fixtures/events/upload/event.json
  skillctl event redact captured.jsonl --keep ids > scrubbed.jsonl
  skillctl event redact from-a-browser.har -o cases/talk/cassette.har
  pbpaste | skillctl event redact -";

const VERIFY_EXAMPLES: &str = "\
Examples:
  skillctl event verify capture.json --primary-key-env BOX_PRIMARY_KEY
  skillctl event verify --body body.bin --headers headers.txt \\
      --primary-key-env BOX_PRIMARY_KEY
  skillctl event verify --body body.bin --signature-primary 'WZ…=' \\
      --timestamp 2026-03-02T09:15:01-08:00 --max-age 10m \\
      --primary-key-env BOX_PRIMARY_KEY

Exit codes: 0 a key made a signature, 1 no key did or the delivery is too old, 2
an option or the capture is wrong.";

/// Arguments of `event new`.
#[derive(Clone, Debug, Args)]
pub struct NewArgs {
    /// The local file
    pub file: PathBuf,
    /// What happened to the file
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub trigger: Trigger,
    /// The name of the file at Box [default: its local name]
    #[arg(long)]
    pub name: Option<String>,
    /// The time of the event, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub created_at: Option<Timestamp>,
    /// The id of the file [default: random digits]
    #[arg(long, value_name = "ID", value_parser = digits)]
    pub file_id: Option<String>,
    /// The id of the folder that the file is in
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "880100")]
    pub folder_id: String,
    /// The id of the folder that the file was moved from (only --trigger move)
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "880099")]
    pub from_folder_id: String,
    /// The id of the skill
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "4711")]
    pub skill_id: String,
    /// The name of the skill
    #[arg(long, value_name = "NAME", default_value = "Local Skill")]
    pub skill_name: String,
    /// The id of the enterprise
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "700100")]
    pub enterprise_id: String,
    /// Upload the file to the mock at this URL, and register the event there. The event then holds
    /// tokens that the mock accepts
    #[arg(long = "box", value_name = "URL", value_parser = values::http_url)]
    pub box_url: Option<url::Url>,
    /// Take the mock's admin token from this environment variable
    #[arg(long, value_name = "VAR")]
    pub admin_token_env: Option<String>,
    /// Write the event to this file instead of standard output; it must not exist
    #[arg(short, long, value_name = "FILE", conflicts_with = "case")]
    pub output: Option<PathBuf>,
    /// Write event.json and a copy of the file to this folder: a case for `skillctl replay`
    #[arg(long, value_name = "DIR")]
    pub case: Option<PathBuf>,
}

/// What happened to the file of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Trigger {
    /// The file was uploaded
    #[default]
    Upload,
    /// The file was copied into the folder
    Copy,
    /// The file was moved into the folder
    Move,
    /// The test event of Box's developer console, whose ids are integers
    ConsoleTest,
}

/// Arguments of `event redact`.
#[derive(Clone, Debug, Args)]
pub struct RedactArgs {
    /// An event, an API Gateway proxy event, a .jsonl file of them, or a cassette; - reads standard input
    pub file: PathBuf,
    /// Values to keep, separated by commas
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub keep: Vec<Kept>,
    /// Write to this file instead of standard output; it must not exist
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The values that `event redact` can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kept {
    /// Ids of files, folders, events, people and enterprises
    Ids,
    /// Names of files, folders, skills, enterprises and people
    Names,
}

/// Arguments of `event verify`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("capture").required(true).args(["file", "body"]))]
pub struct VerifyArgs {
    /// A capture in the form of an API Gateway proxy event; - reads standard input
    pub file: Option<PathBuf>,
    /// The body, exactly as it was received
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub body: Option<PathBuf>,
    /// The headers, as lines `name: value` or as a JSON object
    #[arg(long, value_name = "FILE", requires = "body")]
    pub headers: Option<PathBuf>,
    /// The value of box-delivery-timestamp
    #[arg(long, value_name = "TIME", requires = "body")]
    pub timestamp: Option<String>,
    /// The value of box-signature-primary
    #[arg(long, value_name = "BASE64", requires = "body")]
    pub signature_primary: Option<String>,
    /// The value of box-signature-secondary
    #[arg(long, value_name = "BASE64", requires = "body")]
    pub signature_secondary: Option<String>,
    /// Take the primary key from this environment variable
    #[arg(long, value_name = "VAR")]
    pub primary_key_env: Option<String>,
    /// Take the secondary key from this environment variable
    #[arg(long, value_name = "VAR")]
    pub secondary_key_env: Option<String>,
    /// Fail if the delivery is older than this, or is dated in the future. Box's SDKs allow 10m
    /// [default: any age]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub max_age: Option<std::time::Duration>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

/// Reads an id as Box gives them: 1 to 18 digits.
fn digits(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("not an id; ids at Box are up to 18 digits".to_owned())
    }
}
