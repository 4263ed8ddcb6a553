//! What the process finds around itself: variables, terminals, width. Read once in `main` and
//! handed on; no other module asks the operating system for them. Clocks live here too, so that
//! code that needs the time takes one.

pub mod file_part;
pub mod folder;
pub mod input;
pub mod proxy;

use std::{collections::BTreeMap, io::IsTerminal, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};

/// A source of the present moment, injected so that rules can be tested at any time of day.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock on the wall.
pub fn wall_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// The time zone that clocks on this machine show.
pub fn local_time_zone() -> TimeZone {
    TimeZone::system()
}

/// The surroundings of the process, as they were when it started.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Columns of the terminal, or 100 where there is none.
    pub width: usize,
}

impl Environment {
    /// Reads the variables and looks at the standard streams. Variables that are not UTF-8 are
    /// left out: nothing skillctl reads may be one.
    pub fn read() -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let width = terminal_width(&variables);
        Self {
            variables,
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            width,
        }
    }

    /// Surroundings made up of these variables, without a terminal: for a part of the program that
    /// is run by itself.
    pub fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables: BTreeMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            width: terminal_width(&variables),
            variables,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        }
    }

    /// The variable `name`, where it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Every variable with its value, in the order of the names.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `COLUMNS` beats the terminal's own word, so that a width can be asked for in a pipe.
fn terminal_width(variables: &BTreeMap<String, String>) -> usize {
    const WHERE_NONE_IS_KNOWN: usize = 100;
    let asked = variables
        .get("COLUMNS")
        .and_then(|value| value.parse().ok());
    let own = || {
        [
            rustix::termios::tcgetwinsize(std::io::stdout()),
            rustix::termios::tcgetwinsize(std::io::stderr()),
        ]
        .into_iter()
        .flatten()
        .map(|size| usize::from(size.ws_col))
        .find(|columns| *columns > 0)
    };
    asked
        .or_else(own)
        .unwrap_or(WHERE_NONE_IS_KNOWN)
        .clamp(20, 400)
}
