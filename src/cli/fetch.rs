//! `skillctl fetch`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    box_access::{AccessArgs, BoxArgs},
    output_format::OutputFormat,
};

/// Options of `fetch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  skillctl fetch --event event.json
      the file of a captured event, under its own name, checked by Box's SHA-1
  skillctl fetch --file-id 12345 --token-env BOX_TOKEN -o talk.mp4
      the same by an id and a token; started again after Ctrl-C, it goes on
      where it ended
  skillctl fetch --event event.json --as text -o - | wc -w
      the text in it, as Box extracts it
  skillctl fetch --event event.json --box http://127.0.0.1:7269
      from a running `skillctl mock-box`

Exit codes: 0 fetched; 2 wrong command line or event, or the destination exists;
3 Box, the network or the disk; 130 interrupted.")]
pub struct FetchArgs {
    /// Which file, by which token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Which Box.
    #[command(flatten)]
    pub at: BoxArgs,
    /// Another version than the current one
    #[arg(long, value_name = "ID")]
    pub version_id: Option<String>,
    /// Where to: a file, a folder, or - for stdout [default: the file's own name, here]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Fetch it in another form, once Box has made that
    #[arg(
        long = "as",
        value_enum,
        value_name = "FORM",
        conflicts_with = "version_id"
    )]
    pub form: Option<Form>,
    /// The same by a hint of Box's own, such as `jpg?dimensions=1024x1024`
    #[arg(long = "rep", value_name = "HINT", conflicts_with_all = ["form", "version_id"])]
    pub hint: Option<String>,
    /// Print the download URL instead: whoever has it can read the file while the token lives
    #[arg(long, conflicts_with_all = ["output", "force", "form", "hint"])]
    pub url: bool,
    /// How to print what became of it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

/// The forms that Box can make of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The text in it
    Text,
    /// A picture of it
    Jpg,
    /// Its sound
    Mp3,
    /// Its film
    Mp4,
    /// Its pages
    Pdf,
}
