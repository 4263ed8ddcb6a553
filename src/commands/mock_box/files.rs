//! Writes the ready file.

use std::{fs, io::Write, path::Path};

use crate::exit::{Failure, Problem};

/// Writes a file whole or not at all, so that a program that waits for it never reads a part of it.
/// A pipe or a terminal is written to directly.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = if path.metadata().is_ok_and(|found| !found.is_file()) {
        fs::write(path, bytes)
    } else {
        replace(path, bytes)
    };
    written.map_err(|error| not_written(path, &error))
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".ready-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// The failure of a write.
pub(super) fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Problem::new(format!("cannot write {}: {error}", path.display())).outside()
}
