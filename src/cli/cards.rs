//! `skillctl cards …`

use std::path::PathBuf;

use clap::{
    Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    box_access::{AccessArgs, BoxArgs},
    output_format::OutputFormat,
    size::parse_size,
};
use crate::domain::{
    card::validate::Schema,
    cards_from::format::{FORMATS, Format},
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
    /// The subcommand.
    #[command(subcommand)]
    pub command: CardsCommand,
}

/// The subcommands of `skillctl cards`.
#[derive(Clone, Debug, Subcommand)]
pub enum CardsCommand {
    /// Check cards: find what Box refuses, and what its preview displays differently from what you
    /// intended
    Validate(ValidateArgs),
    /// Render cards as Box's preview shows them: as text, HTML, Markdown or JSON
    Render(RenderArgs),
    /// Write cards to a file at Box or at a mock
    Write(Box<WriteArgs>),
    /// Print the cards of a file: the metadata instance as Box stores it
    Get(Box<GetArgs>),
    /// Delete the cards of a file
    Delete(Box<DeleteArgs>),
    /// Make a card from options or files
    New(NewArgs),
    /// Make cards from the result of a machine-learning service, or from subtitles
    From(FromArgs),
}

/// The limit on an input.
#[derive(Clone, Copy, Debug, Args)]
pub struct InputArgs {
    /// The largest input to read: bytes, or with a unit, such as 500k or 1GiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_size)]
    pub max_input: u64,
}

