//! The sources of an option's value: the command line, else the environment, else `skillctl.toml`.
//! Values of the lower two are inserted into the command line as if they had been typed, so that
//! clap checks all alike. A value is left out if its option was typed, or conflicts with one that
//! was typed.

mod command_line;
mod errors;
mod file;
mod given;
mod schema;
mod values;

use std::ffi::OsString;

use clap::{Command, CommandFactory, FromArgMatches, error::ErrorKind};

use super::{
    Cli, Command as Called,
    taken::{Layers, TakenValue},
};
use crate::env::config_file::{ConfigFile, ConfigSearch};
use command_line::add;
use errors::{with_left_out, with_place, without_credentials};
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
        let (command_folder, config) = match &mut self.command {
            Called::Replay(arguments) => (&mut arguments.command_folder, &mut arguments.config),
            Called::MockBox(arguments) => (&mut arguments.command_folder, &mut arguments.config),
            _ => return,
        };
        *command_folder = folder;
        *config = Some(file.path.clone());
    }
}

/// Whether the command is `doctor`, which reports a file that cannot be used.
fn calls_doctor(root: &Command, arguments: &[OsString]) -> bool {
    let relaxed = root.clone().ignore_errors(true);
    let matches = relaxed.try_get_matches_from(arguments);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some("doctor"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::{replay::ReplayArgs, report::Report};

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

    fn replay(words: &str, variables: &[(&str, &str)], file: Option<&str>) -> ReplayArgs {
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

    fn from_parent(words: &str, text: &str) -> ReplayArgs {
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
}
