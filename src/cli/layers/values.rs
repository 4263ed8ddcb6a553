//! The values that a variable or the file gives an option, and how they would be typed.

use clap::{Arg, ArgAction};

use super::{file::Table, given::Given};

/// A source of values other than the command line.
pub(super) enum Layer<'a> {
    Environment(&'a dyn Fn(&str) -> Option<String>),
    File(&'a Table),
}

impl Layer<'_> {
    /// The value of an option, or of an argument that the file names.
    pub(super) fn get(
        &self,
        path: &[String],
        flag: &str,
        argument: &Arg,
    ) -> Result<Option<Given>, String> {
        match self {
            Self::File(table) => Ok(table.get(path, flag).cloned()),
            Self::Environment(_) if argument.is_positional() => Ok(None),
            Self::Environment(variable) => {
                let found = variables(path, flag)
                    .into_iter()
                    .find_map(|name| Some((variable(&name)?, name)));
                let Some((text, name)) = found else {
                    return Ok(None);
                };
                let values = match argument.get_action() {
                    ArgAction::Append => text.lines().map(str::to_owned).collect(),
                    ArgAction::SetTrue => match truth(&text) {
                        Some(truth) => vec![truth.to_string()],
                        None => {
                            return Err(format!(
                                "the variable {name} holds `{text}`; expected true or false"
                            ));
                        }
                    },
                    _ => vec![text],
                };
                Ok(Some(Given {
                    values,
                    place: format!("the variable {name}"),
                }))
            }
        }
    }
}

/// The variables that can hold an option, the most specific first: `SKILLCTL_REPLAY_TIMEOUT`, and
/// for shared options such as `--box` also `SKILLCTL_BOX`.
fn variables(path: &[String], flag: &str) -> Vec<String> {
    const SHARED: [&str; 5] = ["box", "skill", "color", "quiet", "verbose"];
    let upper = |words: &str| words.to_ascii_uppercase().replace('-', "_");
    let mut names = vec![format!(
        "SKILLCTL_{}_{}",
        upper(&path.join("_")),
        upper(flag)
    )];
    if SHARED.contains(&flag) {
        names.push(format!("SKILLCTL_{}", upper(flag)));
    }
    names
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The words that one would type.
pub(super) fn as_typed(argument: &Arg, name: &str, given: &Given) -> Result<Vec<String>, String> {
    let wrong = |value: &str, wanted: &str| {
        Err(format!(
            "{} holds `{value}` for {name}; expected {wanted}",
            given.place
        ))
    };
    match argument.get_action() {
        ArgAction::SetTrue => match given.values.as_slice() {
            [value] if value == "true" => Ok(vec![format!("--{name}")]),
            [value] if value == "false" => Ok(Vec::new()),
            other => wrong(&other.join(", "), "true or false"),
        },
        ArgAction::Count => match given.values.as_slice() {
            [value] => match (value.parse::<u8>(), truth(value)) {
                (Ok(times), _) => Ok(vec![format!("--{name}"); times.into()]),
                (_, Some(on)) => Ok(vec![format!("--{name}"); on.into()]),
                _ => wrong(value, "a small number"),
            },
            other => wrong(&other.join(", "), "a small number"),
        },
        ArgAction::Append if argument.is_positional() => Ok(given.values.clone()),
        ArgAction::Append => Ok(given
            .values
            .iter()
            .map(|value| format!("--{name}={value}"))
            .collect()),
        _ => match given.values.as_slice() {
            [value] => Ok(vec![format!("--{name}={value}")]),
            other => wrong(&other.join(", "), "one value"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_flag_of_every_command_has_a_variable_of_its_own() {
        let mut root = Cli::command();
        root.build();
        let mut names = BTreeSet::new();
        let mut commands = vec![(root.clone(), Vec::new())];
        while let Some((command, path)) = commands.pop() {
            for below in command.get_subcommands() {
                let mut path: Vec<String> = path.clone();
                path.push(below.get_name().to_owned());
                commands.push((below.clone(), path));
            }
            if command.has_subcommands() {
                continue;
            }
            for flag in command.get_arguments().filter_map(Arg::get_long) {
                assert!(names.insert(variables(&path, flag)[0].clone()), "{flag}");
            }
        }
        assert!(names.contains("SKILLCTL_EVENT_NEW_TRIGGER"), "{names:?}");
    }
}
