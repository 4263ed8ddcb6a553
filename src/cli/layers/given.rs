//! A value that the environment or the file gives an option.

/// Options that hold a secret. They are refused in a file.
pub(super) const SECRETS: [&str; 1] = ["token"];

/// A value that was not given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its text, or several for an option that can be repeated.
    pub(super) values: Vec<String>,
    /// Where it was given, for messages.
    pub(super) place: String,
}

/// Whether clap itself adds this option.
pub(super) fn is_of_clap(name: &str) -> bool {
    matches!(name, "help" | "version")
}
