//! Opens contents on disk, wherever they are.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

/// For reading, and never through a symbolic link: what was a file of the served folder when it
/// was looked at may have become a link out of it since.
pub fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Opens content with [`reading`].
///
/// # Errors
/// What the system said.
pub fn open(path: &Path) -> io::Result<File> {
    reading().open(path)
}

/// Reads `length` bytes of content from `start` on.
///
/// # Errors
/// What the system said, also where the file has become shorter.
pub fn read(path: &Path, start: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    open(path)?.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_become_a_link_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "x").expect("it is written");
        let served = folder.path().join("served.txt");
        std::os::unix::fs::symlink(&secret, &served).expect("a link");
        assert!(open(&served).is_err());
        assert!(open(&secret).is_ok());
    }

    #[test]
    fn a_part_is_read_and_one_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("served.txt");
        std::fs::write(&path, "0123456789").expect("it is written");
        assert_eq!(read(&path, 3, 4).expect("a part"), b"3456");
        let error = read(&path, 8, 4).expect_err("it is shorter");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
