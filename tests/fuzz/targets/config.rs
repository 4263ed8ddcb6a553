//! `skillctl.toml`, read into the command line of a command with many flags.

use std::ffi::OsString;

use skillctl::cli::Cli;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let words = ["skillctl", "replay", "--sample-skill", "a.json"].map(OsString::from);
    if let Err(error) = Cli::read(words, |_| None, Ok(text.to_owned())) {
        assert!(error.use_stderr(), "a file asks for help or the version");
        assert!(!error.to_string().is_empty());
    }
}
