//! Starts a program with the variables that point it at the mock.

use std::{path::Path, time::Duration};

use crate::{
    commands::{interrupts::Interrupts, program::Program},
    env::Environment,
    exit::{Failure, Outcome, Problem},
    render::text::{Line, Role},
    server::mock::MockBox,
    skill::{
        ports::free_port,
        process::{OutputMode, SkillCommand, SkillProcess},
        runtimes::{handler::Handler, run_folder::TrustFiles, variables::interception},
    },
    terminal::Terminal,
};

/// What is needed to start a program that uses the mock.
pub(super) struct Launch<'a> {
    pub(super) mock: &'a MockBox,
    /// The folder of this run, for the adapter of a handler.
    pub(super) folder: &'a Path,
    /// The files that make a program trust the mock's certificate.
    pub(super) files: TrustFiles,
    pub(super) environment: &'a Environment,
    pub(super) terminal: &'a Terminal,
}

/// Runs a program until it ends or the user ends it. Its output goes where that of skillctl goes.
pub(super) async fn run_program(
    program: &Program,
    launch: &Launch<'_>,
    interrupts: &Interrupts,
) -> Outcome {
    const STOP_TIMEOUT: Duration = Duration::from_secs(5);
    let mut variables = interception(&launch.mock.url(), &launch.files, launch.environment);
    if let Program::Handler(handler) = program {
        variables.push(("PORT".to_owned(), handler_port(handler, launch)?));
    }
    let words = program.command_line(launch.folder)?;
    let command = words.join(" ");
    let process = SkillProcess::spawn(&SkillCommand {
        words,
        folder: program.folder().map(Path::to_owned),
        variables,
        output: OutputMode::Inherited,
    })
    .map_err(|error| Problem::new(error.to_string()).outside())?;
    let exit = tokio::select! {
        exit = process.exited() => exit,
        () = interrupts.stopped() => {
            // At the second signal the process is dropped, which kills it.
            tokio::select! {
                _ = process.stop(STOP_TIMEOUT) => {}
                () = interrupts.ended() => {}
            }
            return Ok(());
        }
    };
    if exit.is_success() {
        return Ok(());
    }
    let message = format!("the command `{command}` ended with {exit}");
    Err(Problem::new(message).outside())
}

/// The port of a handler: the one in the variable `PORT`, or a free one.
fn handler_port(handler: &Handler, launch: &Launch<'_>) -> Result<String, Failure> {
    let port = match launch.environment.var("PORT") {
        Some(port) => port.to_owned(),
        None => free_port()
            .map_err(|error| {
                Problem::new(format!("cannot find a free port for the handler: {error}")).outside()
            })?
            .to_string(),
    };
    launch.terminal.note_line(
        Line::from(format!("{handler} on ")).with(Role::Strong, format!("http://127.0.0.1:{port}")),
    );
    Ok(port)
}
