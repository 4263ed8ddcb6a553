//! `skillctl cards …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    box_access::{AccessArgs, BoxArgs},
    output_format::OutputFormat,
    size::parse_size,
};

const EXAMPLES: &str = "\
Examples:
  skillctl cards new keyword --text Budget --text Forecast > cards.json
  skillctl cards validate cards.json
  skillctl cards render cards.json
  skillctl cards write cards.json --event event.json --box http://127.0.0.1:7269
  skillctl cards get --event event.json | skillctl cards render -";

/// Arguments of `skillctl cards`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CardsArgs {
    /// What to do with cards.
    #[command(subcommand)]
    pub command: CardsCommand,
}

/// What to do with cards.
#[derive(Clone, Debug, Subcommand)]
pub enum CardsCommand {
    /// Check cards: what Box refuses, and what its preview shows otherwise than meant
    Validate(ValidateArgs),
    /// Show cards as Box's preview does: on the terminal, as a page, as Markdown or JSON
    Render(RenderArgs),
    /// Write cards onto a file at Box, or at a mock
    Write(Box<WriteArgs>),
    /// Print the cards of a file as Box keeps them: its metadata instance
    Get(Box<GetArgs>),
    /// Take the cards off a file
    Delete(Box<DeleteArgs>),
    /// Make a card from flags or files
    New(NewArgs),
}

/// How much is read of an input.
#[derive(Clone, Copy, Debug, Args)]
pub struct InputArgs {
    /// The most that an input file may have
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_size)]
    pub max_input: u64,
}

/// By which rules cards are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaArg {
    /// What Box is known to refuse is an error
    #[default]
    Box,
    /// All that the published description does not allow is an error
    Documented,
}

