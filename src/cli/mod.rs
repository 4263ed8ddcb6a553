//! The command line: clap types only, one file per subcommand. `commands` says what they do.

pub mod box_access;
pub mod capture;
pub mod cards;
pub mod completions;
pub mod doctor;
mod domain_values;
pub mod env;
pub mod event;
pub mod fetch;
mod global;
pub mod init;
pub mod layers;
pub mod mock_box;
mod output_format;
pub mod replay;
pub mod report;
pub mod sample_skill;
pub mod schema;
pub mod size;
pub mod skill_url;
pub mod taken;
mod values;

use clap::{Parser, Subcommand};

pub use global::{ColorChoice, Global};
pub use output_format::OutputFormat;

const EXAMPLES: &str = "\
Examples:
  skillctl event new talk.mp3 --case cases/talk
      a case for replay: an event, and the file that it is about
  skillctl replay cases -- node index.js
      start a skill, send it every case, and check its replies and cards
  skillctl mock-box --files inbox --show-cards -- node index.js
      serve a folder as Box, and send the skill an event for each new file
  skillctl cards validate cards.json
      list what Box would refuse
  skillctl replay --help
      list the options of a command, with more examples";

/// Test Box Custom Skills on your own machine.
///
/// Sends captured events to a skill, serves a mock of Box's API to it, and checks, shows and records
/// the cards it writes. Everything runs on this machine; no Box account is needed.
///
/// Options can also be set by environment variables named SKILLCTL_COMMAND_OPTION, such as
/// SKILLCTL_REPLAY_WAIT=1m, and in skillctl.toml in the current folder or a parent. The command line
/// takes precedence over variables, and variables over the file. -v prints where values came from.
#[derive(Debug, Parser)]
#[command(
    name = "skillctl",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
    /// What was taken from variables and from `skillctl.toml`.
    #[arg(skip)]
    pub layers: taken::Layers,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send events to a skill, and check its replies, its calls and its cards
    Replay(Box<replay::ReplayArgs>),
    /// Merge the reports of several replays
    #[command(subcommand, after_help = report::EXAMPLES)]
    Report(report::ReportCommand),
    /// Run a mock of Box's API: files, tokens, metadata, cards
    MockBox(Box<mock_box::MockBoxArgs>),
    /// Validate, render, write and make skill cards
    Cards(cards::CardsArgs),
    /// Make and redact events, and verify their signatures
    #[command(subcommand, after_help = event::EXAMPLES)]
    Event(event::EventCommand),
    /// Download the file of an event: verified by its SHA-1, resumed after a failure
    Fetch(Box<fetch::FetchArgs>),
    /// Print the environment variables that point a skill at a running mock
    Env(env::EnvArgs),
    /// Save real events as cases, with their files and cards
    Capture(Box<capture::CaptureArgs>),
    /// Write a new skill with a case and a CI job
    Init(init::InitArgs),
    /// Report what is set up, and what stops a replay from working
    Doctor(doctor::DoctorArgs),
    /// Print a JSON Schema for an editor
    Schema(schema::SchemaArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print a manual page, or write all of them
    Man(completions::ManArgs),
    /// Run the built-in sample skill (used by `replay --sample-skill`)
    #[command(hide = true)]
    SampleSkill(sample_skill::SampleSkillArgs),
}
