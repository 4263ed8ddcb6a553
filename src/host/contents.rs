//! How contents on disk are opened, wherever they lie.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
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

/// Opens content so.
///
/// # Errors
/// What the system said.
pub fn open(path: &Path) -> io::Result<File> {
    reading().open(path)
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
}
