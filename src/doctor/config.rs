//! What the command line knows of `skillctl.toml`.

use std::path::PathBuf;

/// What the command line knows of `skillctl.toml`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file that is used.
    pub used: Option<PathBuf>,
    /// What `replay` takes from the file and from variables: each option with its place.
    pub settings: Vec<String>,
    /// Files that are not used, each in a sentence with the reason.
    pub left_out: Vec<String>,
    /// Why the file that would be used cannot be.
    pub unreadable: Option<String>,
    /// The program that the file starts as the skill.
    pub program: Option<String>,
}
