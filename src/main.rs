//! The process: environment → command line → command → exit code.

use skillctl::{
    cli::Cli,
    commands,
    env::{Environment, config_file},
    exit,
    terminal::Terminal,
};

/// The system's allocator took a third of a mock's time. Huge pages would double memory use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let environment = Environment::read();
    let variable = |name: &str| environment.var(name).map(str::to_owned);
    let config = config_file::find(&environment);
    let cli = match Cli::read(std::env::args_os(), variable, config) {
        Ok(cli) => cli,
        Err(answer) => return exit::print_clap_answer(&answer),
    };
    let terminal = Terminal::new(&environment, &cli.global);
    let outcome = commands::run(&cli, &environment, &terminal);
    if let Some(problem) = exit::problem(&outcome) {
        terminal.problem(problem);
    }
    exit::code(&outcome).into()
}
