//! Reading and writing event files.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::exit::{Failure, Problem};

/// The largest event or capture, in bytes.
pub(super) const MAX_INPUT: u64 = 64 * 1024 * 1024;

/// Writes a file that must not exist.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => already_exists(path),
        _ => Problem::new(format!("cannot write {}: {error}", path.display())).outside(),
    })
}

/// The failure for a destination that exists.
pub(super) fn already_exists(path: &Path) -> Failure {
    Problem::new(format!("{} already exists", path.display()))
        .help("remove it first, or choose another name")
        .usage()
}

/// Makes a folder with its parents.
pub(super) fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| {
        Problem::new(format!(
            "cannot make the folder {}: {error}",
            path.display()
        ))
        .outside()
    })
}
