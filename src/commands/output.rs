//! Writing files whose names are ours and not the user's: `expected.json` beside a fixture, the
//! events of `--events-dir`. The folder may be somebody else's work.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Writes a file, over what is there, but never through a symbolic link: it may lead out of the
/// folder, to a file that nobody meant.
///
/// # Errors
/// What the system said, or that it is a link.
pub(super) fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    match opened {
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => Err(
            io::Error::other("it is a symbolic link, and is not followed"),
        ),
        opened => opened?.write_all(bytes),
    }
}
