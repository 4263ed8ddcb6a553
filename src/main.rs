//! The process: environment → command line → command → exit code, and nothing else.

use std::process::ExitCode;

use skillctl::{
    cli::{Cli, layers},
    commands,
    env::Environment,
    exit,
    terminal::Terminal,
};

/// A third of what a mock and a replay cost was the system's allocator: what one thread takes here,
/// another often gives back. Without huge pages, for with them memory more than doubles.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::read();
    let file = std::fs::read_to_string(layers::NAME);
    let variable = |name: &str| environment.var(name).map(str::to_owned);
    let cli = match Cli::read(std::env::args_os(), variable, file) {
        Ok(cli) => cli,
        Err(answer) => return exit::of_command_line(&answer),
    };
    let terminal = Terminal::new(&environment, &cli.global);
    let result = commands::run(&cli, &environment, &terminal);
    exit::finish(&result, &terminal)
}
