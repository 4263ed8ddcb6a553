//! `skillctl completions` and `skillctl man`: both are generated from the clap types.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::{
    cli::{
        Cli,
        completions::{CompletionsArgs, ManArgs},
    },
    exit::{Outcome, Problem},
    terminal::Terminal,
};

/// The name of the program in scripts and pages.
const NAME: &str = "skillctl";

/// Prints a completion script.
pub(super) fn completions(arguments: &CompletionsArgs, terminal: &Terminal) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), NAME, &mut script);
    terminal.out_raw(&script);
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
    terminal.out_raw(page.as_bytes());
    Ok(())
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
