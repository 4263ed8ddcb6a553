//! `skillctl event`: events made, scrubbed and checked.

mod new;
mod redact;
mod verify;

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::{
    cli::event::EventCommand,
    env::Environment,
    exit::{Failure, Outcome, Problem},
    terminal::Terminal,
};

/// Bytes of the largest event or capture that is read.
const LARGEST_INPUT: u64 = 64 * 1024 * 1024;

/// Runs one of the commands.
pub(super) fn run(
    command: &EventCommand,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    match command {
        EventCommand::New(arguments) => new::run(arguments, environment, terminal),
        EventCommand::Redact(arguments) => redact::run(arguments, terminal),
        EventCommand::Verify(arguments) => verify::run(arguments, environment, terminal),
    }
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => is_there(path),
        _ => Problem::new(format!("cannot write {}: {error}", path.display())).outside(),
    })
}

/// A destination that exists is never written over.
fn is_there(path: &Path) -> Failure {
    Problem::new(format!("{} is there already", path.display()))
        .help("remove it first, or choose another name")
        .usage()
}

/// Makes a folder with its parents.
fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| {
        Problem::new(format!(
            "cannot make the folder {}: {error}",
            path.display()
        ))
        .outside()
    })
}
