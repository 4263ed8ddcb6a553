//! The command line: clap types only, one file per subcommand. What they mean is for `commands`.

pub mod box_access;
pub mod cards;
pub mod completions;
pub mod env;
pub mod event;
pub mod fetch;
mod global;
pub mod layers;
pub mod mock_box;
mod output_format;
pub mod replay;
pub mod report;
pub mod sample_skill;
pub mod size;
mod values;

use clap::{Parser, Subcommand};

pub use global::{ColorChoice, Global};
pub use output_format::OutputFormat;

const EXAMPLES: &str = "\
Examples:
  skillctl event new talk.mp3 --case cases/talk
      a case for replay: an event, and the file that it is about
  skillctl replay cases -- node index.js
      start a skill, send it every case, check what it does
  skillctl mock-box --files inbox --show-cards -- node index.js
      drop a file into a folder, and watch the cards appear
  skillctl cards validate cards.json
      what Box would refuse, and where
  skillctl replay --help
      the options of a command, with more examples";

/// Test Box Custom Skills on your own machine.
///
/// Replays captured events against a skill, plays Box for it, and shows, checks and records the
/// cards it writes. Everything runs on this machine; no Box account is needed.
///
/// Every option may also come from a variable, SKILLCTL_COMMAND_OPTION, or from a table of
/// skillctl.toml in the current folder.
#[derive(Debug, Parser)]
#[command(
    name = "skillctl",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = EXAMPLES
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay events to a skill, and check what it does with them
    Replay(Box<replay::ReplayArgs>),
    /// Bring the reports of several replays together
    #[command(subcommand, after_help = report::EXAMPLES)]
    Report(report::ReportCommand),
    /// Play Box for a skill: files, tokens, metadata, every write recorded
    MockBox(Box<mock_box::MockBoxArgs>),
    /// Check, show, write and make skill cards
    Cards(cards::CardsArgs),
    /// Make, scrub and check events
    #[command(subcommand, after_help = event::EXAMPLES)]
    Event(event::EventCommand),
    /// Fetch the file of an event: whole, verified, resumed where it broke
    Fetch(Box<fetch::FetchArgs>),
    /// Print the variables that lead a skill to a running mock
    Env(env::EnvArgs),
    /// Print the script by which a shell completes skillctl
    Completions(completions::CompletionsArgs),
    /// Print the pages of the manual
    Man(completions::ManArgs),
    /// Play a small real skill on a local port (used by `replay --sample-skill`)
    #[command(hide = true)]
    SampleSkill(sample_skill::SampleSkillArgs),
}
