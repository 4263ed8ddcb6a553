//! `skillctl.toml`, read into the command line of a command with many flags.

use std::ffi::OsString;

use skillctl::{
    cli::Cli,
    env::config_file::{ConfigFile, ConfigSearch},
};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let words = ["skillctl", "replay", "--sample-skill", "a.json"].map(OsString::from);
    let config = ConfigSearch {
        file: Some(ConfigFile {
            path: "../skillctl.toml".into(),
            text: text.to_owned(),
        }),
        left_out: Vec::new(),
    };
    if let Err(error) = Cli::read(words, |_| None, Ok(config)) {
        assert!(error.use_stderr(), "a file asks for help or the version");
        assert!(!error.to_string().is_empty());
    }
}
