//! A value that a lower layer gives a flag, and which flags no layer may give.

/// Flags that hold a secret, which has no place in a file.
pub(super) const SECRETS: [&str; 1] = ["token"];

/// A value that was given elsewhere than on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its text, or several where a flag may be repeated.
    pub(super) values: Vec<String>,
    /// Where it stands, for messages.
    pub(super) place: String,
}

/// Flags that clap adds by itself.
pub(super) fn is_of_clap(name: &str) -> bool {
    matches!(name, "help" | "version")
}
