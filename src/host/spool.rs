//! Where contents lie while the mock runs: files named by their SHA-1 in a private folder that
//! goes away with it, so that the same content is kept once however often it is used.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use sha1::{Digest, Sha1};
use tempfile::{NamedTempFile, TempDir};

use crate::{
    env::private_folder,
    mock_box::{content::hex, request::Spooled},
};

/// The folder.
#[derive(Debug)]
pub struct Spool {
    folder: TempDir,
}

/// Content on its way in.
#[derive(Debug)]
pub struct SpoolWriter {
    file: NamedTempFile,
    hash: Sha1,
    size: u64,
    folder: PathBuf,
}

impl Spool {
    /// A new private folder.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn new() -> io::Result<Self> {
        let folder = private_folder("skillctl-contents-")?;
        Ok(Self { folder })
    }

    /// Begins to take content in.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn writer(&self) -> io::Result<SpoolWriter> {
        Ok(SpoolWriter {
            file: NamedTempFile::new_in(self.folder.path())?,
            hash: Sha1::new(),
            size: 0,
            folder: self.folder.path().to_owned(),
        })
    }

    /// Content that was taken in before.
    pub fn find(&self, sha1: &str) -> Option<Spooled> {
        if sha1.len() != 40 || !sha1.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let path = self.folder.path().join(sha1);
        let size = fs::metadata(&path).ok()?.len();
        Some(Spooled {
            path,
            size,
            sha1: sha1.to_owned(),
        })
    }
}

impl SpoolWriter {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes it has taken.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Puts the content in its place.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn finish(self) -> io::Result<Spooled> {
        let sha1 = hex(&self.hash.finalize());
        let path = self.folder.join(&sha1);
        let _: File = self.file.persist(&path)?;
        Ok(Spooled {
            path,
            size: self.size,
            sha1,
        })
    }
}