const VALIDATE_EXAMPLES: &str = "\
Examples:
  skillctl cards validate cards.json
  skillctl cards validate --strict --format json out/*.json
  curl -s …/metadata/global/boxSkillsCards | skillctl cards validate -

An input holds a metadata instance, {\"cards\": […]}, a list of cards, a single
card, the body of a skill_invocations call, or records of `mock-box --record`.
Of records, the last cards of each file are checked.

An error is something Box refuses. A warning is something Box accepts but does
not document, or displays differently from what you intended.

Exit codes: 0 no errors, 1 an error (with --strict, or a warning), 2 an input is
not JSON or holds no cards.";

/// Arguments of `skillctl cards validate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = VALIDATE_EXAMPLES)]
pub struct ValidateArgs {
    /// Files with cards; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub strict: bool,
    /// The rules to check by
    #[arg(long, value_enum, default_value_t)]
    pub schema: Schema,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// The limit on the input.
    #[command(flatten)]
    pub input: InputArgs,
}

/// The formats that cards are rendered in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RenderFormat {
    /// Text for a terminal
    #[default]
    Text,
    /// A self-contained page with a working timeline and transcript
    Html,
    /// Markdown
    Markdown,
    /// {"cards": […]} without times, ids and image bytes, for comparisons; for several files, a
    /// line for each file, with its name
    Json,
}

const RENDER_EXAMPLES: &str = "\
Examples:
  skillctl cards render cards.json
  skillctl cards render --full transcript.json | less -R
  skillctl cards render cards.json -o cards.html
      an HTML page: the extension selects the format
  skillctl cards render --format markdown cards.json >> \"$GITHUB_STEP_SUMMARY\"
  skillctl cards render writes.jsonl
      records of `mock-box --record`: the last cards of each file";

/// Arguments of `skillctl cards render`.
#[derive(Clone, Debug, Args)]
#[command(after_help = RENDER_EXAMPLES)]
pub struct RenderArgs {
    /// Files with cards; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The output format [default: by the extension of --output, else text]
    #[arg(long, value_enum)]
    pub format: Option<RenderFormat>,
    /// Write to this file instead of standard output; an existing file is replaced
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Do not shorten long cards (text format)
    #[arg(long)]
    pub full: bool,
    /// The width in columns [default: the terminal's] (text format)
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(20..=400))]
    pub width: Option<u16>,
    /// The id of the file's current version; cards of other versions are left out, as in Box's
    /// preview
    #[arg(long, value_name = "ID")]
    pub file_version: Option<String>,
    /// The limit on the input.
    #[command(flatten)]
    pub input: InputArgs,
}

/// The call that writes cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// The metadata API, /files/{id}/metadata/global/boxSkillsCards
    #[default]
    Metadata,
    /// PUT /skill_invocations/{skill id}, which replaces all cards of the file
    Invocation,
}

/// What happens to the cards that the file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WriteMode {
    /// Replace the cards of the file, or create them
    #[default]
    Upsert,
    /// Create cards; fail if the file has any
    Create,
    /// Replace the cards of the file; fail if it has none
    Replace,
    /// Add to the cards of the file; fail if it has none
    Append,
}

/// The statuses of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum InvocationStatus {
    /// Box has invoked the skill
    Invoked,
    /// The skill is working
    Processing,
    /// The skill has finished and written its cards
    Success,
    /// The skill failed; a retry may succeed
    TransientFailure,
    /// The skill failed, and a retry will fail too
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

Members that a card leaves out are filled in: type and created_at, and skill and
invocation from the event.

Exit codes: 0 written, 1 the cards have an error and nothing was sent, 2 an
option or a file is wrong, 3 Box refused, 130 interrupted.";

/// Arguments of `skillctl cards write`.
#[derive(Clone, Debug, Args)]
#[command(after_help = WRITE_EXAMPLES)]
pub struct WriteArgs {
    /// A file with cards; - reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The file at Box, and the token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// The Box to call.
    #[command(flatten)]
    pub at: BoxArgs,
    /// The call to write with
    #[arg(long, value_enum, default_value_t, value_name = "API")]
    pub via: Via,
    /// What to do with the cards that the file has (only --via metadata) [default: upsert]
    #[arg(long, value_enum)]
    pub mode: Option<WriteMode>,
    /// The id of the skill [default: the event's]
    #[arg(long, value_name = "ID")]
    pub skill_id: Option<String>,
    /// The id of the invocation, for cards without one [default: the event's]
    #[arg(long, value_name = "ID")]
    pub invocation_id: Option<String>,
    /// The status of the invocation (only --via invocation) [default: success]
    #[arg(long, value_enum)]
    pub status: Option<InvocationStatus>,
    /// Print the request, and do not send it
    #[arg(long)]
    pub dry_run: bool,
    /// Send the cards unchanged: fill in nothing, check nothing
    #[arg(long)]
    pub no_validate: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// The limit on the input.
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
    /// The file at Box, and the token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// The Box to call.
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
    /// The file at Box, and the token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// The Box to call.
    #[command(flatten)]
    pub at: BoxArgs,
    /// How to print the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

const NEW_EXAMPLES: &str = "\
Examples:
  skillctl cards new keyword --text Budget --text Forecast
  skillctl cards new timeline --face \"Anna=anna.png@1-5,9-12\" --duration 60
  skillctl cards new transcript --from talk.srt > transcript.json
  skillctl cards new status --code processing --message \"Listening to your file\"
  skillctl cards new keyword --text a | skillctl cards validate -

The card is printed on standard output.";

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
    /// A keyword card: topics
    Keyword(NewKeywordArgs),
    /// A timeline card: faces, and when each one appears
    Timeline(NewTimelineArgs),
    /// A transcript card: lines of speech, from subtitles or plain text
    Transcript(NewTranscriptArgs),
    /// A status card: the state of the skill
    Status(NewStatusArgs),
}

/// The options of every new card.
#[derive(Clone, Debug, Args)]
pub struct NewCommonArgs {
    /// The title [default: Topics, Faces, Transcript, Status or Error]
    #[arg(long)]
    pub title: Option<String>,
    /// The id of the skill
    #[arg(long, value_name = "ID")]
    pub skill_id: Option<String>,
    /// The id of the invocation
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
    /// A topic (repeatable)
    #[arg(long = "text", value_name = "TEXT", required_unless_present = "from")]
    pub texts: Vec<String>,
    /// Read topics from this file, one a line; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The options of every card.
    #[command(flatten)]
    pub common: NewCommonArgs,
    /// The limit on the input.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `skillctl cards new timeline`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new timeline --face \"Anna=anna.png@1-5,9-12\" --duration 60
      a face with a picture, which appears twice in a file of one minute
  skillctl cards new timeline --face \"Anna@0:10\" --face \"Ben=ben.jpg@0:20-0:35\" \\
      --duration 1:00
  skillctl cards new timeline --face Anna=anna.png
      a face in a photo: no times, no duration")]
pub struct NewTimelineArgs {
    /// A face: LABEL=IMAGE@TIMES, where =IMAGE and @TIMES may be left out (repeatable). IMAGE is a
    /// PNG, JPEG or GIF file, which becomes a PNG of 45×45 pixels, or an https URL. TIMES are seconds
    /// or m:ss, such as 1-5,9-12
    #[arg(long = "face", value_name = "FACE", required = true)]
    pub faces: Vec<String>,
    /// The length of the file, in seconds or as m:ss. Without it Box shows no timeline
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// The options of every card.
    #[command(flatten)]
    pub common: NewCommonArgs,
    /// The limit on the input.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `skillctl cards new transcript`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new transcript --from talk.srt > transcript.json
  skillctl cards new transcript --from notes.txt --title Notes
  curl -s https://example.com/talk.vtt | skillctl cards new transcript --from -")]
pub struct NewTranscriptArgs {
    /// Subtitles (.srt, .vtt) or plain text; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// The format of the file, as `cards from --list-formats` names it; auto: by its extension and
    /// content
    #[arg(long = "as", value_name = "FORMAT", default_value = AUTO, hide_possible_values = true, value_parser = format_parser())]
    pub format: FormatName,
    /// The length of the file, in seconds or as m:ss [default: the end of the last line]
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// The options of every card.
    #[command(flatten)]
    pub common: NewCommonArgs,
    /// The limit on the input.
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `skillctl cards new status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl cards new status --code processing --message \"Listening to your file\"
  skillctl cards new status --code skills_pending_status
      a code for which the preview has a text of its own")]
pub struct NewStatusArgs {
    /// The status code: invoked, processing, success, transient_failure, permanent_failure, or a
    /// code for which Box's preview has a text, such as skills_pending_status
    #[arg(long)]
    pub code: String,
    /// The text. Box's preview shows it unless it has a text of its own for the code
    #[arg(long)]
    pub message: Option<String>,
    /// The options of every card.
    #[command(flatten)]
    pub common: NewCommonArgs,
}

/// The name of the choice that recognises the format.
const AUTO: &str = "auto";

/// The format of a result; none if it is to be recognised.
#[derive(Clone, Copy, Debug)]
pub struct FormatName(pub Option<&'static Format>);

/// Reads the name of a format, or `auto`.
fn format_parser() -> impl TypedValueParser<Value = FormatName> {
    let names = FORMATS.iter().map(|format| format.name);
    PossibleValuesParser::new(std::iter::once(AUTO).chain(names))
        .map(|name| FormatName(Format::named(&name)))
}

/// Reads a share from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not a number from 0 to 1; try 0.6".to_owned()),
    }
}

/// How words become lines of a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GroupArg {
    /// A sentence a line
    #[default]
    Sentence,
    /// The words that begin in the same second
    Second,
}

const FROM_EXAMPLES: &str = "\
Examples:
  skillctl cards from transcribe.json --speakers > cards.json
  skillctl cards from vision.json --min-confidence 0.8 | skillctl cards render -
  skillctl cards from index.json --images thumbnails/ \\
      | skillctl cards write - --event event.json
  skillctl cards from talk.srt --duration 12:30
  skillctl cards from --list-formats

The format is recognised by the shape of the result. The cards are printed on
standard output as {\"cards\": […]}, in the order Faces, Text, Topics, Transcript.
Exit codes: 0 cards were made, 2 the result cannot be read, has no known format,
reports an error, or has nothing to make a card of.";

/// Arguments of `skillctl cards from`.
#[derive(Clone, Debug, Args)]
#[command(after_help = FROM_EXAMPLES)]
pub struct FromArgs {
    /// The file with the result, or - for standard input
    #[arg(value_name = "FILE", required_unless_present = "list_formats")]
    pub file: Option<PathBuf>,
    /// The format of the result, as --list-formats names it; auto: by its shape
    #[arg(long = "as", value_name = "FORMAT", default_value = AUTO, hide_possible_values = true, value_parser = format_parser())]
    pub format: FormatName,
    /// List the supported formats, and the cards that each becomes
    #[arg(long)]
    pub list_formats: bool,
    /// The lowest confidence that a topic, face or text may have, from 0 to 1 [default: by format]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub min_confidence: Option<f64>,
    /// Take at most this many topics, those with the highest confidence
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub max_topics: usize,
    /// Take at most this many faces, those with the highest confidence
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub max_faces: usize,
    /// Begin lines of speech with the speaker
    #[arg(long)]
    pub speakers: bool,
    /// How words become lines of a transcript
    #[arg(long, value_enum, default_value_t)]
    pub group: GroupArg,
    /// The folder with the pictures of faces: PNG, JPEG or GIF files that are named for the id,
    /// thumbnail or name of a face. Faces without a picture become topics
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// The length of the file, in seconds or as m:ss [default: that of the result]
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// Keep fractions of seconds. Box accepts them, and documents whole seconds
    #[arg(long)]
    pub fractions: bool,
    /// The skill's id
    #[arg(long, value_name = "ID")]
    pub skill_id: Option<String>,
    /// The invocation's id
    #[arg(long, value_name = "ID")]
    pub invocation_id: Option<String>,
    /// The limit on the input.
    #[command(flatten)]
    pub input: InputArgs,
}
