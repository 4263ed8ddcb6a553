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

/// What to do with events.
#[derive(Clone, Debug, Subcommand)]
pub enum EventCommand {
    /// Make an event for a local file
    #[command(after_help = NEW_EXAMPLES)]
    New(Box<NewArgs>),
    /// Scrub a captured event so that it can be committed
    ///
    /// Tokens, keys, names, addresses and ids go; what was equal stays equal, also across the
    /// lines of a .jsonl file. Kinds of values, endings of file names, sizes and times stay.
    #[command(after_help = REDACT_EXAMPLES)]
    Redact(RedactArgs),
    /// Check the signatures of a captured event
    ///
    /// Says which key made them, or why none did. Give a capture in the form of an API Gateway
    /// proxy event, which keeps the headers and the exact bytes, or the parts by themselves.
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
  pbpaste | skillctl event redact -";

const VERIFY_EXAMPLES: &str = "\
Examples:
  skillctl event verify capture.json --primary-key-env BOX_PRIMARY_KEY
  skillctl event verify --body body.bin --headers headers.txt \\
      --primary-key-env BOX_PRIMARY_KEY
  skillctl event verify --body body.bin --signature-primary 'WZ…=' \\
      --timestamp 2026-03-02T09:15:01-08:00 --max-age 10m \\
      --primary-key-env BOX_PRIMARY_KEY

Exit codes: 0 a key made the signature, 1 none did or it is too old, 2 wrong
options or no such capture.";

/// Arguments of `event new`.
#[derive(Clone, Debug, Args)]
pub struct NewArgs {
    /// The local file that the event is about
    pub file: PathBuf,
    /// What happened to it
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub trigger: Trigger,
    /// Its name in Box, where it is another than the local one
    #[arg(long)]
    pub name: Option<String>,
    /// When it happened (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub created_at: Option<Timestamp>,
    /// The file's id [default: a random one]
    #[arg(long, value_name = "ID", value_parser = digits)]
    pub file_id: Option<String>,
    /// The id of the folder the file is in now
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "880100")]
    pub folder_id: String,
    /// The id of the folder a moved file came from
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "880099")]
    pub from_folder_id: String,
    /// The skill's id
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "4711")]
    pub skill_id: String,
    /// The skill's name
    #[arg(long, value_name = "NAME", default_value = "Local Skill")]
    pub skill_name: String,
    /// The enterprise's id
    #[arg(long, value_name = "ID", value_parser = digits, default_value = "700100")]
    pub enterprise_id: String,
    /// Register the event and its file with the mock at this URL, and show the tokens it minted
    #[arg(long = "box", value_name = "URL", value_parser = values::http_url)]
    pub box_url: Option<url::Url>,
    /// The variable that holds the mock's admin token
    #[arg(long, value_name = "VAR")]
    pub admin_token_env: Option<String>,
    /// Write the event to this file
    #[arg(short, long, value_name = "FILE", conflicts_with = "case")]
    pub output: Option<PathBuf>,
    /// Make this folder a case for replay: event.json and a copy of the file as content. Nothing
    /// is registered: replay does that
    #[arg(long, value_name = "DIR")]
    pub case: Option<PathBuf>,
}

/// What happened to the file of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Trigger {
    /// It was uploaded
    #[default]
    Upload,
    /// It was copied into the folder
    Copy,
    /// It was moved into the folder
    Move,
    /// The developer console's test: ids are integers
    ConsoleTest,
}

/// Arguments of `event redact`.
#[derive(Clone, Debug, Args)]
pub struct RedactArgs {
    /// An event, an API Gateway proxy event, or one a line (.jsonl); `-` for standard input
    pub file: PathBuf,
    /// What may stay
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub keep: Vec<Kept>,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What `event redact` may leave as it is.
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
    /// A capture as an API Gateway proxy event; `-` for standard input
    pub file: Option<PathBuf>,
    /// The exact bytes of the body
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub body: Option<PathBuf>,
    /// The headers: one `name: value` a line, or a JSON object
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
    /// The variable that holds the primary key
    #[arg(long, value_name = "VAR")]
    pub primary_key_env: Option<String>,
    /// The variable that holds the secondary key
    #[arg(long, value_name = "VAR")]
    pub secondary_key_env: Option<String>,
    /// Refuse a delivery that is older, or from the future; Box's SDKs allow 10m [default: any age]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub max_age: Option<std::time::Duration>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// An id as Box gives them.
fn digits(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("Box's ids are digits".to_owned())
    }
}