const VALIDATE_EXAMPLES: &str = "\
Examples:
  skillctl cards validate cards.json
  skillctl cards validate --strict --format json out/*.json
  curl -s …/metadata/global/boxSkillsCards | skillctl cards validate -

A file holds a metadata instance, {\"cards\": […]}, a list of cards, a single
card, the body of a skill_invocations call, or records of `mock-box --record`:
of these, what each file has at the end.
Exit codes: 0 fine (warnings allowed), 1 an error (with --strict: or a warning),
2 no readable JSON.";

/// Arguments of `skillctl cards validate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = VALIDATE_EXAMPLES)]
pub struct ValidateArgs {
    /// Files with cards; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    pub strict: bool,
    /// By which rules to judge
    #[arg(long, value_enum, default_value_t)]
    pub schema: SchemaArg,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
    /// How much is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// As what cards are rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RenderFormat {
    /// Text for a terminal
    #[default]
    Text,
    /// One self-contained page that works like the preview's sidebar
    Html,
    /// Markdown
    Markdown,
    /// {"cards": […]} with times, ids and image bytes put aside, to be compared; of several files
    /// a line each, with its name
    Json,
}

const RENDER_EXAMPLES: &str = "\
Examples:
  skillctl cards render cards.json
  skillctl cards render --full transcript.json | less -R
  skillctl cards render cards.json -o cards.html
      a page; the ending says the format
  skillctl cards render --format markdown cards.json >> \"$GITHUB_STEP_SUMMARY\"
  skillctl cards render writes.jsonl
      of the records of `mock-box --record`: what each file has at the end";

/// Arguments of `skillctl cards render`.
#[derive(Clone, Debug, Args)]
#[command(after_help = RENDER_EXAMPLES)]
pub struct RenderArgs {
    /// Files with cards; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// As what to render them [default: what the ending of -o says, else text]
    #[arg(long, value_enum)]
    pub format: Option<RenderFormat>,
    /// Write to this file instead of printing; one that is there is replaced
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Show long cards whole (text)
    #[arg(long)]
    pub full: bool,
    /// Lay out for so many columns instead of the terminal's (text)
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(20..=400))]
    pub width: Option<u16>,
    /// The id of the file's current version: cards of another are left out, as the preview does
    #[arg(long, value_name = "ID")]
    pub file_version: Option<String>,
    /// How much is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// By which call cards are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// The metadata API: /files/{id}/metadata/global/boxSkillsCards
    #[default]
    Metadata,
    /// PUT /skill_invocations/{skill id}: replaces all cards of the file
    Invocation,
}

/// What becomes of the cards that are on the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WriteMode {
    /// They are replaced, if there are any
    #[default]
    Upsert,
    /// There must be none
    Create,
    /// They are replaced; there must be some
    Replace,
    /// They stay, and the new ones follow
    Append,
}

/// The statuses of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum InvocationStatus {
    /// Box has called the skill
    Invoked,
    /// The skill works
    Processing,
    /// The skill has written its data
    Success,
    /// It failed; trying again may help
    TransientFailure,
    /// It failed for good
    PermanentFailure,
}

const WRITE_EXAMPLES: &str = "\
Examples:
  skillctl cards write cards.json --event event.json --box http://127.0.0.1:7269
  skillctl cards write cards.json --event event.json --dry-run
  skillctl cards write cards.json --file-id 12345 --token-env BOX_TOKEN \\
      --mode append
  skillctl cards write cards.json --event event.json --via invocation \\
      --status processing

What a card leaves out is filled in: type, created_at, and skill and invocation
from the event.
Exit codes: 0 written, 1 the cards have an error and nothing was sent, 2 wrong
options or files, 3 Box refused, 130 interrupted.";

/// Arguments of `skillctl cards write`.
#[derive(Clone, Debug, Args)]
#[command(after_help = WRITE_EXAMPLES)]
pub struct WriteArgs {
    /// The file with cards; - is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which file at Box, by which token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Which Box.
    #[command(flatten)]
    pub at: BoxArgs,
    /// By which call
    #[arg(long, value_enum, default_value_t)]
    pub via: Via,
    /// What becomes of the cards that are there (metadata) [default: upsert]
    #[arg(long, value_enum)]
    pub mode: Option<WriteMode>,
    /// The skill's id; by default the event's
    #[arg(long, value_name = "ID")]
    pub skill_id: Option<String>,
    /// The invocation's id, for cards that name none; by default the event's
    #[arg(long, value_name = "ID")]
    pub invocation_id: Option<String>,
    /// The status of the invocation (invocation) [default: success]
    #[arg(long, value_enum)]
    pub status: Option<InvocationStatus>,
    /// Print the request instead of sending it
    #[arg(long)]
    pub dry_run: bool,
    /// Send the cards as they are: nothing filled in, nothing checked
    #[arg(long)]
    pub no_validate: bool,
    /// How to print what became of it
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
    /// How much is read.
    #[command(flatten)]
    pub input: InputArgs,
}

const GET_EXAMPLES: &str = "\
Examples:
  skillctl cards get --event event.json
  skillctl cards get --file-id 12345 --token-env BOX_TOKEN > instance.json";

/// Arguments of `skillctl cards get`.
#[derive(Clone, Debug, Args)]
#[command(after_help = GET_EXAMPLES)]
pub struct GetArgs {
    /// Which file, by which token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Which Box.
    #[command(flatten)]
    pub at: BoxArgs,
}

const DELETE_EXAMPLES: &str = "\
Examples:
  skillctl cards delete --event event.json --box http://127.0.0.1:7269";

/// Arguments of `skillctl cards delete`.
#[derive(Clone, Debug, Args)]
#[command(after_help = DELETE_EXAMPLES)]
pub struct DeleteArgs {
    /// Which file, by which token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Which Box.
    #[command(flatten)]
    pub at: BoxArgs,
    /// How to print what became of it
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

const NEW_EXAMPLES: &str = "\
Examples:
  skillctl cards new keyword --text Budget --text Forecast
  skillctl cards new timeline --face \"Anna=anna.png@1-5,9-12\" --duration 60
  skillctl cards new transcript --from talk.srt > transcript.json
  skillctl cards new status --code processing --message \"Listening to your file\"
  skillctl cards new keyword --text a | skillctl cards validate -

The card goes to stdout.";

/// Arguments of `skillctl cards new`.
#[derive(Clone, Debug, Args)]
#[command(after_help = NEW_EXAMPLES)]
pub struct NewArgs {
    /// The kind of card.
    #[command(subcommand)]
    pub kind: NewKind,
}

/// The kind of card to make.
#[derive(Clone, Debug, Subcommand)]
pub enum NewKind {
    /// Topics, shown as pills
    Keyword(NewKeywordArgs),
    /// Faces, with a bar of when each appears
    Timeline(NewTimelineArgs),
    /// Lines of speech, from subtitles or plain text
    Transcript(NewTranscriptArgs),
    /// How the skill is doing
    Status(NewStatusArgs),
}

/// What every new card takes.
#[derive(Clone, Debug, Args)]
pub struct NewCommonArgs {
    /// The title; by default the one that the preview gives the kind
    #[arg(long)]
    pub title: Option<String>,
    /// The skill's id
    #[arg(long, value_name = "ID")]
    pub skill_id: Option<String>,
    /// The invocation's id
    #[arg(long, value_name = "ID")]
    pub invocation_id: Option<String>,
}

/// Arguments of `skillctl cards new keyword`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new keyword --text Budget --text Forecast
  skillctl cards new keyword --title Languages --from languages.txt")]
pub struct NewKeywordArgs {
    /// A topic; can be given several times
    #[arg(long = "text", value_name = "TEXT", required_unless_present = "from")]
    pub texts: Vec<String>,
    /// A file with a topic a line; - is stdin
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// What every card takes.
    #[command(flatten)]
    pub common: NewCommonArgs,
    /// How much is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `skillctl cards new timeline`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new timeline --face \"Anna=anna.png@1-5,9-12\" --duration 60
      Anna's picture, and a bar of a minute in which she appears twice
  skillctl cards new timeline --face \"Anna@0:10\" --face \"Ben=ben.jpg@0:20-0:35\" \\
      --duration 1:00
  skillctl cards new timeline --face Anna=anna.png
      of a photo: no times, no duration")]
pub struct NewTimelineArgs {
    /// LABEL=IMAGE@TIMES; can be given several times. The image is a PNG, JPEG or GIF file, made
    /// into a 45×45 PNG, or an https address; times are seconds or m:ss, like 1-5,9-12
    #[arg(long = "face", value_name = "FACE", required = true)]
    pub faces: Vec<String>,
    /// The length of the file: seconds or m:ss. Without it Box shows no timeline
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// What every card takes.
    #[command(flatten)]
    pub common: NewCommonArgs,
    /// How much is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// The format of a file of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SubtitleFormat {
    /// SubRip
    Srt,
    /// WebVTT
    Vtt,
    /// Plain text, a line an entry
    Txt,
}

/// Arguments of `skillctl cards new transcript`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new transcript --from talk.srt > transcript.json
  skillctl cards new transcript --from notes.txt --title Notes
  curl -s https://example.com/talk.vtt | skillctl cards new transcript --from -")]
pub struct NewTranscriptArgs {
    /// Subtitles (.srt, .vtt) or plain text; - is stdin
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// The format of the file; by default told by its ending and its look
    #[arg(long = "as", value_name = "FORMAT", value_enum)]
    pub format: Option<SubtitleFormat>,
    /// The length of the file: seconds or m:ss; by default the end of the last line
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// What every card takes.
    #[command(flatten)]
    pub common: NewCommonArgs,
    /// How much is read.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `skillctl cards new status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new status --code processing --message \"Listening to your file\"
  skillctl cards new status --code skills_pending_status
      a code that the preview has its own text for")]
pub struct NewStatusArgs {
    /// The status code: invoked, processing, success, transient_failure, permanent_failure, or
    /// one that the preview has a text for, like skills_pending_status
    #[arg(long)]
    pub code: String,
    /// The text; the preview shows it for codes that it does not know itself
    #[arg(long)]
    pub message: Option<String>,
    /// What every card takes.
    #[command(flatten)]
    pub common: NewCommonArgs,
}
