//! Inserts the values of the lower layers into the command line.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
};

use clap::{Arg, ArgMatches, Command, Id, parser::ValueSource};

use super::{
    file::{Table, key_of},
    values::{Layer, as_typed},
};
use crate::cli::taken::TakenValue;

/// The command line with the values of the lower layers, and these values.
pub(super) type Added = (Vec<OsString>, Vec<TakenValue>);

/// Adds the values of the environment and of the file to the command that is called.
pub(super) fn add(
    root: &Command,
    mut arguments: Vec<OsString>,
    variable: impl Fn(&str) -> Option<String>,
    file: &Table,
) -> Result<Added, String> {
    let relaxed = root.clone().ignore_errors(true);
    let Ok(matches) = relaxed.try_get_matches_from(&arguments) else {
        return Ok((arguments, Vec::new()));
    };
    let path = path_of(&matches);
    let Some((leaf, place)) = leaf(root, &path, &arguments) else {
        return Ok((arguments, Vec::new()));
    };
    let mut present = typed(&matches);
    let (mut words, mut command) = (Vec::new(), Vec::new());
    let mut added = Vec::new();
    for layer in [Layer::Environment(&variable), Layer::File(file)] {
        let above = present.clone();
        for argument in leaf.get_arguments() {
            let Some(name) = key_of(argument) else {
                continue;
            };
            if present.contains(argument.get_id())
                || !goes_with(leaf, argument, &present)
                || is_replaced(argument, &above)
            {
                continue;
            }
            let Some(given) = layer.get(&path, name, argument)? else {
                continue;
            };
            let typed = as_typed(argument, name, &given)?;
            if typed.is_empty() {
                continue;
            }
            present.insert(argument.get_id().clone());
            let name = match argument.get_long() {
                Some(long) => format!("--{long}"),
                None => name.to_owned(),
            };
            let place = given.place;
            added.push(TakenValue { name, place });
            let to = if argument.is_last_set() {
                &mut command
            } else {
                &mut words
            };
            to.extend(typed.into_iter().map(OsString::from));
        }
    }
    arguments.splice(place..place, words);
    if !command.is_empty() {
        arguments.push("--".into());
        arguments.append(&mut command);
    }
    Ok((arguments, added))
}

/// Whether a layer above names another skill, which replaces the one that the argument would start.
fn is_replaced(argument: &Arg, above: &BTreeSet<Id>) -> bool {
    const STARTED: [&str; 3] = ["command", "handler", "sample_skill"];
    let is_named = |id: &str| above.iter().any(|it| it.as_str() == id);
    STARTED.contains(&argument.get_id().as_str())
        && (is_named("skill") || STARTED.into_iter().any(is_named))
}

/// The names of the commands on the way to the one that is called.
fn path_of(matches: &ArgMatches) -> Vec<String> {
    let mut path = Vec::new();
    let mut here = matches;
    while let Some((name, below)) = here.subcommand() {
        path.push(name.to_owned());
        here = below;
    }
    path
}

/// The command that is called, and the index after its name in the command line.
fn leaf<'a>(
    root: &'a Command,
    path: &[String],
    arguments: &[OsString],
) -> Option<(&'a Command, usize)> {
    let mut command = root;
    let mut place = 1;
    for name in path {
        command = command.find_subcommand(name)?;
        let is_name = |word: &OsString| {
            word.to_str()
                .is_some_and(|word| word == name || command.get_all_aliases().any(|it| it == word))
        };
        // `--color never replay`: the value of an option is not a command.
        let is_value = |at: usize| at > 1 && takes_a_value(root, &arguments[at - 1]);
        let at = (place..arguments.len()).find(|at| is_name(&arguments[*at]) && !is_value(*at))?;
        place = at + 1;
    }
    (!path.is_empty() && !command.has_subcommands()).then_some((command, place))
}

/// Whether a word is an option, shared by all commands, whose value is the next word.
fn takes_a_value(root: &Command, word: &OsStr) -> bool {
    let name = word.to_str().and_then(|word| word.strip_prefix("--"));
    name.is_some_and(|name| {
        root.get_arguments().any(|argument| {
            argument.get_long() == Some(name) && argument.get_action().takes_values()
        })
    })
}

/// The options that were typed, those of parent commands included.
fn typed(matches: &ArgMatches) -> BTreeSet<Id> {
    let mut typed = BTreeSet::new();
    let mut here = Some(matches);
    while let Some(matches) = here {
        typed.extend(
            matches
                .ids()
                .filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine))
                .cloned(),
        );
        here = matches.subcommand().map(|(_, below)| below);
    }
    typed
}

/// Whether no present option conflicts with the argument.
fn goes_with(command: &Command, argument: &Arg, present: &BTreeSet<Id>) -> bool {
    let excludes = |one: &Arg, other: &Id| {
        command
            .get_arg_conflicts_with(one)
            .iter()
            .any(|excluded| excluded.get_id() == other)
    };
    let by_conflict = command.get_arguments().any(|other| {
        present.contains(other.get_id())
            && (excludes(argument, other.get_id()) || excludes(other, argument.get_id()))
    });
    let by_group = command.get_groups().any(|group| {
        let members: Vec<&Id> = group.get_args().collect();
        !group.clone().is_multiple()
            && members.contains(&argument.get_id())
            && members.iter().any(|id| present.contains(*id))
    });
    !by_conflict && !by_group
}
