//! Writes files whose names skillctl chooses, such as `expected.json`. The folder may hold files that
//! others have made.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Writes a file, or overwrites it. A symbolic link is refused: it may point out of the folder.
///
/// # Errors
/// The system's error, or that the path is a symbolic link.
pub(super) fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    match opened {
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => Err(
            io::Error::other("it is a symbolic link, which is not followed"),
        ),
        opened => opened?.write_all(bytes),
    }
}
