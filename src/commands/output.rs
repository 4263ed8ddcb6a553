//! Writes files whose names skillctl chooses, such as `expected.json`. The folder may hold files that
//! others have made.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::fs::OFlags;

/// Writes a file, or overwrites it. A symbolic link is refused: it may point out of the folder.
///
/// # Errors
/// The system's error, or that the path is a symbolic link.
pub(super) fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, &mut OpenOptions::new())
}

/// The same, and only the user may read the file: it holds tokens.
///
/// # Errors
/// Those of [`write_over`].
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    const ONLY_THE_USER: u32 = 0o600;
    write(path, bytes, OpenOptions::new().mode(ONLY_THE_USER))?;
    // A file that was there keeps its permissions.
    fs::set_permissions(path, Permissions::from_mode(ONLY_THE_USER))
}

fn write(path: &Path, bytes: &[u8], options: &mut OpenOptions) -> io::Result<()> {
    let opened = options
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
