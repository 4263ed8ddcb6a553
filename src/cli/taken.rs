//! What a command line took from the layers below it: variables and `skillctl.toml`.

use std::path::PathBuf;

/// What was taken from the layers below the command line.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The path of `skillctl.toml`, if one was found.
    pub file: Option<PathBuf>,
    /// The files that were left out, and why.
    pub left_out: Vec<String>,
    /// Why the file that was found cannot be used. Only `doctor` runs then, to report it.
    pub unusable: Option<String>,
    /// The values.
    pub taken: Vec<TakenValue>,
}

/// A value that was taken from a variable or the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenValue {
    /// The option, `--wait`, or the argument, `fixtures`.
    pub name: String,
    /// Where the value was given: `the variable SKILLCTL_REPLAY_WAIT`, `skillctl.toml:3`.
    pub place: String,
}
