//! The commands: arguments → checked plan → work in a library module → result, rendered once. There
//! is a file or folder for each subcommand, as [`run`] lists them; the other files are shared. The
//! rules are in the library modules.

mod box_access;
mod box_failure;
mod capture;
mod cards;
mod cassette_files;
mod certificates;
mod changed_files;
mod completions;
mod doctor;
mod env;
mod event;
mod fetch;
mod fixtures;
mod init;
mod interrupts;
mod mock;
mod mock_box;
mod output;
mod program;
mod repeated_changes;
mod replay;
mod report;
mod report_files;
mod runtime;
mod sample_skill;
mod schema;
mod secret_variables;
mod skill;
mod wrong_input;

use crate::{
    cli::{Cli, Command, taken::Layers},
    env::Environment,
    exit::Outcome,
    render::text::{Line, Role, Text},
    terminal::Terminal,
};

/// Runs the command that the command line names.
pub fn run(cli: &Cli, environment: &Environment, terminal: &Terminal) -> Outcome {
    if !matches!(cli.command, Command::Doctor(_)) {
        print_layers(&cli.layers, terminal);
    }
    match &cli.command {
        Command::Replay(arguments) => replay::run(arguments, environment, terminal),
        Command::Report(command) => report::run(command, environment, terminal),
        Command::MockBox(arguments) => mock_box::run(arguments, environment, terminal),
        Command::Cards(arguments) => cards::run(arguments, environment, terminal),
        Command::Event(command) => event::run(command, environment, terminal),
        Command::Fetch(arguments) => fetch::run(arguments, environment, terminal),
        Command::Env(arguments) => env::run(arguments, environment, terminal),
        Command::Capture(arguments) => capture::run(arguments, environment, terminal),
        Command::Init(arguments) => init::run(arguments, environment, terminal),
        Command::Doctor(arguments) => doctor::run(arguments, &cli.layers, environment, terminal),
        Command::Schema(arguments) => {
            schema::run(arguments, terminal);
            Ok(())
        }
        Command::Completions(arguments) => {
            completions::completions(arguments, terminal);
            Ok(())
        }
        Command::Man(arguments) => completions::man(arguments, terminal),
        Command::SampleSkill(arguments) => sample_skill::run(arguments, terminal),
    }
}

/// Prints with `-v` which values came from a variable or from `skillctl.toml`, and warns about files
/// that were left out.
fn print_layers(layers: &Layers, terminal: &Terminal) {
    for line in &layers.left_out {
        terminal.warn(line);
    }
    let mut text = Text::new();
    if let Some(path) = &layers.file {
        text.push(Line::new().with(Role::Dim, format!("using {}", path.display())));
    }
    for value in &layers.taken {
        let line = format!("{} is from {}", value.name, value.place);
        text.push(Line::new().with(Role::Dim, line));
    }
    terminal.detail(&text);
}
