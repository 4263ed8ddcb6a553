//! The help of every command: it has examples, and each of them is a command line that reads.

use clap::{Command, CommandFactory};
use skillctl::cli::Cli;

use crate::support::skillctl;

/// Every command by the words that call it, hidden ones too.
fn commands(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for below in command.get_subcommands() {
        if below.get_name() != "help" {
            let path = [path, &[below.get_name().to_owned()]].concat();
            commands(below, &path, found);
        }
    }
}

fn all() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    commands(&Cli::command(), &[], &mut found);
    assert!(found.len() > 20, "the walk found the commands: {found:?}");
    found
}

fn help_of(path: &[String]) -> String {
    let output = skillctl()
        .args(path)
        .arg("--help")
        .output()
        .expect("it runs");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{path:?}"
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The lines below "Examples:" that are command lines: two columns in; what is said of them is
/// further in.
fn examples(help: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    let mut lines: Vec<String> = Vec::new();
    for line in below.take_while(|line| !line.is_empty()) {
        match lines.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push_str(line.trim());
            }
            _ if line.starts_with("   ") => {}
            _ => lines.push(line.trim().to_owned()),
        }
    }
    lines
}

/// The commands of a line of shell, as words: quotes are taken off, and what a pipe, a
/// redirection, `&&` or `$(…)` separates is split. No more of a shell than examples use.
fn calls(line: &str) -> Vec<Vec<String>> {
    let (mut calls, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let opens = letter == '$' && letters.peek() == Some(&'(');
        let ends = matches!(letter, '|' | '&' | '>' | '<' | ';' | ')') && quote != Some('\'');
        match (quote, letter) {
            _ if opens || (ends && (quote.is_none() || letter == ')')) => {
                words.extend(word.take());
                calls.push(std::mem::take(&mut words));
                quote = None;
                if opens {
                    letters.next();
                }
            }
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    calls.push(words);
    calls.retain(|words| words.first().is_some_and(|first| first == "skillctl"));
    calls
}

/// The command at the end of a path.
fn command(path: &[String]) -> Command {
    let named = |command: Command, name: &String| {
        let below = command.find_subcommand(name);
        below.expect("it is there").clone()
    };
    path.iter().fold(Cli::command(), named)
}

#[test]
fn text_below_the_options_fits_80_columns() {
    for path in all() {
        let below = command(&path).get_after_help().map(ToString::to_string);
        let help = help_of(&path);
        for line in below.unwrap_or_default().lines() {
            let line = line.trim_end();
            assert!(
                help.lines().any(|shown| shown.trim_end() == line),
                "{path:?} breaks this line, and nobody can copy it:\n{line}"
            );
        }
    }
}

#[test]
fn every_command_has_examples_of_its_own() {
    for path in all() {
        let help = help_of(&path);
        let calls: Vec<_> = examples(&help).iter().flat_map(|it| calls(it)).collect();
        assert!(
            calls.iter().any(|words| words[1..].starts_with(&path)),
            "`skillctl {} --help` shows no example of it:\n{help}",
            path.join(" ")
        );
    }
}

#[test]
fn every_example_is_a_valid_command_line() {
    for path in all() {
        for line in examples(&help_of(&path)) {
            for words in calls(&line) {
                let read = Cli::command().try_get_matches_from(&words);
                let wrong = read.err().filter(clap::Error::use_stderr);
                assert!(wrong.is_none(), "{line}\n{}", wrong.expect("an error"));
            }
        }
    }
}

#[test]
fn lines_of_shell_are_split() {
    let words = |line| {
        calls(line)
            .iter()
            .map(|it| it.join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(words("eval \"$(skillctl env)\""), ["skillctl env"]);
    assert_eq!(
        words("a | skillctl b --c 'd | e' > f && skillctl g"),
        ["skillctl b --c d | e", "skillctl g"]
    );
    assert_eq!(words("curl http://127.0.0.1/"), Vec::<String>::new());
}
