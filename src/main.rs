//! The process: environment → command line → command → exit code, and nothing else.

use std::process::ExitCode;

use clap::Parser;
use skillctl::{cli::Cli, commands, env::Environment, exit, terminal::Terminal};

fn main() -> ExitCode {
    let environment = Environment::read();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return exit::of_command_line(&answer),
    };
    let terminal = Terminal::new(&environment, &cli.global);
    let result = commands::run(&cli, &environment, &terminal);
    exit::finish(&result, &terminal)
}
