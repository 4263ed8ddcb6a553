//! `skillctl completions` and `skillctl man`: both are drawn from the command line itself.

use std::fs;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::{
    cli::{
        Cli,
        completions::{CompletionsArgs, ManArgs},
    },
    exit::{Outcome, Problem},
    terminal::Terminal,
};

/// What the program is called in scripts and pages.
const NAME: &str = "skillctl";

/// Prints the script by which a shell completes.
pub(super) fn completions(arguments: &CompletionsArgs, terminal: &Terminal) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), NAME, &mut script);
    terminal.out_raw(&script);
}

/// Prints or writes pages for man.
pub(super) fn man(arguments: &ManArgs, terminal: &Terminal) -> Outcome {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    if let Some(folder) = &arguments.dir {
        return fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(root, folder))
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
    let mut page = Vec::new();
    Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| Problem::new(format!("cannot draw the page: {error}")).outside())?;
    terminal.out_raw(&page);
    Ok(())
}
