//! The environment of the process: variables, terminals, width. Read once in `main` and passed on; no
//! other module asks the operating system for them. Clocks are here too; code that needs the time
//! takes one.

pub mod activity;
pub mod certificates;
pub mod config_file;
pub mod file_part;
pub mod folder;
pub mod input;
pub mod programs;
pub mod proxy;

use std::{collections::BTreeMap, io::IsTerminal, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

/// Returns the present time. Injected, so that rules can be tested at any time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock.
pub fn wall_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// The time zone of this machine.
pub fn local_time_zone() -> TimeZone {
    TimeZone::system()
}

/// The environment of the process at its start.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The words of the command line, the program's name first. Bytes that are not UTF-8 are replaced.
    pub command_line: Vec<String>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// The width of the terminal in columns, or 100 without a terminal.
    pub width: usize,
}

impl Environment {
    /// Reads the variables, and looks at the standard streams. Variables that are not UTF-8 are left
    /// out.
    pub fn read() -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let width = terminal_width(&variables);
        Self {
            variables,
            command_line: std::env::args_os()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            width,
        }
    }

    /// An environment with these variables and without a terminal, for tests and benchmarks.
    pub fn from_variables<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables: BTreeMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            width: terminal_width(&variables),
            variables,
            command_line: Vec::new(),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        }
    }

    /// The variable `name`, if it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The same with these variables replaced, or without them where there is no value.
    #[must_use]
    pub fn replacing<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Option<String>)>,
    ) -> Self {
        let mut changed = self.clone();
        for (name, value) in values {
            match value {
                Some(value) => changed.variables.insert(name.to_owned(), value),
                None => changed.variables.remove(name),
            };
        }
        changed
    }

    /// Whether the variable `name` is set, if only to an empty value.
    pub fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// All variables, sorted by name.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `COLUMNS` takes precedence over the terminal, so that a width can be set in a pipe.
fn terminal_width(variables: &BTreeMap<String, String>) -> usize {
    const DEFAULT_WIDTH: usize = 100;
    let from_variable = variables
        .get("COLUMNS")
        .and_then(|value| value.parse().ok());
    let from_terminal = || {
        [
            rustix::termios::tcgetwinsize(std::io::stdout()),
            rustix::termios::tcgetwinsize(std::io::stderr()),
        ]
        .into_iter()
        .flatten()
        .map(|size| usize::from(size.ws_col))
        .find(|columns| *columns > 0)
    };
    from_variable
        .or_else(from_terminal)
        .unwrap_or(DEFAULT_WIDTH)
        .clamp(20, 400)
}
