//! `skillctl completions` and `skillctl man`: both are generated from the clap types.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{
    cli::{
        Cli,
        completions::{CompletionsArgs, ManArgs},
    },
    env::folder::PrivateFolder,
    exit::{Outcome, Problem},
    terminal::Terminal,
};

/// The name of the program in scripts and pages.
const NAME: &str = "skillctl";

/// Completion of `--report FORMAT=FILE` and `--handler RUNTIME:FILE.FUNCTION` in zsh, which clap
/// completes as any file.
const ZSH_VALUES: &str = r"
_skillctl_report() {
  if compset -P '*='; then _files; else compadd -S '=' -- junit json markdown html; compadd -- github; fi
}
_skillctl_handler() {
  if compset -P '*:'; then _files -g '*.(js|mjs|cjs|py)'; else compadd -S ':' -- node python; fi
}
";

/// The same in bash. What follows `=` or `:` is a word of its own there, and completes as a file.
const BASH_VALUES: [(&str, &str); 2] = [
    ("--report", "junit= json= markdown= html= github"),
    ("--handler", "node: python:"),
];

/// Prints a completion script.
pub(super) fn completions(arguments: &CompletionsArgs, terminal: &Terminal) {
    let mut script = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(arguments.shell, &mut command, NAME, &mut script);
    let hidden = command.get_subcommands().filter(|it| it.is_hide_set());
    let script = hidden.fold(
        String::from_utf8_lossy(&script).into_owned(),
        |script, hidden| without_command(&script, hidden.get_name()),
    );
    let script = match arguments.shell {
        Shell::Bash => with_bash_values(&script),
        Shell::Zsh => with_zsh_values(&script),
        _ => script,
    };
    terminal.out_raw(script.as_bytes());
}

/// The script of bash, zsh or fish without the suggestion of a command: clap completes hidden ones
/// too.
fn without_command(script: &str, name: &str) -> String {
    let (zsh, fish) = (format!("'{name}:"), format!("-a \"{name}\""));
    let is_kept = |line: &&str| !line.starts_with(&zsh) && !line.contains(&fish);
    let lines = script.lines().filter(is_kept);
    let lines = lines.map(|line| {
        if line.trim_start().starts_with("opts=") {
            format!("{}\n", line.replace(&format!(" {name} "), " "))
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

fn with_zsh_values(script: &str) -> String {
    let script = script
        .replace(":FORMAT=FILE:_default", ":FORMAT=FILE:_skillctl_report")
        .replace(
            ":RUNTIME:FILE.FUNCTION:_default",
            ":RUNTIME\\:FILE.FUNCTION:_skillctl_handler",
        );
    script.replacen(
        "\n_skillctl() {",
        &format!("{ZSH_VALUES}\n_skillctl() {{"),
        1,
    )
}

fn with_bash_values(script: &str) -> String {
    let files = "COMPREPLY=($(compgen -f \"${cur}\"))";
    BASH_VALUES
        .iter()
        .fold(script.to_owned(), |script, (flag, values)| {
            let words = format!(
                "COMPREPLY=($(compgen -W \"{values}\" -- \"${{cur}}\"))
                    [[ ${{COMPREPLY[0]}} == *[=:] ]] && compopt -o nospace"
            );
            let arm = |action: &str| format!("{flag})\n                    {action}");
            script.replace(&arm(files), &arm(&words))
        })
}

/// Prints a manual page, or writes all of them to a folder.
pub(super) fn man(arguments: &ManArgs, terminal: &Terminal) -> Outcome {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    if let Some(folder) = &arguments.dir {
        return fs::create_dir_all(folder)
            .and_then(|()| write_pages(&root, folder))
            .map_err(|error| {
                Problem::new(format!("cannot write to {}: {error}", folder.display())).outside()
            });
    }
    let mut command = &root;
    for name in &arguments.command {
        command = command.find_subcommand(name).ok_or_else(|| {
            Problem::new(format!(
                "there is no command `{}`",
                arguments.command.join(" ")
            ))
            .usage()
        })?;
    }
    let page = page(command)
        .map_err(|error| Problem::new(format!("cannot generate the page: {error}")).outside())?;
    if !terminal.out_is_terminal || !show_in_pager(&page) {
        terminal.out_raw(page.as_bytes());
    }
    Ok(())
}

/// Shows a page with `man`, which formats and pages it. False where `man` cannot be started.
fn show_in_pager(page: &str) -> bool {
    let Ok(folder) = PrivateFolder::new("skillctl-man-") else {
        return false;
    };
    // An argument with a slash is a file, for the `man` of Linux and of macOS.
    let path = folder.path().join("skillctl.1");
    fs::write(&path, page).is_ok() && std::process::Command::new("man").arg(path).status().is_ok()
}

/// Writes the pages of a command and its subcommands.
fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write_pages(below, folder)?;
    }
    let name = Man::new(command.clone()).get_filename();
    fs::write(folder.join(name), page(command)?)
}

/// The page of a command.
fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .source(format!("{NAME} {}", env!("CARGO_PKG_VERSION")))
        .render(&mut page)?;
    Ok(with_examples(&String::from_utf8_lossy(&page)))
}

/// Moves the text after the options under the heading EXAMPLES, and keeps its lines: a command line
/// with a line break in it cannot be copied.
fn with_examples(page: &str) -> String {
    let Some((before, rest)) = page.split_once(".SH EXTRA\n") else {
        return page.to_owned();
    };
    let (examples, after) = match rest.find("\n.SH ") {
        Some(end) => rest.split_at(end + 1),
        None => (rest, ""),
    };
    let examples = examples.trim_start_matches("Examples:\n");
    format!("{before}.SH EXAMPLES\n.nf\n{examples}.fi\n{after}")
}
