//! The sources of an option's value: the command line, else the environment, else `skillctl.toml`.
//! Values of the lower two are inserted into the command line as if they had been typed, so that
//! clap checks all alike. A value is left out if its option was typed, or conflicts with one that
//! was typed.

mod file;
mod given;
mod schema;

use std::{collections::BTreeSet, ffi::OsString};

use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Id,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use url::Url;

use super::{
    Cli, Command as Called,
    taken::{Layers, TakenValue},
};
use crate::{
    domain::secret::{redact, redact_url, replace_secrets},
    env::config_file::{ConfigFile, ConfigSearch},
};
use file::{Table, key_of};
use given::Given;
pub use schema::config_schema;

impl Cli {
    /// Reads the command line. `variable` returns an environment variable, `config` is the result of
    /// the search for `skillctl.toml`.
    ///
    /// # Errors
    /// Clap's answer; help and version are among them.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<String>,
        config: Result<ConfigSearch, String>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        command.build();
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let refused = |message: String| Self::command().error(ErrorKind::InvalidValue, message);
        let usable = config.and_then(|search| {
            let table = search.file.as_ref().map(|file| file::read(file, &command));
            Ok((table.transpose()?.unwrap_or_default(), search))
        });
        let mut unusable = None;
        let (table, search) = match usable {
            Ok(usable) => usable,
            Err(reason) if calls_doctor(&command, &arguments) => {
                unusable = Some(reason);
                Default::default()
            }
            Err(reason) => return Err(refused(reason)),
        };
        let ConfigSearch { file, left_out } = search;
        let (arguments, added) = match command.clone().try_get_matches_from(&arguments) {
            Err(answer) if !answer.use_stderr() => return Err(answer),
            // A missing option may be given by a variable or the file.
            _ => add(&command, arguments, variable, &table).map_err(refused)?,
        };
        let matches = Self::command()
            .try_get_matches_from(arguments)
            .map_err(|error| with_place(without_credentials(error), &added))
            .map_err(|error| with_left_out(error, &left_out))?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let Some(file) = &file {
            cli.set_config(file, &added);
        }
        cli.layers = Layers {
            file: file.map(|file| file.path),
            left_out,
            unusable,
            taken: added,
        };
        Ok(cli)
    }

    /// Sets the path of the file in the command's arguments, and the folder of its skill's command.
    fn set_config(&mut self, file: &ConfigFile, added: &[TakenValue]) {
        let is_given = added.iter().any(|taken| taken.name == "command");
        // The process is in the current folder already, whose relative path is empty.
        let is_elsewhere = !file.folder().as_os_str().is_empty();
        let folder = (is_given && is_elsewhere).then(|| file.folder().to_owned());
        match &mut self.command {
            Called::Replay(arguments) => {
                arguments.command_folder = folder;
                arguments.config = Some(file.path.clone());
            }
            Called::MockBox(arguments) => {
                arguments.command_folder = folder;
                arguments.config = Some(file.path.clone());
            }
            _ => {}
        }
    }
}

/// Whether the command is `doctor`, which reports a file that cannot be used.
fn calls_doctor(root: &Command, arguments: &[OsString]) -> bool {
    let relaxed = root.clone().ignore_errors(true);
    let matches = relaxed.try_get_matches_from(arguments);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some("doctor"))
}

/// Clap's errors quote the value that was typed. Redacts the secrets in it.
fn without_credentials(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return error;
    };
    let shown = match Url::parse(value) {
        Ok(url) if url.has_host() => redact_url(&url),
        _ => replace_secrets(value, redact),
    };
    error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    error
}

/// The command line with the values of the lower layers, and these values.
type Added = (Vec<OsString>, Vec<TakenValue>);

fn add(
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
        let at = (place..arguments.len()).find(|at| {
            is_name(&arguments[*at])
                && arguments[at - 1]
                    .to_str()
                    .is_none_or(|before| *at == 1 || before != "--color")
        })?;
        place = at + 1;
    }
    (!path.is_empty() && !command.has_subcommands()).then_some((command, place))
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

