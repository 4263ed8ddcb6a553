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
      download the file of a captured event under its own name; check its SHA-1
  skillctl fetch --file-id 12345 --token-env BOX_TOKEN -o talk.mp4
      download a file by its id; the same command resumes it after Ctrl-C
  skillctl fetch --event event.json --as text -o - | wc -w
      count the words of the text that Box extracts
  skillctl fetch --event event.json --box http://127.0.0.1:7269
      download it from a running `skillctl mock-box`

Exit codes: 0 fetched, 2 an option or the event is wrong or the destination
exists, 3 Box, the network or the disk failed, 130 interrupted.")]
pub struct FetchArgs {
    /// The file at Box, and the token.
    #[command(flatten)]
    pub access: AccessArgs,
    /// The Box to call.
    #[command(flatten)]
    pub at: BoxArgs,
    /// The id of the version to download [default: the current one]
    #[arg(long, value_name = "ID")]
    pub version_id: Option<String>,
    /// Write to this file or folder; - is standard output [default: the file's own name, in the
    /// current folder]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Download this representation of the file; waits until Box has made it
    #[arg(
        long = "as",
        value_enum,
        value_name = "FORM",
        conflicts_with = "version_id"
    )]
    pub form: Option<Form>,
    /// Download the representation that matches this X-Rep-Hints value, such as
    /// jpg?dimensions=1024x1024
    #[arg(long = "rep", value_name = "HINT", conflicts_with_all = ["form", "version_id"])]
    pub hint: Option<String>,
    /// Print the download URL instead. The URL holds the token: everyone who has it can read the
    /// file until the token expires
    #[arg(long, conflicts_with_all = ["output", "force", "form", "hint"])]
    pub url: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

/// The representations that have a name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The extracted text
    Text,
    /// An image of the first page or frame
    Jpg,
    /// The sound
    Mp3,
    /// The film
    Mp4,
    /// The pages, as PDF
    Pdf,
}
