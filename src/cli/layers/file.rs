//! `skillctl.toml`: a table for each command, a key for each of its options. The whole file is
//! checked, whichever command is called, so that a misspelt key is never ignored silently.

use std::{any::TypeId, collections::BTreeMap, path::PathBuf};

use clap::{Arg, Command};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::given::{Given, SECRETS, is_of_clap};
use crate::{
    domain::json::position::place,
    env::{config_file::ConfigFile, input::STDIN},
};

/// The values of the file, by command and option.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    values: BTreeMap<(Vec<String>, String), Given>,
}

impl Table {
    /// The value of an option of the command at `path`. Keys above all tables are for all commands.
    pub(super) fn get(&self, path: &[String], flag: &str) -> Option<&Given> {
        let at = |path: &[String]| self.values.get(&(path.to_vec(), flag.to_owned()));
        at(path).or_else(|| at(&[]))
    }
}

/// Reads the file and checks it against the commands.
pub(super) fn read(file: &ConfigFile, root: &Command) -> Result<Table, String> {
    let mut table = Table::default();
    let mut reader = Reader {
        file,
        table: &mut table,
    };
    let parsed = DeTable::parse(&file.text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        format!("{}: invalid TOML: {}", reader.line(start), error.message())
    })?;
    reader.table(parsed.get_ref(), root, &[])?;
    Ok(table)
}

struct Reader<'a> {
    file: &'a ConfigFile,
    table: &'a mut Table,
}

impl Reader<'_> {
    fn table(
        &mut self,
        table: &DeTable<'_>,
        command: &Command,
        path: &[String],
    ) -> Result<(), String> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let line = self.line(key.span().start);
            if let DeValue::Table(below) = value.get_ref() {
                let called = command.get_subcommands().find(|it| it.get_name() == name);
                let called = called.ok_or_else(|| {
                    let names = command.get_subcommands().map(Command::get_name);
                    format!(
                        "{line}: there is no command `{name}`{}",
                        suggestion(name, names)
                    )
                })?;
                let mut path = path.to_vec();
                path.push(name.to_owned());
                self.table(below, called, &path)?;
                continue;
            }
            if SECRETS.contains(&name) {
                return Err(format!(
                    "{line}: `{name}` is a secret; put it into an environment variable, not into a file"
                ));
            }
            if !keys(command).any(|key| key == name) {
                let owner = match path {
                    [] => "skillctl".to_owned(),
                    path => path.join(" "),
                };
                return Err(format!(
                    "{line}: `{owner}` has no option `{name}`{}",
                    suggestion(name, keys(command))
                ));
            }
            let values = values(value).ok_or_else(|| {
                format!("{line}: the value of `{name}` must be a string, a number, a boolean or a list of them")
            })?;
            if name == "command" && !matches!(value.get_ref(), DeValue::Array(_)) {
                return Err(format!(
                    "{line}: `command` must be a list, such as [\"node\", \"index.js\"]"
                ));
            }
            let given = Given {
                values: self.relative_to_the_file(command, name, values),
                place: line,
            };
            self.table
                .values
                .insert((path.to_vec(), name.to_owned()), given);
        }
        Ok(())
    }

    /// Makes the paths in the values of an argument relative to the current folder.
    fn relative_to_the_file(
        &self,
        command: &Command,
        name: &str,
        values: Vec<String>,
    ) -> Vec<String> {
        let folder = self.file.folder();
        let argument = command.get_arguments().find(|it| key_of(it) == Some(name));
        if folder.as_os_str().is_empty() {
            return values;
        }
        let is_path =
            argument.is_some_and(|it| it.get_value_parser().type_id() == TypeId::of::<PathBuf>());
        let join = |value: String| {
            // FORMAT=FILE, RUNTIME:FILE.FUNCTION
            let separator = match name {
                "report" => Some('='),
                "handler" => Some(':'),
                _ => None,
            };
            match separator.and_then(|it| value.split_once(it).zip(Some(it))) {
                Some(((before, path), separator)) => {
                    format!("{before}{separator}{}", folder.join(path).display())
                }
                None if is_path && value != STDIN => folder.join(value).display().to_string(),
                None => value,
            }
        };
        values.into_iter().map(join).collect()
    }

    fn line(&self, offset: usize) -> String {
        let line = place(&self.file.text, offset).line;
        format!("{}:{line}", self.file.path.display())
    }
}

/// The name of an argument in the file, if it can be given there: an option by its long name, and
/// of the positional ones the fixtures and the command of a skill.
pub(super) fn key_of(argument: &Arg) -> Option<&str> {
    let long = argument.get_long().filter(|name| !is_of_clap(name));
    let positional = || {
        let id = argument.get_id().as_str();
        (argument.is_positional() && matches!(id, "fixtures" | "command")).then_some(id)
    };
    long.or_else(positional)
}

fn keys(command: &Command) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(key_of)
}

/// `; did you mean …?`
fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    const MIN_SIMILARITY: f64 = 0.8;
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map_or_else(String::new, |(_, known)| {
            format!("; did you mean `{known}`?")
        })
}

fn values(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(|item| scalar(item.get_ref())).collect(),
        other => Some(vec![scalar(other)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) => number.as_str().replace('_', ""),
        DeValue::Float(number) => number.as_str().replace('_', ""),
        DeValue::Boolean(truth) => truth.to_string(),
        _ => return None,
    })
}
