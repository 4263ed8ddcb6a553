//! `skillctl.toml`: a table for each command, a key for each of its options. The whole file is
//! checked, whichever command is called, so that a misspelt key is never ignored silently.

use std::collections::BTreeMap;

use clap::{Arg, Command};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::given::{Given, SECRETS, is_of_clap};
use crate::domain::json::position::place;

/// What the file is called; it is looked for in the current folder.
pub const NAME: &str = "skillctl.toml";

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

/// Reads the text against the commands that there are.
pub(super) fn read(text: &str, root: &Command) -> Result<Table, String> {
    let parsed = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        format!("{}: invalid TOML: {}", at_line(text, at), error.message())
    })?;
    let mut table = Table::default();
    Reader {
        text,
        table: &mut table,
    }
    .table(parsed.get_ref(), root, &[])?;
    Ok(table)
}

struct Reader<'a> {
    text: &'a str,
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
            let line = at_line(self.text, key.span().start);
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
            if !flags(command).any(|flag| flag == name) {
                let owner = match path {
                    [] => "skillctl".to_owned(),
                    path => path.join(" "),
                };
                return Err(format!(
                    "{line}: `{owner}` has no option `{name}`{}",
                    suggestion(name, flags(command))
                ));
            }
            let values = values(value).ok_or_else(|| {
                format!("{line}: the value of `{name}` must be a string, a number, a boolean or a list of them")
            })?;
            let given = Given {
                values,
                place: line,
            };
            self.table
                .values
                .insert((path.to_vec(), name.to_owned()), given);
        }
        Ok(())
    }
}

fn flags(command: &Command) -> impl Iterator<Item = &str> {
    command
        .get_arguments()
        .filter_map(Arg::get_long)
        .filter(|name| !is_of_clap(name))
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

fn at_line(text: &str, offset: usize) -> String {
    format!("{NAME}:{}", place(text, offset).line)
}