/// A source of values other than the command line.
enum Layer<'a> {
    Environment(&'a dyn Fn(&str) -> Option<String>),
    File(&'a Table),
}

impl Layer<'_> {
    fn get(&self, path: &[String], flag: &str, argument: &Arg) -> Result<Option<Given>, String> {
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
fn as_typed(argument: &Arg, name: &str, given: &Given) -> Result<Vec<String>, String> {
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

/// Adds to the error of an option that was not typed where its value was given.
fn with_place(error: clap::Error, added: &[TakenValue]) -> clap::Error {
    let Some(ContextValue::String(about)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = about.split([' ', '=']).next().unwrap_or_default();
    let Some(TakenValue { place, .. }) = added.iter().find(|it| it.name == flag) else {
        return error;
    };
    let said = error.render().to_string();
    let first = said.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    Cli::command().error(error.kind(), format!("{first} (from {place})"))
}

/// Adds the files that were left out: without them, arguments may be missing.
fn with_left_out(error: clap::Error, left_out: &[String]) -> clap::Error {
    if left_out.is_empty() || !error.use_stderr() {
        return error;
    }
    let text = error.render().to_string();
    let mut text = text.strip_prefix("error: ").unwrap_or(&text).to_owned();
    for line in left_out {
        text.extend(["\nwarning: ", line, "\n"]);
    }
    clap::Error::raw(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::report::Report;

    fn read(
        words: &str,
        variables: &[(&str, &str)],
        file: Option<&str>,
    ) -> Result<Cli, clap::Error> {
        let words = words.split_whitespace().map(OsString::from);
        let variable = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted)?;
            Some(found.1.to_owned())
        };
        let file = file.map(|text| ConfigFile {
            path: PathBuf::from("skillctl.toml"),
            text: text.to_owned(),
        });
        let config = ConfigSearch {
            file,
            left_out: Vec::new(),
        };
        Cli::read(words, variable, Ok(config))
    }

    fn replay(
        words: &str,
        variables: &[(&str, &str)],
        file: Option<&str>,
    ) -> crate::cli::replay::ReplayArgs {
        match read(words, variables, file).expect("it reads").command {
            Called::Replay(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file() {
        let file = Some("[replay]\nconcurrency = 3\nrepeat = 5\nretries = 7\n");
        let variables = [
            ("SKILLCTL_REPLAY_CONCURRENCY", "20"),
            ("SKILLCTL_REPLAY_REPEAT", "50"),
        ];
        let read = replay(
            "skillctl replay --concurrency 100 --sample-skill a.json",
            &variables,
            file,
        );
        assert_eq!(read.concurrency, Some(100));
        assert_eq!((read.repeat, read.retries), (50, 7));
    }

    #[test]
    fn what_was_typed_drives_out_what_does_not_go_with_it() {
        let variables = [
            ("SKILLCTL_SKILL", "http://127.0.0.1:1/"),
            ("SKILLCTL_BOX", "http://127.0.0.1:2/"),
        ];
        let sample = replay("skillctl replay --sample-skill a.json", &variables, None);
        assert!(sample.skill.is_none());
        assert!(sample.box_url.is_some());
        let without = replay("skillctl replay --no-mock a.json", &variables, None);
        assert!(without.skill.is_some());
        assert!(without.box_url.is_none());
    }

    #[test]
    fn flags_without_a_value_lists_and_counts_are_understood() {
        let file = Some(
            "verbose = 2\n[replay]\nfail-fast = true\nno-check = [\"cards\", \"tokens\"]\nwait = \"1s\"\n",
        );
        let variables = [
            ("SKILLCTL_REPLAY_KEEP", "yes"),
            ("SKILLCTL_REPLAY_UPDATE", "0"),
            ("SKILLCTL_REPLAY_SET", "/a=1\n/b=[1,2]"),
        ];
        let cli =
            read("skillctl replay --sample-skill a.json", &variables, file).expect("it reads");
        assert_eq!(cli.global.verbose, 2);
        let Called::Replay(read) = cli.command else {
            panic!("another command");
        };
        assert!(read.fail_fast && read.keep && !read.update);
        assert_eq!((read.no_check.len(), read.set.len()), (2, 2));
    }

    #[test]
    fn the_command_behind_two_dashes_stays_as_it_is() {
        let read = replay(
            "skillctl replay a.json -- node replay --wait 5",
            &[("SKILLCTL_REPLAY_WAIT", "9s")],
            None,
        );
        assert_eq!(read.command, ["node", "replay", "--wait", "5"]);
        assert_eq!(read.wait.as_secs(), 9);
    }

    #[test]
    fn a_wrong_value_says_where_it_comes_from() {
        let message = |variables: &[(&str, &str)], file| {
            let refused = read("skillctl replay --sample-skill a.json", variables, file);
            let error = refused.expect_err("wrong");
            assert!(error.use_stderr());
            error.to_string()
        };
        for (variables, file, wanted) in [
            (
                &[("SKILLCTL_REPLAY_WAIT", "soon")][..],
                None,
                "from the variable SKILLCTL_REPLAY_WAIT",
            ),
            (
                &[("SKILLCTL_REPLAY_KEEP", "perhaps")],
                None,
                "SKILLCTL_REPLAY_KEEP holds `perhaps`",
            ),
            (
                &[],
                Some("[replay]\n\nrepeat = 0\n"),
                "from skillctl.toml:3",
            ),
            (&[], Some("[replay]\nkeep = 3\n"), "skillctl.toml:2"),
            (
                &[],
                Some("[replay]\nconcurency = 3\n"),
                "skillctl.toml:2: `replay` has no option `concurency`; did you mean `concurrency`?",
            ),
            (
                &[],
                Some("\n[repla]\n"),
                "skillctl.toml:2: there is no command `repla`",
            ),
            (&[], Some("[replay]\nwait = [\n"), "skillctl.toml:2"),
            (
                &[],
                Some("[replay]\ncommand = \"node index.js\"\n"),
                "skillctl.toml:2: `command` must be a list",
            ),
            (
                &[],
                Some("[fetch]\ntoken = \"abc\"\n"),
                "skillctl.toml:2: `token` is a secret",
            ),
        ] {
            let said = message(variables, file);
            assert!(said.contains(wanted), "{wanted}: {said}");
            assert!(!said.contains("abc"), "{said}");
        }
    }

    fn from_parent(words: &str, text: &str) -> crate::cli::replay::ReplayArgs {
        let file = ConfigFile {
            path: PathBuf::from("../skillctl.toml"),
            text: text.to_owned(),
        };
        let words = words.split_whitespace().map(OsString::from);
        let config = ConfigSearch {
            file: Some(file),
            left_out: Vec::new(),
        };
        let cli = Cli::read(words, |_| None, Ok(config)).expect("it reads");
        match cli.command {
            Called::Replay(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    const GATE: &str = "[replay]\nfixtures = [\"cases\", \"more/*.json\"]\n\
        command = [\"node\", \"index.js\", \"--port\"]\nreport = [\"json=out/r.json\"]\n";

    #[test]
    fn a_bare_replay_takes_fixtures_and_command_from_the_file() {
        let read = from_parent("skillctl replay", GATE);
        let paths = ["../cases", "../more/*.json"].map(PathBuf::from);
        assert_eq!(read.fixtures, paths);
        assert_eq!(read.command, ["node", "index.js", "--port"]);
        assert_eq!(read.command_folder, Some(PathBuf::from("..")));
        let Report::File(report) = &read.report[0] else {
            panic!("a file is named");
        };
        assert_eq!(report.path, PathBuf::from("../out/r.json"));
        let typed = from_parent("skillctl replay one.json -- python3 a.py", GATE);
        assert_eq!(typed.fixtures, [PathBuf::from("one.json")]);
        assert_eq!(typed.command, ["python3", "a.py"]);
        assert_eq!(typed.command_folder, None);
    }

    #[test]
    fn a_typed_skill_replaces_the_command_of_the_file() {
        for words in [
            "skillctl replay --skill http://127.0.0.1:1/",
            "skillctl replay --sample-skill",
            "skillctl replay --handler node:index.handler",
        ] {
            let read = from_parent(words, GATE);
            assert!(read.command.is_empty(), "{words}");
            assert_eq!(read.fixtures.len(), 2, "{words}");
        }
        let handler = "[replay]\nhandler = \"node:index.handler\"\n";
        let read = from_parent("skillctl replay a.json", handler);
        assert_eq!(read.handler.as_deref(), Some("node:../index.handler"));
        let read = from_parent("skillctl replay a.json -- node b.js", handler);
        assert!(read.handler.is_none());
    }

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
